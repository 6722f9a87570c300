// The Contact of a redirection that goes through a transaction.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/redirect.h"

#include "core/api/text.h"

namespace fairlead::tm {
namespace {

enum Rich : std::uint8_t { with_flags = 1, with_path = 2 };
constexpr std::size_t kRest = 48;  // what stands around URI and Path

/// Whether a byte may stand unescaped in a header value inside a URI (RFC 3261 25.1, hvalue).
bool is_plain(char c) noexcept {
    const char lower = text::to_lower(c);
    return text::is_digit(c) || (lower >= 'a' && lower <= 'z') ||
           std::string_view("-_.!~*'()[]/?:+$").find(c) != std::string_view::npos;
}

void put_escaped(sip::Writer& out, std::string_view value) noexcept {
    for (const char c : value) {
        if (is_plain(c)) {
            out.put(c);
        } else {
            out.put('%').put_hex(static_cast<unsigned char>(c), 2);
        }
    }
}

void put_q(sip::Writer& out, std::int16_t q) noexcept {
    out.put(";q=").put(q >= 1000 ? "1" : "0");
    if (q <= 0 || q >= 1000) return;
    const auto thousandths = static_cast<unsigned>(q);
    out.put('.').put_uint(thousandths / 100).put_uint(thousandths / 10 % 10);
    out.put_uint(thousandths % 10);
}

void put_contact(sip::Writer& out, const BranchTarget& t, bool first, int rich) noexcept {
    out.put(first ? "Contact: <" : ", <").put(t.uri);
    if ((rich & with_path) != 0 && !t.path.empty()) {
        out.put(t.uri.find('?') == std::string_view::npos ? "?Route=" : "&Route=");
        put_escaped(out, t.path);
    }
    out.put('>');
    if (t.q != kNoQ) put_q(out, t.q);
    if ((rich & with_flags) != 0) out.put(";flags=").put_uint(t.flags);
}

}  // namespace

std::string_view redirect_headers(Message& m, int rich) {
    BranchTarget own = m.target;
    own.uri = m.uri();
    const auto size = [](const BranchTarget& t) {
        return t.uri.size() + 3 * t.path.size() + kRest;
    };
    std::size_t room = size(own);
    for (std::size_t i = 0; i < m.branch_count; ++i) room += size(m.branches[i]);
    sip::Writer out(m.arena.allocate(room), room);
    put_contact(out, own, true, rich);
    for (std::size_t i = 0; i < m.branch_count; ++i) put_contact(out, m.branches[i], false, rich);
    out.put("\r\n");
    return out.ok() ? m.arena.concat({m.reply_headers, out.text()}) : m.reply_headers;
}

}  // namespace fairlead::tm
