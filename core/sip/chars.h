// Character classes of the SIP grammar (RFC 3261 25.1) as one table look-up, and the fast scan for
// control characters. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fairlead::sip {

enum CharClass : std::uint8_t {
    kTokenChar = 1,  ///< token
    kHostChar = 2,   ///< host name or IPv4 address; '_' is in: such names exist
    kUriChar = 4,    ///< may stand in a URI: no control, space, <, >, "; bytes above 127 are let in
    kHexChar = 8,
    kAlphaChar = 16,
    kReservedChar = 32,     ///< RFC 3261 "reserved": escaped and unescaped differ in meaning
    kDisplayChar = 64,      ///< an unquoted display name; more than the grammar's tokens
    kPlainValueChar = 128,  ///< goes on an unquoted parameter value: no space, ", ',' or ';'
};

constexpr std::array<std::uint8_t, 256> make_char_table() noexcept {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool digit = c >= '0' && c <= '9';
        const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const auto in = [c](std::string_view set) {
            return c < 128 && c != 0 && set.find(static_cast<char>(c)) != std::string_view::npos;
        };
        unsigned bits = 0;
        if (digit || alpha || in("-.!%*_+`'~")) bits |= kTokenChar;
        if (digit || alpha || in("-._")) bits |= kHostChar;
        if (c > 0x20 && c != 0x7f && !in("<>\"")) bits |= kUriChar;
        if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= kHexChar;
        if (alpha) bits |= kAlphaChar;
        if (in(";/?:@&=+$,")) bits |= kReservedChar;
        if ((c >= 0x20 && c != 0x7f && !in("<>\",;:@")) || in("\t\r\n")) bits |= kDisplayChar;
        if (!in(" \t\r\n\",;")) bits |= kPlainValueChar;
        table[c] = static_cast<std::uint8_t>(bits);
    }
    return table;
}
inline constexpr auto kCharTable = make_char_table();

constexpr bool is_char(char c, CharClass wanted) noexcept {
    return (kCharTable[static_cast<unsigned char>(c)] & wanted) != 0;
}
constexpr bool is_all(std::string_view s, CharClass wanted) noexcept {
    for (char c : s)
        if (!is_char(c, wanted)) return false;
    return true;
}
constexpr bool is_token(std::string_view s) noexcept {
    return !s.empty() && is_all(s, kTokenChar);
}

/// The first control character (below space, or DEL) in [at, end), or `end`. Looks at eight bytes
/// at a time: most of a message's bytes are passed over here.
inline const char* find_control(const char* at, const char* end) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
        for (; end - at >= 8; at += 8) {
            std::uint64_t word;
            std::memcpy(&word, at, 8);
            const std::uint64_t del = word ^ (kOnes * 0x7f);
            // A borrow can only set bits above the first true hit, so the lowest one is exact.
            const std::uint64_t hit =
                (((word - kOnes * 0x20) & ~word) | ((del - kOnes) & ~del)) & kTops;
            if (hit != 0) return at + (std::countr_zero(hit) >> 3);
        }
    }
    while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != 0x7f) ++at;
    return at;
}

}  // namespace fairlead::sip
