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

/// A Via field; the first value of the first one may be a new text.
void put_via(Writer& out, const Message& m, const Header& h, std::string_view top_via) noexcept {
    const std::string_view line = line_of(m, h);
    const Via* const via = m.via();
    if (&h != m.header(HeaderType::via) || top_via.empty() || via == nullptr) {
        out.put(line);
        return;
    }
    const auto at = static_cast<std::size_t>(via->text.data() - line.data());
    out.put(line.substr(0, at)).put(top_via).put(line.substr(at + via->text.size()));
}

void put_to(Writer& out, const Message& m, const Header& h, std::string_view tag) noexcept {
    const std::string_view line = line_of(m, h);
    const NameAddr* const to = m.to();
    if (tag.empty() || to == nullptr || to->has_tag) {
        out.put(line);
        return;
    }
    const auto end = static_cast<std::size_t>(h.value_offset - h.name_offset) + h.value_length;
    out.put(line.substr(0, end)).put(";tag=").put(tag).put(line.substr(end));
}

/// What a reply takes over from its request, in the request's order as Kamailio does. Of what may
/// stand only once, the first: a request that is refused for having two is answered this way.
void put_copied(Writer& out, const Message& m, const ReplyPlan& plan) noexcept {
    for (const Header& h : m.headers()) {
        switch (h.type) {
            case HeaderType::via: put_via(out, m, h, plan.top_via); break;
            case HeaderType::to:
                if (&h == m.header(h.type))
                    put_to(out, m, h, plan.code > 100 ? plan.to_tag : std::string_view{});
                break;
            case HeaderType::from:
            case HeaderType::call_id:
            case HeaderType::cseq:
                if (&h == m.header(h.type)) out.put(line_of(m, h));
                break;
            case HeaderType::record_route:
                if (plan.code >= 180 && plan.code < 300) out.put(line_of(m, h));
                break;
            case HeaderType::timestamp:
                // 8.2.6.1: only this reply measures the way to the next hop and back.
                if (plan.code == 100 && &h == m.header(h.type)) out.put(line_of(m, h));
                break;
            default: break;
        }
    }
}

/// A phrase must not end the line it stands in.
std::string_view first_line(std::string_view s) noexcept {
    const char* const end = find_control(s.data(), s.data() + s.size());
    return s.substr(0, static_cast<std::size_t>(end - s.data()));
}

/// RFC 9110 6.4.1, 8.6: an answer of HTTP with another code has no body, and a client would take
/// one for its next answer.
bool may_have_length(int code) noexcept {
    return code >= 200 && code != 204 && code != 304;
}

}  // namespace

bool write_reply(Writer& out, const Message& request, const ReplyPlan& plan) noexcept {
    // An HTTP client knows by the connection what is answered.
    const std::string_view version = request.is_http() ? request.http_version() : "SIP/2.0";
    out.put(version).put(' ').put_uint(static_cast<std::uint64_t>(plan.code)).put(' ');
    out.put(first_line(plan.reason)).put("\r\n");
    if (!request.is_http()) put_copied(out, request, plan);
    out.put(plan.headers);
    if (!plan.content_type.empty()) out.put("Content-Type: ").put(plan.content_type).put("\r\n");
    out.put(plan.server);
    const bool counts = !request.is_http() || may_have_length(plan.code);
    if (counts) out.put("Content-Length: ").put_uint(plan.body.size()).put("\r\n");
    out.put(plan.warning).put("\r\n");
    const bool is_head = request.is_http() && request.method_text() == "HEAD";
    if (counts && !is_head) out.put(plan.body);
    return out.ok();
}

std::string_view mark_via(Writer& out, const Message& request, const Address& source,
                          bool force_rport) noexcept {
    const Via* const via = request.via();
    if (via == nullptr) return {};
    const auto host = Address::parse(via->host);
    const bool same_host = host && host->same_ip(source);
    if (same_host && !via->has_rport && !via->has_received && !force_rport) return {};

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
    if (!same_host || via->has_rport || via->has_received) {
        char ip[64];
        out.put(";received=").put({ip, source.write_ip(ip, false)});
    }
    return out.ok() ? out.text().substr(begin) : std::string_view{};
}

}  // namespace fairlead::sip
