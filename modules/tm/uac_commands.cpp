// Commands that send requests and replies of an operator's: tm.t_uac_start and its kin, tm.reply.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/uac_commands.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

constexpr int kBadRequest = 400, kNotFound = 404, kNoTransaction = 481, kServerError = 500;
constexpr std::uint64_t kHighestCode = 699;

Error bad(std::string text) {
    return {.code = kBadRequest, .text = std::move(text)};
}

/// "." and nothing mean that there is none.
std::string_view or_none(std::string_view text) noexcept {
    return text == "." ? std::string_view() : text;
}

/// What a request is made of; owns what the views of `what` point to.
struct Draft {
    HeaderLines fields;
    UacRequest what;
};

/// The checks that concern the fields, in the order of their complaints.
Result<void> fill_in(Draft& draft) {
    const HeaderLines& f = draft.fields;
    UacRequest& what = draft.what;
    if (f.is_wrong || f.is_folded || f.has_via) return std::unexpected(bad("Invalid headers"));
    if (!what.body.empty() && !f.has_type) return std::unexpected(bad("Content-Type missing"));
    if (f.has_length) return std::unexpected(bad("Content-Length disallowed"));
    if (f.to.empty()) return std::unexpected(bad("To missing"));
    if (f.from.empty()) return std::unexpected(bad("From missing"));
    if (!sip::parse_name_addr(f.from)) return std::unexpected(bad("Error in From"));
    if (!f.cseq.empty()) {
        const auto number = text::parse_uint(f.cseq, INT32_MAX);
        if (!number) return std::unexpected(bad("Non-numerical CSeq"));
        if (f.cseq_method != what.method) return std::unexpected(bad("CSeq method mismatch"));
        what.cseq = static_cast<std::uint32_t>(*number);
    }
    what.from = f.from;
    what.to = f.to;
    what.call_id = f.call_id;
    what.headers = f.rest;
    return {};
}

/// method, Request-URI, next hop, socket, headers, body.
Result<void> read_request(const Call& call, const Tm& tm, Draft& draft) {
    constexpr std::size_t kFewest = 5;
    if (call.args().size() < kFewest)
        return std::unexpected(
            bad(fmt::format("too few parameters ({}/{})", call.args().size(), kFewest)));
    UacRequest& what = draft.what;
    what.method = call.text(0);
    what.request_uri = call.text(1);
    what.next_hop = or_none(call.text(2));
    what.socket = or_none(call.text(3));
    what.body = call.text(5);
    if (what.method.empty()) return std::unexpected(bad("Empty method"));
    if (!is_one_line(what.method)) return std::unexpected(bad("Invalid method"));
    if (!sip::parse_uri(what.request_uri))
        return std::unexpected(bad(fmt::format("Invalid request uri \"{}\"", what.request_uri)));
    if (!what.next_hop.empty() && !sip::parse_uri(what.next_hop))
        return std::unexpected(bad(fmt::format("Invalid next-hop uri \"{}\"", what.next_hop)));
    if (!tm.has_socket(what.socket))
        return std::unexpected(bad(fmt::format("No local socket for \"{}\"", what.socket)));
    draft.fields = read_header_lines(or_none(call.text(4)));
    return fill_in(draft);
}

Result<void> ask(Module& m, Call& call, bool waits) {
    auto& tm = static_cast<Tm&>(m);
    Draft draft;
    TRY(read_request(call, tm, draft));
    return tm.answers().launch(tm, draft.what, waits ? &call : nullptr);
}

// ---- Replies ------------------------------------------------------------------------------------

struct ReplyDraft {
    HeaderLines fields;
    OwnReply what;
};

Result<void> read_status(const Call& call, OwnReply& reply) {
    const auto code = text::parse_uint(call.text(0), kHighestCode);
    if (!code || *code < 100) return std::unexpected(bad("Reply code expected"));
    if (call.text(1).empty() || !is_one_line(call.text(1)))
        return std::unexpected(bad("Reason phrase expected"));
    reply.code = static_cast<int>(*code);
    reply.reason = call.text(1);
    return {};
}

/// To-tag, headers and body, from argument `at` on.
Result<void> read_rest(const Call& call, std::size_t at, ReplyDraft& draft) {
    const std::string_view tag = call.text(at);
    if (tag.empty()) return std::unexpected(bad("To tag expected"));
    if (!is_token(tag)) return std::unexpected(bad("Invalid To tag"));
    draft.fields = read_header_lines(or_none(call.text(at + 1)));
    const HeaderLines& f = draft.fields;
    if (f.is_folded || !f.is_for_reply()) return std::unexpected(bad("Invalid headers"));
    if (f.has_length) return std::unexpected(bad("Content-Length disallowed"));
    draft.what.to_tag = or_none(tag);
    draft.what.headers = f.rest;
    draft.what.body = call.text(at + 2);
    return {};
}

}  // namespace

Result<void> UacAnswers::launch(UacApi& uac, UacRequest request, Call* call) {
    const std::uint64_t number = ++last_;
    std::array<char, sizeof number> param{};
    std::memcpy(param.data(), &number, sizeof number);
    if (call != nullptr) {
        if (waiting_.size() >= kMost) return fail("Too many requests wait", {}, kServerError);
        request.callback = callback_;
        request.param = {param.data(), param.size()};
        // First, because the listener may be told while request() runs.
        waiting_.emplace(number, call->later());
    }
    const auto launched = uac.request(request);
    if (launched) return {};
    const ErrorReply reply = error_reply(launched.error());
    const Error error{.code = reply.code, .text = std::string(reply.reason)};
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return std::unexpected(error);
    const auto late = std::move(found->second);
    waiting_.erase(found);
    late->fail(error);
    return {};
}

void UacAnswers::replied(const UacReply& reply) {
    std::uint64_t number = 0;
    if (!reply.is_final() || reply.param.size() != sizeof number) return;
    std::memcpy(&number, reply.param.data(), sizeof number);
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return;  // a second final reply to a forked INVITE
    const auto late = std::move(found->second);
    waiting_.erase(found);
    std::string_view reason = sip::default_reason(reply.code);
    if (!reply.local) {  // "SIP/2.0 200 OK"
        const std::string_view line = reply.reply.substr(0, reply.reply.find("\r\n"));
        constexpr std::size_t kReason = 12;
        reason = line.size() > kReason ? line.substr(kReason) : std::string_view();
    }
    Answer& a = late->answer();
    a.begin_struct();
    a.integer("code", reply.code);
    a.text("text", reason);
    a.end_struct();
}

namespace operators {

Result<void> start_request(Module& m, Call& call) {
    return ask(m, call, false);
}
Result<void> wait_for_request(Module& m, Call& call) {
    return ask(m, call, true);
}

Result<void> reply(Module& m, Call& call) {
    ReplyDraft draft;
    TRY(read_status(call, draft.what));
    const std::string_view id = call.text(2);
    if (id.empty()) return std::unexpected(bad("Transaction ID expected"));
    if (call.text(3).empty()) return std::unexpected(bad("To tag expected"));
    const auto named = parse_id(id);
    if (!named) return std::unexpected(bad("Invalid transaction ID"));
    TRY(read_rest(call, 3, draft));
    if (!static_cast<Tm&>(m).answer(named->slot, named->label, draft.what))
        return fail("No such transaction", {}, kNoTransaction);
    return {};
}

Result<void> reply_callid(Module& m, Call& call) {
    ReplyDraft draft;
    TRY(read_status(call, draft.what));
    const auto cseq = text::parse_uint(call.text(3), UINT32_MAX);
    if (call.text(2).empty()) return std::unexpected(bad("Call-ID expected"));
    if (!cseq) return std::unexpected(bad("CSeq expected"));
    TRY(read_rest(call, 4, draft));
    if (!static_cast<Tm&>(m).answer_call(call.text(2), static_cast<std::uint32_t>(*cseq),
                                         draft.what))
        return fail("Transaction not found", {}, kNotFound);
    return {};
}

}  // namespace operators
}  // namespace fairlead::tm
