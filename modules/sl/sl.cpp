// Stateless replies (RFC 3261 8.2.7, 16.11): making and sending them, and absorbing their ACKs.
// SPDX-License-Identifier: Apache-2.0
#include "modules/sl/sl.h"

#include <algorithm>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/sl/redirect.h"

namespace fairlead::sl {

namespace {

constexpr bool is_status(std::int64_t code) noexcept {
    return code >= 100 && code <= 999;
}

/// "<reason> (<number>/SL)", the phrase that says what went wrong inside.
std::string_view error_reason(Arena& arena, ScriptError error, std::string_view reason) {
    const auto number = fmt::format_int(-static_cast<int>(error));
    return arena.concat({reason, " (", {number.data(), number.size()}, "/SL)"});
}

}  // namespace

Result<void> Sl::prepare(Core& core) {
    core_ = &core;
    std::string identity = "FAIRLEAD-stateless";
    if (const auto listeners = core.net().listeners(); !listeners.empty()) {
        const Address& address = listeners.front().address;
        identity += address.ip_text() + std::to_string(address.port);
    }
    tag_ = Tag(identity);
    window_ = core.memory().make<AckWindow>(core.memory().tag("sl", "ack_window"));
    if (!window_) return fail("no shared memory for the ACK window");
    on_failure_ = core.on_send_failure(*this);
    first_reply_ = core.histograms().add("core", "first_reply",
                                         "From a request's arrival to the first reply to it.");
    filtered_ack_ = core.script().find(Route::event, "sl:filtered-ack");
    local_response_ = core.script().find(Route::event, "sl:local-response");
    return {};
}

Result<void> Sl::set_callback(const Value& name) {
    LOG(notice, "callback {} is taken and changes nothing: use event_route[sl:…]", name.string());
    return {};
}

Next Sl::request_arrived(Message& m) {
    if (!is_own_ack(*window_, tag_, m.sip, core_->clock().now())) return Next::go_on;
    count(Stat::acks);
    for (Watcher* const w : watchers_) w->absorbed(m);
    if (filtered_ack_ != RouteId::none) {
        m.route_type = Route::event;
        core_->script().run(filtered_ack_, m);
    }
    return Next::consumed;
}

void Sl::failed(void*, std::uint32_t) noexcept {
    count(Stat::failures);
}

// ---- Script functions ---------------------------------------------------------------------------

int Sl::code_of(const Value& given) const noexcept {
    if (given.is_integer() && is_status(given.integer())) return static_cast<int>(given.integer());
    LOG(error, "the reply code is {}; replying {}",
        given.is_integer() ? "out of range" : "not a number", default_code);
    return default_code;
}

std::string_view Sl::reason_of(Message& m, const Value& given) const {
    if (given.is_string()) return given.string();
    if (given.is_null()) return default_reason;
    const auto number = fmt::format_int(given.integer());
    return m.arena.copy({number.data(), number.size()});
}

Verdict Sl::sl_send_reply(Message& m, Value code, Value reason) {
    return Verdict(send_stateless(m, code_of(code), reason_of(m, reason)));
}

Verdict Sl::send_reply(Message& m, Value code, Value reason) {
    return Verdict(send(m, code_of(code), reason_of(m, reason)));
}

Verdict Sl::send_reply_mode(Message& m, Value code, Value reason, int) {
    return send_reply(m, code, reason);
}

Verdict Sl::sl_reply_error(Message& m) {
    return Verdict(send_error(m));
}

Verdict Sl::sl_forward_reply(Message& m, std::optional<int> code,
                             std::optional<std::string_view> reason) {
    if (m.is_request()) return Verdict::no;
    const int new_code = code.value_or(m.sip.status());
    if (new_code < 100 || new_code / 100 != m.sip.status() / 100) {
        LOG(error, "reply code class cannot be changed: {} to {}", m.sip.status(), new_code);
        return Verdict::no;
    }
    const auto target = relay_target(core_->net(), m.sip, m.received.listener);
    if (!target) return Verdict::no;
    const std::string_view phrase = reason.value_or(m.sip.reason());
    std::size_t room = m.sip.bytes().size() + phrase.size() + 64;
    for (const sip::Edit& edit : m.edits.list()) room += edit.text.size();
    sip::Writer out(m.arena.allocate(room), room);
    if (!sip::write_relayed_reply(out, m.sip, m.edits.list(), new_code, phrase)) return Verdict::no;
    const bool sent =
        core_->net().send(*target, out.text(), {.handler = on_failure_}) == Sent::queued;
    return Verdict::of(sent);
}

Value Sl::local_to_tag(Message& m, char kind) {
    if (!m.is_request()) return {};
    const bool stateful = kind == 't' || (kind == 'x' && has_transaction(m));
    if (!stateful) return to_tag(m);
    const std::string_view tag = tm != nullptr ? tm->reply_to_tag(m) : std::string_view();
    return tag.empty() ? Value() : Value(tag);
}

// ---- Replies ------------------------------------------------------------------------------------

bool Sl::has_transaction(const Message& m) const noexcept {
    return bind_tm && tm != nullptr && tm->has_transaction(m);
}

std::string_view Sl::to_tag(Message& m) {
    const Tag::Text text = tag_.make(m.sip);
    return m.arena.copy({text.data(), text.size()});
}

int Sl::send_error(Message& m) {
    const ScriptError error = m.error == ScriptError::none ? ScriptError::unspecified : m.error;
    const ErrorReply reply = error_reply(error);
    const std::string_view reason = error_reason(m.arena, error, reply.reason);
    LOG(error, "stateless error reply used: {} {}", reply.code, reason);
    // RFC 3261 17.2.1: a transaction gives one final reply. After a t_relay() that failed it is the
    // transaction that answers (or has answered); a second, stateless one would cross it.
    const int result = send(m, reply.code, reason);
    if (result > 0) count(Stat::sent_errors);
    return result;
}

int Sl::send(Message& m, int code, std::string_view reason) {
    if (has_transaction(m)) return tm->reply(m, code, reason);
    return send_stateless(m, code, reason);
}

std::string_view Sl::reply_headers(Message& m, int code) const {
    if (code / 100 != 3) return m.reply_headers;
    sip::Writer out(m.arena.allocate(kMaxContacts), kMaxContacts);
    if (!write_contacts(out, m, rich_redirect)) {
        LOG(error, "the Contact of a {} would be longer than {} bytes and is left out", code,
            kMaxContacts);
        return m.reply_headers;
    }
    if (out.size() == 0) {
        const bool own = text::ci_starts_with(m.reply_headers, "Contact:") ||
                         text::ci_find(m.reply_headers, "\nContact:") != m.reply_headers.npos;
        if (!own) LOG(warning, "no r-uri or branches for the Contact of a {}", code);
        return m.reply_headers;
    }
    return m.arena.concat({m.reply_headers, out.text()});
}

std::string_view Sl::write(Message& m, int code, std::string_view reason) {
    constexpr std::size_t kViaMark = 80;  // ";received=" and ";rport=" at their longest
    const std::size_t via_size = m.sip.via() != nullptr ? m.sip.via()->text.size() + kViaMark : 0;
    sip::Writer via(m.arena.allocate(via_size), via_size);
    const Tag::Text tag = tag_.make(m.sip);
    sip::ReplyPlan plan{
        .code = code,
        .reason = reason,
        .to_tag = {tag.data(), tag.size()},
        .top_via = sip::mark_via(via, m.sip, m.received.source,
                                 m.force_rport || core_->globals().force_rport),
        .headers = reply_headers(m, code),
        .server = core_->globals().server_header,
        .content_type = m.reply_content_type,
        .body = m.reply_body,
    };
    if (core_->globals().sip_warning) {
        const std::size_t size = kWarningRoom + m.sip.request_uri().size() + m.uri().size();
        sip::Writer warning(m.arena.allocate(size), size);
        plan.warning = write_warning(warning, m.sip, m.received, m.uri());
    }
    // All that can be copied from the request is shorter than the request.
    constexpr std::size_t kRest = 256;  // status line, tag, Content-Type, Content-Length
    const std::size_t room = std::min(
        sip::kMaxMessage, m.sip.bytes().size() + kViaMark + reason.size() + plan.headers.size() +
                              plan.server.size() + plan.content_type.size() + plan.body.size() +
                              plan.warning.size() + kRest);
    sip::Writer out(m.arena.allocate(room), room);
    return sip::write_reply(out, m.sip, plan) ? out.text() : std::string_view();
}

int Sl::send_stateless(Message& m, int code, std::string_view reason) {
    // RFC 3261 17: an ACK is never answered.
    if (!m.is_request() || m.sip.method() == sip::Method::ack || !is_status(code)) {
        count(Stat::failures);
        return -1;
    }
    const std::string_view reply = write(m, code, reason);
    if (reply.empty() ||
        core_->net().send(reply_target(m), reply, {.handler = on_failure_}) != Sent::queued) {
        LOG(error, "a {} could not be sent", code);
        count(Stat::failures);
        return -1;
    }
    open_window(*window_, core_->clock().now());
    if (m.arrived_ns != 0) first_reply_.record(core_->clock().exact_ns() - m.arrived_ns);
    m.arrived_ns = 0;  // another reply is not the first
    count(stat_of(code));
    count(Stat::sent);
    for (Watcher* const w : watchers_) w->replied(m, code, reply);
    if (local_response_ != RouteId::none) run_local_response(m, reply);
    return 1;
}

void Sl::run_local_response(Message& m, std::string_view reply) {
    Message& sent = core_->borrow_message();
    sent.received = m.received;
    if (!sent.sip.parse(reply)) {
        sent.route_type = Route::event;
        core_->script().run(local_response_, sent);
    }
    core_->give_back(sent);
}

}  // namespace fairlead::sl
