// Replies made here (RFC 3261 8.2.6), and the received and rport parameters of their top Via.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/build.h"
#include "core/sip/chars.h"
#include "core/sip/via_mark.h"

namespace fairlead::sip {
namespace {

std::string_view line_of(const Message& m, const Header& h) noexcept {
    return m.bytes().substr(h.name_offset, h.line_length);
}

void put_all(Writer& out, const Message& m, HeaderType type) noexcept {
    for (const Header& h : m.headers())
        if (h.type == type) out.put(line_of(m, h));
}

void put_first(Writer& out, const Message& m, HeaderType type) noexcept {
    const Header* const h = m.header(type);
    if (h != nullptr) out.put(line_of(m, *h));
}

/// All Via fields; the first value of the first one may be a new text.
void put_vias(Writer& out, const Message& m, std::string_view top_via) noexcept {
    const Header* const top = m.header(HeaderType::via);
    const Via* const via = m.via();
    for (const Header& h : m.headers()) {
        if (h.type != HeaderType::via) continue;
        if (&h != top || top_via.empty() || via == nullptr) {
            out.put(line_of(m, h));
            continue;
        }
        const std::string_view line = line_of(m, h);
        const auto at = static_cast<std::size_t>(via->text.data() - line.data());
        out.put(line.substr(0, at)).put(top_via).put(line.substr(at + via->text.size()));
    }
}

void put_to(Writer& out, const Message& m, std::string_view tag) noexcept {
    const Header* const h = m.header(HeaderType::to);
    if (h == nullptr) return;
    const NameAddr* const to = m.to();
    if (tag.empty() || to == nullptr || to->has_tag) {
        out.put(line_of(m, *h));
        return;
    }
    const std::string_view line = line_of(m, *h);
    const auto end = static_cast<std::size_t>(h->value_offset - h->name_offset) + h->value_length;
    out.put(line.substr(0, end)).put(";tag=").put(tag).put(line.substr(end));
}

/// A phrase must not end the line it stands in.
std::string_view first_line(std::string_view s) noexcept {
    const char* const end = find_control(s.data(), s.data() + s.size());
    return s.substr(0, static_cast<std::size_t>(end - s.data()));
}

}  // namespace

bool write_reply(Writer& out, const Message& request, const ReplyPlan& plan) noexcept {
    out.put("SIP/2.0 ").put_uint(static_cast<std::uint64_t>(plan.code)).put(' ');
    out.put(first_line(plan.reason)).put("\r\n");
    put_vias(out, request, plan.top_via);
    put_first(out, request, HeaderType::from);
    put_to(out, request, plan.code > 100 ? plan.to_tag : std::string_view{});
    put_first(out, request, HeaderType::call_id);
    put_first(out, request, HeaderType::cseq);
    if (plan.code >= 180 && plan.code < 300) put_all(out, request, HeaderType::record_route);
    // RFC 3261 8.2.6.1, as the only reply: what is measured is the way to the next hop and back.
    if (plan.code == 100) put_first(out, request, HeaderType::timestamp);
    out.put(plan.headers);
    if (!plan.content_type.empty()) out.put("Content-Type: ").put(plan.content_type).put("\r\n");
    out.put(plan.server);
    out.put("Content-Length: ").put_uint(plan.body.size()).put("\r\n\r\n").put(plan.body);
    return out.ok();
}

std::string_view mark_via(Writer& out, const Message& request, const Address& source,
                          bool force_rport) noexcept {
    const Via* const via = request.via();
    if (via == nullptr) return {};
    const auto host = Address::parse(via->host);
    const bool same_host = host && host->same_ip(source);
    const bool has_received = via->received.data() != nullptr;
    if (same_host && !via->has_rport && !has_received && !force_rport) return {};

    const std::size_t begin = out.size();
    const std::string_view params = behind_sent_by(*via);
    out.put(via->text.substr(0, via->text.size() - params.size()));
    each_via_param(*via, [&](const Param& param, std::string_view piece) {
        // The sender's own idea of what we see is not passed on.
        if (text::ci_equal(param.name, "received")) return;
        if (text::ci_equal(param.name, "rport"))
            out.put(";rport=").put_uint(source.port);
        else
            out.put(piece);
    });
    if (!via->has_rport && force_rport) out.put(";rport=").put_uint(source.port);
    if (!same_host || via->has_rport || has_received) {
        char ip[64];
        out.put(";received=").put({ip, source.write_ip(ip, false)});
    }
    return out.ok() ? out.text().substr(begin) : std::string_view{};
}

}  // namespace fairlead::sip
