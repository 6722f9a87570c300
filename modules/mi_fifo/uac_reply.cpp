// Replies that applications send through the FIFO: t_reply, t_reply_callid.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/mi_fifo/uac.h"

namespace fairlead::mi_fifo {
namespace {

using Missing = LineRequest::Missing;
constexpr std::uint64_t kHighestCode = 699;

/// Code and phrase, which stand in this order; the error's text.
std::optional<std::string_view> read_status(std::string_view code, std::string_view reason,
                                            tm::OwnReply& out) {
    const auto number = text::parse_uint(code, kHighestCode);
    if (code.empty()) return "code expected";
    if (!number || *number < 100) return "code(int) has wrong format";
    if (reason.empty() || !tm::is_one_line(reason)) return "reason expected";
    out.code = static_cast<int>(*number);
    out.reason = reason;
    return std::nullopt;
}

std::string refusal(std::string_view why) {
    return fmt::format("400 fifo_t_reply: {}", why);
}

}  // namespace

void Uac::send(const LineRequest& request, tm::OwnReply reply,
               const std::function<bool(const tm::OwnReply&)>& answer) {
    const tm::HeaderLines headers = tm::read_header_lines(joined(request.headers));
    if (request.is_bad || request.missing != Missing::nothing || headers.has_length ||
        !headers.is_for_reply())
        return say(request, refusal("while reading new headers"));
    const std::string body = joined(request.body);
    reply.headers = headers.rest;
    reply.body = body;
    say(request,
        answer(reply) ? "200 fifo_t_reply succeeded\n" : "481 fifo_t_reply: no such transaction\n");
}

void Uac::reply(const LineRequest& request) {
    tm::OwnReply reply;
    if (const auto wrong = read_status(line(request, 0), line(request, 1), reply))
        return say(request, refusal(*wrong));
    if (line(request, 2).empty()) return say(request, refusal("trans_id expected"));
    const auto id = tm::parse_id(line(request, 2));
    if (!id) return say(request, refusal("invalid trans_id"));
    reply.to_tag = line(request, 3);
    // The first servers spelled it so.
    if (!tm::is_token(reply.to_tag)) return say(request, refusal("to-ta expected"));
    send(request, reply,
         [&](const tm::OwnReply& made) { return tm_->answer(id->slot, id->label, made); });
}

void Uac::reply_to_call(const LineRequest& request) {
    const std::string_view call_id = line(request, 0);
    const auto cseq = text::parse_uint(line(request, 1), UINT32_MAX);
    if (call_id.empty()) return say(request, refusal("callid expected"));
    if (!cseq) return say(request, refusal("cseq expected"));
    tm::OwnReply reply;
    if (const auto wrong = read_status(line(request, 2), line(request, 3), reply))
        return say(request, refusal(*wrong));
    // Without a tag it is the transaction's own.
    const std::string_view tag = line(request, 4);
    if (!tag.empty() && !tm::is_token(tag)) return say(request, refusal("to-tag expected"));
    reply.to_tag = tag == "." ? std::string_view() : tag;
    send(request, reply, [&](const tm::OwnReply& made) {
        return tm_->answer_call(call_id, static_cast<std::uint32_t>(*cseq), made);
    });
}

}  // namespace fairlead::mi_fifo
