// The Contact of a redirection.
// SPDX-License-Identifier: Apache-2.0
#include "modules/sl/redirect.h"

#include "core/api/text.h"

namespace fairlead::sl {

namespace {

/// Whether a byte may stand unescaped in a header value inside a URI (RFC 3261 25.1, hvalue).
bool is_plain(char c) noexcept {
    const char lower = text::to_lower(c);
    return text::is_digit(c) || (lower >= 'a' && lower <= 'z') ||
           std::string_view("-_.!~*'()[]/?:+$").find(c) != std::string_view::npos;
}

void write_escaped(sip::Writer& out, std::string_view value) noexcept {
    for (const char c : value) {
        if (is_plain(c)) {
            out.put(c);
        } else {
            out.put('%').put_hex(static_cast<unsigned char>(c), 2);
        }
    }
}

/// 500 is "0.5", 1000 is "1" (RFC 3261 25.1, qvalue).
void write_q(sip::Writer& out, int thousandths) noexcept {
    out.put(";q=").put_uint(static_cast<unsigned>(thousandths / 1000));
    int rest = thousandths % 1000;
    if (rest == 0) return;
    out.put('.');
    for (int unit = 100; rest != 0; unit /= 10) {
        out.put(static_cast<char>('0' + rest / unit));
        rest %= unit;
    }
}

void write_contact(sip::Writer& out, const BranchTarget& target, bool first, int rich) noexcept {
    out.put(first ? "Contact: <" : ", <").put(target.uri);
    if ((rich & kWithPath) != 0 && !target.path.empty()) {
        out.put(target.uri.find('?') == std::string_view::npos ? "?Route=" : "&Route=");
        write_escaped(out, target.path);
    }
    out.put('>');
    if (target.q != kNoQ) write_q(out, target.q);
    if ((rich & kWithFlags) != 0) out.put(";flags=").put_uint(target.flags);
}

}  // namespace

bool write_contacts(sip::Writer& out, const Message& m, int rich) noexcept {
    bool first = true;
    if (!m.target.uri.empty()) {
        write_contact(out, m.target, first, rich);
        first = false;
    }
    for (std::size_t i = 0; i < m.branch_count; ++i) {
        write_contact(out, m.branches[i], first, rich);
        first = false;
    }
    if (!first) out.put("\r\n");
    return out.ok();
}

}  // namespace fairlead::sl
