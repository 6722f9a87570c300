// Replies that applications send through the FIFO: t_reply, t_reply_callid.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "core/api/text.h"
#include "modules/mi_fifo/uac.h"

namespace fairlead::mi_fifo {
namespace {

using Missing = LineRequest::Missing;
constexpr std::uint64_t kHighestCode = 699;
constexpr std::string_view kNoTransaction = "481 fifo_t_reply: no such transaction\n";

/// A tag is a token (RFC 3261 25.1): nothing can follow it.
bool is_token(std::string_view text) noexcept {
    constexpr std::string_view kMarks = "-.!%*_+`'~";
    for (const char c : text) {
        const auto lower = static_cast<char>(c | 0x20);
        const bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        if (!is_plain && kMarks.find(c) == std::string_view::npos) return false;
    }
    return !text.empty();
}

/// Code and phrase, which stand in this order; the error's text.
std::optional<std::string_view> read_status(std::string_view code, std::string_view reason,
                                            tm::OwnReply& out) {
    const auto number = text::parse_uint(code, kHighestCode);
    if (code.empty()) return "code expected";
    if (!number || *number < 100) return "code(int) has wrong format";
    if (reason.empty() || !is_clean(reason)) return "reason expected";
    out.code = static_cast<int>(*number);
    out.reason = reason;
    return std::nullopt;
}

/// Headers that a reply takes from its request are not for others to say.
bool are_allowed(const LineRequest& request, const HeaderBlock& headers) {
    return are_clean(request.headers) && !headers.is_wrong && !headers.has_length &&
           !headers.has_via && headers.from.empty() && headers.to.empty() &&
           headers.call_id.empty() && headers.cseq.empty();
}

/// "hash:label", both decimal.
std::optional<std::pair<std::uint32_t, std::uint32_t>> read_id(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto slot = text::parse_uint(text.substr(0, colon), UINT32_MAX);
    const auto label = text::parse_uint(text.substr(colon + 1), UINT32_MAX);
    if (!slot || !label) return std::nullopt;
    return std::pair(static_cast<std::uint32_t>(*slot), static_cast<std::uint32_t>(*label));
}

std::string refusal(std::string_view why) {
    return fmt::format("400 fifo_t_reply: {}", why);
}

}  // namespace

void Uac::reply(const LineRequest& request) {
    tm::OwnReply reply;
    if (const auto wrong = read_status(line(request, 0), line(request, 1), reply))
        return say(request, refusal(*wrong));
    const auto id = read_id(line(request, 2));
    if (line(request, 2).empty()) return say(request, refusal("trans_id expected"));
    if (!id) return say(request, refusal("invalid trans_id"));
    reply.to_tag = line(request, 3);
    // The first servers spelled it so.
    if (!is_token(reply.to_tag)) return say(request, refusal("to-ta expected"));
    const HeaderBlock headers = read_headers(request.headers);
    if (request.is_bad || request.missing != Missing::nothing || !are_allowed(request, headers))
        return say(request, refusal("while reading new headers"));
    const std::string body = joined(request.body);
    reply.headers = headers.rest;
    reply.body = body;
    const bool done = tm_->answer(id->first, id->second, reply);
    say(request, done ? std::string("200 fifo_t_reply succeeded\n") : std::string(kNoTransaction));
}

void Uac::reply_to_call(const LineRequest& request) {
    const auto cseq = text::parse_uint(line(request, 1), UINT32_MAX);
    if (line(request, 0).empty()) return say(request, refusal("callid expected"));
    if (!cseq) return say(request, refusal("cseq expected"));
    tm::OwnReply reply;
    if (const auto wrong = read_status(line(request, 2), line(request, 3), reply))
        return say(request, refusal(*wrong));
    // Without a tag it is the transaction's own.
    const std::string_view tag = line(request, 4);
    if (!tag.empty() && tag != "." && !is_token(tag))
        return say(request, refusal("to-tag expected"));
    reply.to_tag = tag == "." ? std::string_view() : tag;
    const HeaderBlock headers = read_headers(request.headers);
    if (request.is_bad || request.missing != Missing::nothing || !are_allowed(request, headers))
        return say(request, refusal("while reading new headers"));
    const std::string body = joined(request.body);
    reply.headers = headers.rest;
    reply.body = body;
    const bool done = tm_->answer_call(line(request, 0), static_cast<std::uint32_t>(*cseq), reply);
    say(request, done ? std::string("200 fifo_t_reply succeeded\n") : std::string(kNoTransaction));
}

}  // namespace fairlead::mi_fifo
