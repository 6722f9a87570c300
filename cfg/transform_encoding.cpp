// Transformations of strings that encode, decode and escape: {s.encode.…}, {s.escape.…}.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cfg/transform.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

using Args = const TransformArgs&;

constexpr std::string_view kHex = "0123456789abcdef";

char* room(Message& m, std::size_t size) {
    return m.arena.allocate(size);
}

// ---- Hexadecimal and base 64 --------------------------------------------------------------------

Value to_hex(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, 2 * s.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
        out[2 * i] = kHex[static_cast<unsigned char>(s[i]) >> 4];
        out[2 * i + 1] = kHex[static_cast<unsigned char>(s[i]) & 15];
    }
    return std::string_view(out, 2 * s.size());
}
int hex_digit(char c) {
    if (text::is_digit(c)) return c - '0';
    const char l = text::to_lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
Value from_hex(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    if (s.size() % 2 != 0) return Value::absent();
    char* const out = room(m, s.size() / 2);
    for (std::size_t i = 0; i < s.size() / 2; ++i) {
        const int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);
        if (high < 0 || low < 0) return Value::absent();
        out[i] = static_cast<char>(high * 16 + low);
    }
    return std::string_view(out, s.size() / 2);
}
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
template <const std::string_view& Alphabet, bool Padded>
Value to_base64(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    std::size_t size = (s.size() + 2) / 3 * 4;
    char* const out = room(m, size);
    for (std::size_t i = 0, o = 0; i < s.size(); i += 3, o += 4) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            bits = bits << 8 | (i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out[o + k] = i + k <= s.size() ? Alphabet[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    if (!Padded) size = (s.size() * 4 + 2) / 3;
    return std::string_view(out, size);
}
template <const std::string_view& Alphabet>
Value from_base64(Message& m, const Value& in, Args) {
    std::string_view s = text_of(m, in);
    while (s.ends_with('=')) s.remove_suffix(1);
    char* const out = room(m, s.size());
    std::size_t size = 0;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : s) {
        const std::size_t value = Alphabet.find(c);
        if (value == Alphabet.npos) return Value::absent();
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out[size++] = static_cast<char>(bits >> have & 0xFF);
    }
    return std::string_view(out, size);
}

// ---- Base 58: the text as one number, so the work grows with the square of its length -----------

constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t kLongestBase58 = 1024;

/// Writes a number given by its digits in one base as digits of another, first digit first.
/// Gives how many it wrote, at the end of `out`.
std::size_t change_base(std::string_view digits, unsigned from, unsigned to, char* out,
                        std::size_t most) {
    std::size_t used = 0;
    for (const char digit : digits) {
        unsigned carry = static_cast<unsigned char>(digit);
        for (std::size_t i = 0; i < used || carry != 0; ++i) {
            if (i == used) out[most - 1 - used++] = 0;
            char& place = out[most - 1 - i];
            carry += from * static_cast<unsigned char>(place);
            place = static_cast<char>(carry % to);
            carry /= to;
        }
    }
    return used;
}
Value to_base58(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    if (s.size() > kLongestBase58) return Value::absent();
    const std::size_t zeros = std::min(s.find_first_not_of('\0'), s.size());
    const std::size_t most = zeros + (s.size() - zeros) * 138 / 100 + 1;
    char* const out = room(m, most);
    const std::size_t size = zeros + change_base(s.substr(zeros), 256, 58, out, most);
    char* const begin = out + (most - size);
    std::fill_n(begin, zeros, '\0');
    std::for_each(begin, begin + size, [](char& c) { c = kBase58[static_cast<unsigned char>(c)]; });
    return std::string_view(begin, size);
}
Value from_base58(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    if (s.size() > kLongestBase58) return Value::absent();
    char* const digits = room(m, s.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
        const std::size_t value = kBase58.find(s[i]);
        if (value == kBase58.npos) return Value::absent();
        digits[i] = static_cast<char>(value);
    }
    const std::string_view number(digits, s.size());
    const std::size_t zeros = std::min(number.find_first_not_of('\0'), number.size());
    const std::size_t most = s.size() + 1;
    char* const out = room(m, most);
    const std::size_t size = zeros + change_base(number.substr(zeros), 58, 256, out, most);
    std::fill_n(out + (most - size), zeros, '\0');
    return std::string_view(out + (most - size), size);
}

// ---- Seven bits per character, as short messages have them, in hexadecimal
// -----------------------

Value to_7bit(Message& m, const Value& in, Args) {
    constexpr std::string_view kUpper = "0123456789ABCDEF";
    const std::string_view s = text_of(m, in);
    char* const out = room(m, (s.size() * 7 + 7) / 8 * 2);
    std::size_t size = 0;
    unsigned bits = 0, have = 0;
    const auto put = [&](unsigned byte) {
        out[size++] = kUpper[byte >> 4 & 15];
        out[size++] = kUpper[byte & 15];
    };
    for (const char c : s) {
        if (static_cast<unsigned char>(c) > 127) return Value::absent();
        bits |= static_cast<unsigned>(c) << have;
        have += 7;
        if (have < 8) continue;
        put(bits & 0xFF);
        bits >>= 8;
        have -= 8;
    }
    if (have != 0) put(bits & 0xFF);
    return std::string_view(out, size);
}
Value from_7bit(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    if (s.size() % 2 != 0) return Value::absent();
    char* const out = room(m, s.size() / 2 * 8 / 7 + 1);
    std::size_t size = 0;
    unsigned bits = 0, have = 0;
    for (std::size_t i = 0; i < s.size(); i += 2) {
        const int high = hex_digit(s[i]), low = hex_digit(s[i + 1]);
        if (high < 0 || low < 0) return Value::absent();
        bits |= static_cast<unsigned>(high * 16 + low) << have;
        have += 8;
        for (; have >= 7; have -= 7) {
            out[size++] = static_cast<char>(bits & 127);
            bits >>= 7;
        }
    }
    // Seven bits of filling may look like one more character.
    if (size != 0 && out[size - 1] == 0) --size;
    return std::string_view(out, size);
}

// ---- Escapes ------------------------------------------------------------------------------------

bool is_plain(char c) {
    const char l = text::to_lower(c);
    return (l >= 'a' && l <= 'z') || text::is_digit(c);
}
/// All but letters, digits and `kept` as %xx.
Value escaped(Message& m, std::string_view s, std::string_view kept) {
    char* const out = room(m, 3 * s.size());
    std::size_t size = 0;
    for (const char c : s) {
        if (is_plain(c) || kept.find(c) != kept.npos) {
            out[size++] = c;
        } else {
            out[size++] = '%';
            out[size++] = kHex[static_cast<unsigned char>(c) >> 4];
            out[size++] = kHex[static_cast<unsigned char>(c) & 15];
        }
    }
    return std::string_view(out, size);
}
Value url_encode(Message& m, const Value& in, Args) {
    return escaped(m, text_of(m, in), "-_.~");
}
/// RFC 3261 25.1: unreserved and user-unreserved, but not the slash.
Value escape_user(Message& m, const Value& in, Args) {
    return escaped(m, text_of(m, in), "-_.!~*'()&=+$,;?");
}
/// RFC 3261 25.1: unreserved and param-unreserved.
Value escape_param(Message& m, const Value& in, Args) {
    return escaped(m, text_of(m, in), "-_.!~*'()[]/:&+$");
}
Value unescaped(Message& m, std::string_view s, bool plus_is_space) {
    char* const out = room(m, s.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '%') {
            const int high = i + 2 < s.size() ? hex_digit(s[i + 1]) : -1;
            const int low = i + 2 < s.size() ? hex_digit(s[i + 2]) : -1;
            if (high < 0 || low < 0) return Value::absent();
            out[size++] = static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out[size++] = s[i] == '+' && plus_is_space ? ' ' : s[i];
        }
    }
    return std::string_view(out, size);
}
Value url_decode(Message& m, const Value& in, Args) {
    return unescaped(m, text_of(m, in), true);
}
Value unescape_user(Message& m, const Value& in, Args) {
    return unescaped(m, text_of(m, in), false);
}
/// A backslash before quotes, backslashes and NUL (as \0).
Value escape_common(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, 2 * s.size());
    std::size_t size = 0;
    for (const char c : s) {
        const bool special = c == '\'' || c == '"' || c == '\\' || c == '\0';
        if (special) out[size++] = '\\';
        out[size++] = c == '\0' ? '0' : c;
    }
    return std::string_view(out, size);
}
Value unescape_common(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, s.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const char next = i + 1 < s.size() ? s[i + 1] : 'x';
        const bool special = s[i] == '\\' && std::string_view("'\"\\0").find(next) != s.npos;
        if (special) ++i;
        out[size++] = special && next == '0' ? '\0' : s[i];
    }
    return std::string_view(out, size);
}
/// RFC 4180: in quotes, which are doubled inside.
Value escape_csv(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, 2 * s.size() + 2);
    std::size_t size = 0;
    out[size++] = '"';
    for (const char c : s) {
        if (c == '"') out[size++] = '"';
        out[size++] = c;
    }
    out[size++] = '"';
    return std::string_view(out, size);
}

constexpr TransformRow kRows[] = {
    {"s", "encode.hexa", "", "In hexadecimal.", to_hex},
    {"s", "decode.hexa", "", "From hexadecimal.", from_hex},
    {"s", "encode.base64", "", "In base 64.", to_base64<kBase64, true>},
    {"s", "decode.base64", "", "From base 64.", from_base64<kBase64>},
    {"s", "encode.base64t", "", "In base 64 without padding.", to_base64<kBase64, false>},
    {"s", "decode.base64t", "", "From base 64 without padding.", from_base64<kBase64>},
    {"s", "encode.base64url", "", "In base 64 for URLs.", to_base64<kBase64Url, true>},
    {"s", "decode.base64url", "", "From base 64 for URLs.", from_base64<kBase64Url>},
    {"s", "encode.base64urlt", "", "In base 64 for URLs without padding.",
     to_base64<kBase64Url, false>},
    {"s", "decode.base64urlt", "", "From base 64 for URLs without padding.",
     from_base64<kBase64Url>},
    {"s", "encode.base58", "", "In base 58; at most 1024 bytes.", to_base58},
    {"s", "decode.base58", "", "From base 58; at most 1024 bytes.", from_base58},
    {"s", "encode.7bit", "", "As 7-bit characters, in hexadecimal.", to_7bit},
    {"s", "decode.7bit", "", "From 7-bit characters in hexadecimal.", from_7bit},
    {"s", "urlencode.param", "", "With %xx for all that has a meaning in URLs.", url_encode},
    {"s", "urldecode.param", "", "With %xx and + resolved.", url_decode},
    {"s", "escape.user", "", "With %xx for what must not be in a URI's user.", escape_user},
    {"s", "unescape.user", "", "With %xx resolved.", unescape_user},
    {"s", "escape.param", "", "With %xx for what must not be in a URI's parameter.", escape_param},
    {"s", "unescape.param", "", "With %xx resolved.", unescape_user},
    {"s", "escape.common", "", "With a backslash before quotes and backslashes.", escape_common},
    {"s", "unescape.common", "", "Without such backslashes.", unescape_common},
    {"s", "escape.csv", "", "In quotes, which are doubled inside.", escape_csv},
};

}  // namespace

std::span<const TransformRow> encoding_transforms() noexcept {
    return kRows;
}

}  // namespace fairlead::cfg
