// Transformations of strings: {s.…}.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "cfg/transform.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

using Args = std::span<const Value>;

constexpr std::string_view kSpace = " \t\r\n";

char* room(Message& m, std::size_t size) {
    return m.arena.allocate(size);
}

// ---- Whole strings ------------------------------------------------------------------------------

Value length(Message& m, const Value& in, Args) {
    return static_cast<std::int64_t>(text_of(m, in).size());
}
Value to_integer(Message& m, const Value& in, Args) {
    const auto number = text::parse_int(text_of(m, in));
    return number ? Value(*number) : Value::absent();
}
template <class F>
Value each(Message& m, const Value& in, F change) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, s.size());
    std::transform(s.begin(), s.end(), out, change);
    return std::string_view(out, s.size());
}
Value lower(Message& m, const Value& in, Args) {
    return each(m, in, text::to_lower);
}
Value upper(Message& m, const Value& in, Args) {
    return each(m, in, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}
template <class F>
Value keep_if(Message& m, const Value& in, F wanted) {
    const std::string_view s = text_of(m, in);
    char* const out = room(m, s.size());
    char* const end = std::copy_if(s.begin(), s.end(), out, wanted);
    return std::string_view(out, static_cast<std::size_t>(end - out));
}
Value digits(Message& m, const Value& in, Args) {
    return keep_if(m, in, text::is_digit);
}
Value without_space(Message& m, const Value& in, Args) {
    return keep_if(m, in, [](char c) { return !text::is_space(c); });
}
template <const EVP_MD* (*Kind)()>
Value digest(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (EVP_Digest(s.data(), s.size(), hash.data(), &size, Kind(), nullptr) != 1) {
        return Value::absent();
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    char* const out = room(m, 2 * std::size_t{size});
    for (unsigned i = 0; i < size; ++i) {
        out[2 * i] = kHex[hash[i] >> 4];
        out[2 * i + 1] = kHex[hash[i] & 15];
    }
    return std::string_view(out, 2 * std::size_t{size});
}

// ---- Parts --------------------------------------------------------------------------------------

Value substring(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    const auto size = static_cast<std::int64_t>(s.size());
    std::int64_t from = a[0].integer();
    if (from < 0) from += size;
    if (from < 0 || from > size) return Value::absent();
    const std::int64_t length = a.size() > 1 ? a[1].integer() : 0;
    if (length < 0) return Value::absent();
    const bool to_end = length == 0 || length > size - from;
    return s.substr(static_cast<std::size_t>(from),
                    to_end ? std::string_view::npos : static_cast<std::size_t>(length));
}
/// The n-th part between separators; from the end when n is negative.
Value select(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    const std::string_view separator = a[1].string();
    if (separator.empty()) return std::string_view();
    const auto count = static_cast<std::int64_t>(std::count(s.begin(), s.end(), separator[0])) + 1;
    const std::int64_t n = a[0].integer() < 0 ? a[0].integer() + count : a[0].integer();
    if (n < 0 || n >= count) return std::string_view();
    std::string_view rest = s;
    for (std::int64_t i = 0; i < n; ++i) rest.remove_prefix(rest.find(separator[0]) + 1);
    return rest.substr(0, rest.find(separator[0]));
}
std::size_t bounded(std::int64_t n, std::size_t most) {
    return n < 0 ? 0 : std::min(static_cast<std::size_t>(n), most);
}
Value strip(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    return s.substr(bounded(a[0].integer(), s.size()));
}
Value strip_tail(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    return s.substr(0, s.size() - bounded(a[0].integer(), s.size()));
}
std::size_t first(std::string_view s, const Value& byte) {
    return byte.string().empty() ? s.npos : s.find(byte.string()[0]);
}
std::size_t last(std::string_view s, const Value& byte) {
    return byte.string().empty() ? s.npos : s.rfind(byte.string()[0]);
}
Value strip_to(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    return s.substr(std::min(first(s, a[0]), s.size()));
}
Value before(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    return s.substr(0, first(s, a[0]));
}
Value after(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    const std::size_t at = first(s, a[0]);
    return at == s.npos ? std::string_view() : s.substr(at + 1);
}
Value before_last(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    return s.substr(0, last(s, a[0]));
}
Value after_last(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    const std::size_t at = last(s, a[0]);
    return at == s.npos ? std::string_view() : s.substr(at + 1);
}
Value count(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    if (a[0].string().empty()) return 0;
    return static_cast<std::int64_t>(std::count(s.begin(), s.end(), a[0].string()[0]));
}
Value trim_both(Message& m, const Value& in, Args) {
    return text::trim(text_of(m, in));
}
Value trim_left(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    return s.substr(std::min(s.find_first_not_of(kSpace), s.size()));
}
Value trim_right(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    return s.substr(0, s.find_last_not_of(kSpace) + 1);
}
Value unquoted(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    const bool quoted = s.size() >= 2 && (s[0] == '"' || s[0] == '\'') && s.back() == s[0];
    return quoted ? s.substr(1, s.size() - 2) : s;
}
Value unbracketed(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    constexpr std::string_view kOpen = "([{<", kClose = ")]}>";
    const std::size_t kind = s.size() >= 2 ? kOpen.find(s[0]) : kOpen.npos;
    return kind != kOpen.npos && s.back() == kClose[kind] ? s.substr(1, s.size() - 2) : s;
}

// ---- Replacing and encoding ---------------------------------------------------------------------

std::string_view replaced(Message& m, std::string_view s, std::string_view from,
                          std::string_view to) {
    if (from.empty()) return s;
    std::size_t found = 0;
    for (std::size_t at = s.find(from); at != s.npos; at = s.find(from, at + from.size())) ++found;
    if (found == 0) return s;
    char* const out = room(m, s.size() - found * from.size() + found * to.size());
    char* end = out;
    while (true) {
        const std::size_t at = std::min(s.find(from), s.size());
        end = std::copy_n(s.data(), at, end);
        if (at == s.size()) break;
        end = std::copy(to.begin(), to.end(), end);
        s.remove_prefix(at + from.size());
    }
    return {out, static_cast<std::size_t>(end - out)};
}
Value replace(Message& m, const Value& in, Args a) {
    return replaced(m, text_of(m, in), a[0].string(), a[1].string());
}
Value remove(Message& m, const Value& in, Args a) {
    return replaced(m, text_of(m, in), a[0].string(), {});
}
Value to_hex(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    constexpr std::string_view kHex = "0123456789abcdef";
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
Value to_base64(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    const std::size_t size = (s.size() + 2) / 3 * 4;
    char* const out = room(m, size);
    for (std::size_t i = 0, o = 0; i < s.size(); i += 3, o += 4) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            bits = bits << 8 | (i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out[o + k] = i + k <= s.size() ? kBase64[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    return std::string_view(out, size);
}
Value from_base64(Message& m, const Value& in, Args) {
    std::string_view s = text_of(m, in);
    while (s.ends_with('=')) s.remove_suffix(1);
    char* const out = room(m, s.size());
    std::size_t size = 0;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : s) {
        const std::size_t value = kBase64.find(c);
        if (value == kBase64.npos) return Value::absent();
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out[size++] = static_cast<char>(bits >> have & 0xFF);
    }
    return std::string_view(out, size);
}
bool stays_in_url(char c) {
    const char l = text::to_lower(c);
    return (l >= 'a' && l <= 'z') || text::is_digit(c) || c == '-' || c == '_' || c == '.' ||
           c == '~';
}
Value url_encode(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    constexpr std::string_view kHex = "0123456789abcdef";
    char* const out = room(m, 3 * s.size());
    std::size_t size = 0;
    for (const char c : s) {
        if (stays_in_url(c)) {
            out[size++] = c;
        } else if (c == ' ') {
            out[size++] = '+';
        } else {
            out[size++] = '%';
            out[size++] = kHex[static_cast<unsigned char>(c) >> 4];
            out[size++] = kHex[static_cast<unsigned char>(c) & 15];
        }
    }
    return std::string_view(out, size);
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

constexpr TransformRow kRows[] = {
    {"s", "len", "", length},
    {"s", "int", "", to_integer},
    {"s", "md5", "", digest<EVP_md5>},
    {"s", "sha256", "", digest<EVP_sha256>},
    {"s", "sha384", "", digest<EVP_sha384>},
    {"s", "sha512", "", digest<EVP_sha512>},
    {"s", "tolower", "", lower},
    {"s", "toupper", "", upper},
    {"s", "numeric", "", digits},
    {"s", "substr", "i?i", substring},
    {"s", "select", "ic", select},
    {"s", "strip", "i", strip},
    {"s", "striptail", "i", strip_tail},
    {"s", "stripto", "c", strip_to},
    {"s", "replace", "ss", replace},
    {"s", "trim", "", trim_both},
    {"s", "ltrim", "", trim_left},
    {"s", "rtrim", "", trim_right},
    {"s", "rm", "s", remove},
    {"s", "rmws", "", without_space},
    {"s", "count", "c", count},
    {"s", "before", "c", before},
    {"s", "after", "c", after},
    {"s", "rbefore", "c", before_last},
    {"s", "rafter", "c", after_last},
    {"s", "unquote", "", unquoted},
    {"s", "unbracket", "", unbracketed},
    {"s", "encode.hexa", "", to_hex},
    {"s", "decode.hexa", "", from_hex},
    {"s", "encode.base64", "", to_base64},
    {"s", "decode.base64", "", from_base64},
    {"s", "urlencode.param", "", url_encode},
    {"s", "urldecode.param", "", url_decode},
    {"s", "escape.param", "", url_encode},
    {"s", "unescape.param", "", unescape_user},
    {"s", "unescape.user", "", unescape_user},
};

}  // namespace

std::span<const TransformRow> string_transforms() noexcept {
    return kRows;
}

const TransformRow* find_transform(std::string_view group, std::string_view name) noexcept {
    for (const auto rows : {string_transforms(), sip_transforms()}) {
        for (const TransformRow& row : rows) {
            if (text::ci_equal(row.group, group) && text::ci_equal(row.name, name)) return &row;
        }
    }
    return nullptr;
}

}  // namespace fairlead::cfg
