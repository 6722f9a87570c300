// Requests that applications launch through the FIFO: t_uac_from, t_uac_dlg and their kin.
// SPDX-License-Identifier: Apache-2.0
#include "modules/mi_fifo/uac.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::mi_fifo {
namespace {

using Missing = LineRequest::Missing;

/// "478 Unresolvable destination (478/FIFO/UAC)".
std::string launch_error(ScriptError error) {
    const ErrorReply reply = error_reply(error);
    return fmt::format("{} {} ({}/FIFO/UAC)", reply.code, reply.reason, -static_cast<int>(error));
}

}  // namespace

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) {
        out += line;
        out += "\r\n";
    }
    return out;
}

bool are_clean(const std::vector<std::string>& lines) noexcept {
    return std::ranges::all_of(lines,
                               [](const std::string& line) { return tm::is_one_line(line); });
}

std::pair<std::string, std::string> split_tag(std::string_view value) {
    const std::size_t angle = value.find('>');
    std::size_t at = angle == std::string_view::npos ? 0 : angle;
    while ((at = value.find(';', at)) != std::string_view::npos) {
        const std::size_t end = std::min(value.find(';', at + 1), value.size());
        const auto param = text::trim(value.substr(at + 1, end - at - 1));
        if (text::ci_starts_with(param, "tag=")) {
            std::string without(value.substr(0, at));
            without += value.substr(end);
            return {without, std::string(param.substr(4))};
        }
        at = end;
        if (at >= value.size()) break;
    }
    return {std::string(value), {}};
}

ReplyParts split_reply(std::string_view reply) noexcept {
    const std::size_t end = reply.find("\r\n"), blank = reply.find(' ');
    if (end == std::string_view::npos || blank >= end) return {};
    return {reply.substr(blank + 1, end - blank - 1), reply.substr(end + 2)};
}

void Uac::prepare(tm::Api* tm, tm::UacApi* uac, Write write) {
    tm_ = tm;
    uac_ = uac;
    write_ = std::move(write);
    if (uac_ != nullptr) callback_ = uac_->on_reply(*this);
}

bool Uac::run(const LineRequest& request) {
    struct Row {
        std::string_view name;
        void (Uac::*run)(const LineRequest&);
    };
    constexpr Row rows[] = {{"t_uac_from", &Uac::from},
                            {"t_uac_dlg", &Uac::dialog},
                            {"t_uac_cancel", &Uac::cancel},
                            {"t_reply", &Uac::reply},
                            {"t_reply_callid", &Uac::reply_to_call}};
    for (const Row& row : rows) {
        if (!text::ci_equal(row.name, request.command)) continue;
        if (tm_ == nullptr || uac_ == nullptr)
            say(request, fmt::format("500 command '{}' not available\n", request.command));
        else
            (this->*row.run)(request);
        return true;
    }
    return false;
}

void Uac::launch(tm::UacRequest& what, Pending pending, std::string_view label) {
    const std::string name = pending.reply_name;
    if (pending_.size() >= kMost)
        return write_(name, fmt::format("500 {}: no memory for shmem_file\n", label), true);
    const std::uint64_t number = ++last_;
    what.callback = callback_;
    what.provisional = provisional || uac_->passes_provisional_replies();
    if (what.next_hop.empty()) what.next_hop = outbound_proxy;
    std::array<char, sizeof number> param{};
    std::memcpy(param.data(), &number, sizeof number);
    what.param = {param.data(), param.size()};
    // First, because a listener may be told while request() runs.
    pending_.emplace(number, std::move(pending));
    const auto launched = uac_->request(what);
    if (launched) return;
    pending_.erase(number);
    const bool is_dialog = label == "fifo_uac_error";
    const std::string text = launch_error(launched.error());
    const std::size_t blank = text.find(' ');
    write_(name,
           is_dialog
               ? fmt::format("{} {}: {}\n", text.substr(0, blank), label, text.substr(blank + 1))
               : text,
           true);
}

void Uac::from(const LineRequest& request) {
    const auto refuse = [&](std::string_view text) {
        say(request, fmt::format("400 fifo_uac: {}", text));
    };
    const std::string_view method = line(request, 0), to = line(request, 2);
    if (request.is_bad || !are_clean(request.lines) || !are_clean(request.headers))
        return refuse("bad request\n");
    if (method.empty()) return refuse("method expected");
    if (request.missing == Missing::line && request.lines.size() < 2)
        return refuse("from expected\n");
    if (to.empty()) return refuse("destination expected\n");
    if (request.missing == Missing::headers) return refuse("HFs expected\n");
    if (request.missing == Missing::body) return refuse("body expected\n");
    const tm::HeaderLines headers = tm::read_header_lines(joined(request.headers));
    if (headers.is_wrong) return refuse("HFs unparseable\n");
    if (headers.has_length || headers.has_via) return refuse("Content-Length disallowed\n");
    const auto cseq = text::parse_uint(headers.cseq, INT32_MAX);
    if (!headers.cseq.empty() && !cseq) return refuse("non-numerical CSeq\n");
    const std::string body = joined(request.body);
    tm::UacRequest what;
    what.method = method;
    what.request_uri = to;
    what.from = line(request, 1).empty() ? std::string_view("\"UAC Account\" <sip:uac@dev.null:9>")
                                         : line(request, 1);
    what.headers = headers.rest;
    what.body = body;
    what.call_id = headers.call_id;
    what.cseq = static_cast<std::uint32_t>(cseq.value_or(0));
    Pending pending;
    pending.reply_name = request.reply_name;
    launch(what, std::move(pending), "fifo_uac");
}

void Uac::dialog(const LineRequest& request) {
    const auto refuse = [&](std::string_view text) {
        say(request, fmt::format("400 fifo_uac_error: {}", text));
    };
    const std::string_view method = line(request, 0), uri = line(request, 1);
    if (request.is_bad || !are_clean(request.lines) || !are_clean(request.headers))
        return refuse("HFs unparseable");
    if (method.empty()) return refuse("method expected");
    if (uri.empty()) return refuse("ruri expected");
    if (!sip::parse_uri(uri)) return refuse("ruri invalid\n");
    if (line(request, 2).empty()) return refuse("next hop address expected\n");
    if (request.missing == Missing::headers) return refuse("HFs expected");
    if (request.missing == Missing::body) return refuse("body expected");
    const std::string_view where = line(request, 2);
    const std::size_t bar = where.find('|');
    const auto or_none = [](std::string_view text) {
        text = text::trim(text);
        return text == "." ? std::string_view() : text;
    };
    const std::string_view hop = or_none(where.substr(0, bar));
    const std::string_view socket =
        bar == std::string_view::npos ? std::string_view() : or_none(where.substr(bar + 1));
    if (!hop.empty() && !sip::parse_uri(hop)) return refuse("next hop uri invalid\n");
    const tm::HeaderLines headers = tm::read_header_lines(joined(request.headers));
    if (headers.is_wrong) return refuse("HFs unparseable");
    const bool has_body = !request.body.empty();
    if (has_body && !headers.has_type) return refuse("Content-Type missing");
    if (headers.has_length || headers.has_via) return refuse("Content-Length disallowed");
    if (headers.to.empty()) return refuse("To missing");
    if (headers.from.empty()) return refuse("From missing");
    const auto cseq = text::parse_uint(headers.cseq, INT32_MAX);
    if (!headers.cseq.empty() && !cseq) return refuse("non-numerical CSeq");
    if (!headers.cseq_method.empty() && headers.cseq_method != method)
        return refuse("CSeq method mismatch");
    const auto [from, from_tag] = split_tag(headers.from);
    const auto [to, to_tag] = split_tag(headers.to);
    const std::string body = joined(request.body);
    Pending pending;
    pending.reply_name = request.reply_name;
    pending.is_dialog = true;
    tm::Dialog& d = pending.dialog;
    d.call_id = headers.call_id.empty() ? uac_->new_call_id() : headers.call_id;
    d.local_tag = from_tag.empty() ? uac_->new_tag() : from_tag;
    d.remote_tag = to_tag;
    d.local_uri = from;
    d.remote_uri = to;
    d.local_cseq = static_cast<std::uint32_t>(cseq.value_or(10));
    if (!to_tag.empty()) d.state = tm::Dialog::State::confirmed;
    const std::string call_id = d.call_id, local_tag = d.local_tag;
    tm::UacRequest what;
    what.method = method;
    what.request_uri = uri;
    what.next_hop = hop;
    what.socket = socket;
    what.from = from;
    what.from_tag = local_tag;
    what.to = to;
    what.to_tag = to_tag;
    what.call_id = call_id;
    what.cseq = d.local_cseq;
    what.headers = headers.rest;
    what.body = body;
    launch(what, std::move(pending), "fifo_uac_error");
}

void Uac::replied(const tm::UacReply& reply) {
    std::uint64_t number = 0;
    if (reply.param.size() != sizeof number) return;
    std::memcpy(&number, reply.param.data(), sizeof number);
    const auto found = pending_.find(number);
    if (found == pending_.end()) return;  // a second final reply to a forked INVITE
    Pending& pending = found->second;
    const auto [status, rest] = split_reply(reply.reply);
    std::string text;
    if (!pending.is_dialog) {
        text = reply.local ? (reply.code == 408 ? std::string("408 Request Timeout")
                                                : fmt::format("{} Service Unavailable", reply.code))
                           : std::string(status);
    } else if (reply.local) {
        text = fmt::format("{} {}\n", reply.code,
                           reply.code == 408 ? "Request Timeout" : "Service Unavailable");
    } else {
        tm::Dialog& d = pending.dialog;
        (void)uac_->learn(d, reply.reply);
        const bool confirmed = d.state == tm::Dialog::State::confirmed;
        std::string routes, hop = ".";
        for (const auto& route : d.routes) routes += (routes.empty() ? "" : ", ") + route;
        if (!d.routes.empty()) hop = d.routes.front();
        if (confirmed)
            text = fmt::format("{}\n{}\n{}\n{}\n{}\n", status, d.target, hop,
                               routes.empty() ? "." : "Route: " + routes + "\r", rest);
        else
            text = fmt::format("{}\n.\n.\n.\n{}\n", status, rest);
    }
    const std::string name = pending.reply_name;
    const bool is_first = !pending.has_written;
    pending.has_written = true;
    if (reply.is_final()) pending_.erase(found);
    write_(name, std::move(text), is_first);
}

void Uac::cancel(const LineRequest& request) {
    const std::string_view call_id = line(request, 0);
    const auto cseq = text::parse_uint(line(request, 1), UINT32_MAX);
    if (call_id.empty()) return say(request, "400 fifo_uac_cancel: callid expected\n");
    if (!cseq) return say(request, "400 fifo_uac_cancel: cseq expected\n");
    const bool done = tm_->cancel_call(call_id, static_cast<std::uint32_t>(*cseq), 0, 0);
    say(request,
        done ? "200 fifo_uac_cancel succeeded\n" : "481 fifo_uac_cancel: no such transaction\n");
}

}  // namespace fairlead::mi_fifo
