// Replies that are made here.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/local_reply.h"

#include <algorithm>
#include <array>

#include "core/api/route_target.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {
namespace {

constexpr std::size_t kViaMark = 80;  // ";received=" and ";rport=" at their longest
constexpr std::size_t kRest = 256;    // status line, tag, Content-Type, Content-Length

/// What a reply is made from.
struct Origin {
    const sip::Message& request;
    const Received& received;
    bool force_rport;
    std::string_view uri;  ///< Request-URI as it stands
};

std::string_view write(Runtime& rt, Outgoing& out, const Origin& from, sip::ReplyPlan plan) {
    const sip::Via* const top = from.request.via();
    const std::size_t via_room = (top != nullptr ? top->text.size() : 0) + kViaMark;
    sip::Writer via = out.writer(via_room);
    plan.top_via = sip::mark_via(via, from.request, from.received.source,
                                 from.force_rport || rt.core->globals().force_rport);
    plan.server = rt.core->globals().server_header;
    const std::size_t warning_room =
        rt.core->globals().sip_warning
            ? kWarningRoom + from.request.request_uri().size() + from.uri.size()
            : 0;
    if (warning_room != 0) {
        sip::Writer warning = out.writer(warning_room);
        plan.warning = write_warning(warning, from.request, from.received, from.uri);
    }
    sip::Writer reply = out.writer(
        from.request.bytes().size() + kViaMark + plan.reason.size() + plan.headers.size() +
        plan.server.size() + plan.content_type.size() + plan.body.size() + warning_room + kRest);
    return sip::write_reply(reply, from.request, plan) ? reply.text() : std::string_view();
}

bool is_challenge(sip::HeaderType type) noexcept {
    return type == sip::HeaderType::www_authenticate || type == sip::HeaderType::proxy_authenticate;
}

std::string_view line(const sip::Message& m, const sip::Header& h) noexcept {
    return m.bytes().substr(h.name_offset, h.line_length);
}

/// The To line with our tag in the place of the callee's.
void put_to(sip::Writer& to, const sip::Message& m, const sip::Header& h, std::string_view tag) {
    const std::string_view whole = line(m, h);
    const std::string_view old =
        m.to() != nullptr && m.to()->has_tag ? m.to()->tag : std::string_view();
    if (old.empty()) {
        const std::size_t end = h.value_offset - h.name_offset + h.value_length;
        to.put(whole.substr(0, end)).put(";tag=").put(tag).put(whole.substr(end));
        return;
    }
    const auto at = static_cast<std::size_t>(old.data() - whole.data());
    to.put(whole.substr(0, at)).put(tag).put(whole.substr(at + old.size()));
}

void put_challenges(sip::Writer& to, const Cell& c, sip::Message& scratch) {
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (b->has(Branch::retired) || (b->status != 401 && b->status != 407)) continue;
        if (!b->reply || scratch.parse(b->reply.view())) continue;
        for (const sip::Header& h : scratch.headers())
            if (is_challenge(h.type)) to.put(line(scratch, h));
    }
}

std::size_t kept_bytes(const Cell& c) noexcept {
    std::size_t size = 0;
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) size += b->reply.size;
    return size;
}

}  // namespace

TagText to_tag(const Runtime& rt, const Cell& c) noexcept {
    TagText text;
    sip::Writer out(text.data(), text.size());
    out.put_hex(rt.nonce, 8).put_hex(c.slot, 8).put('-').put_hex(c.label, 8);
    return text;
}

std::string_view make_reply(Runtime& rt, Outgoing& out, const Message& m, sip::ReplyPlan plan) {
    if (plan.code < 180) plan.to_tag = {};
    if (plan.headers.empty()) plan.headers = m.reply_headers;
    plan.content_type = m.reply_content_type;
    plan.body = m.reply_body;
    return write(rt, out, {m.sip, m.received, m.force_rport, m.uri()}, plan);
}

std::string_view make_stored_reply(Runtime& rt, Outgoing& out, const Cell& c, int code,
                                   std::string_view reason, std::string_view headers) {
    return make_stored_reply(rt, out, c, {.code = code, .reason = reason, .headers = headers});
}

std::string_view make_stored_reply(Runtime& rt, Outgoing& out, const Cell& c, sip::ReplyPlan plan) {
    if (!c.request) return {};
    attach(*c.request, rt.scratch);
    const TagText tag = to_tag(rt, c);
    if (plan.code >= 180 && plan.to_tag.empty()) plan.to_tag = {tag.data(), tag.size()};
    return write(
        rt, out,
        {rt.scratch, c.request->received, c.request->force_rport, rt.scratch.request_uri()}, plan);
}

std::string_view rewrite_kept(Runtime& rt, Outgoing& out, const Cell& c, const Branch& winner,
                              int code, bool all_challenges) {
    sip::Message& m = rt.scratch;
    if (m.parse(winner.reply.view())) return {};
    const TagText tag = to_tag(rt, c);
    sip::Writer to = out.writer(kept_bytes(c) + kRest);
    to.put("SIP/2.0 ").put_uint(static_cast<unsigned>(code)).put(' ').put(m.reason()).put("\r\n");
    // The table is read again below, so the winner's headers are copied first.
    std::array<sip::Header, sip::kMaxHeaders> headers;
    const std::size_t count = m.headers().size();
    std::copy(m.headers().begin(), m.headers().end(), headers.begin());
    const std::string_view body = m.body();
    bool challenged = false;
    for (std::size_t i = 0; i < count; ++i) {
        const sip::Header& h = headers[i];
        const std::string_view whole = winner.reply.view().substr(h.name_offset, h.line_length);
        if (h.type == sip::HeaderType::to) {
            put_to(to, m, h, {tag.data(), tag.size()});
        } else if (all_challenges && is_challenge(h.type)) {
            if (!challenged) put_challenges(to, c, m);
            if (!challenged && m.parse(winner.reply.view())) return {};
            challenged = true;
        } else if (code == m.status() || h.type != sip::HeaderType::retry_after) {
            to.put(whole);
        }
    }
    to.put("\r\n").put(body);
    return to.ok() ? to.text() : std::string_view();
}

}  // namespace fairlead::tm
