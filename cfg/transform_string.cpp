// Transformations of strings: {s.…}.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "cfg/config.h"
#include "cfg/transform.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

using Args = const TransformArgs&;

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
constexpr std::string_view kHex = "0123456789abcdef";
template <const EVP_MD* (*Kind)()>
Value digest(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (EVP_Digest(s.data(), s.size(), hash.data(), &size, Kind(), nullptr) != 1) {
        return Value::absent();
    }
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

Value replaced(Message& m, std::string_view s, std::string_view from, std::string_view to) {
    if (from.empty()) return s;
    std::size_t found = 0;
    for (std::size_t at = s.find(from); at != s.npos; at = s.find(from, at + from.size())) ++found;
    if (found == 0) return s;
    const std::size_t kept = s.size() - found * from.size();
    if (to.size() > from.size() && to.size() > kMaxTransformed / found) return Value::absent();
    const std::size_t size = kept + found * to.size();
    if (size > kMaxTransformed && size > s.size()) return Value::absent();
    char* const out = room(m, size);
    char* end = out;
    while (true) {
        const std::size_t at = std::min(s.find(from), s.size());
        end = std::copy_n(s.data(), at, end);
        if (at == s.size()) break;
        end = std::copy(to.begin(), to.end(), end);
        s.remove_prefix(at + from.size());
    }
    return std::string_view(out, size);
}
Value replace(Message& m, const Value& in, Args a) {
    return replaced(m, text_of(m, in), a[0].string(), a[1].string());
}
Value remove(Message& m, const Value& in, Args a) {
    return replaced(m, text_of(m, in), a[0].string(), {});
}
// ---- Lists and lines ----------------------------------------------------------------------------

/// "H,He,Hel": each prefix of up to `most` bytes, between quotes.
Value all_prefixes(Message& m, std::string_view s, Args a, std::string_view quote) {
    std::size_t most = s.size();
    if (a.size() > 0 && a[0].integer() > 0) most = bounded(a[0].integer(), s.size());
    // The sum of 1…most, and what stands around each.
    const std::size_t around = 2 * quote.size() + 1;
    if (most > kMaxTransformed / (around + 1)) return Value::absent();
    const std::size_t size = most * (most + 1) / 2 + most * around;
    if (size > kMaxTransformed) return Value::absent();
    if (most == 0) return std::string_view();
    char* const out = room(m, size);
    char* end = out;
    for (std::size_t n = 1; n <= most; ++n) {
        for (const std::string_view part : {quote, s.substr(0, n), quote, std::string_view(",")}) {
            end = std::copy(part.begin(), part.end(), end);
        }
    }
    return std::string_view(out, size - 1);
}
Value prefixes(Message& m, const Value& in, Args a) {
    return all_prefixes(m, text_of(m, in), a, "");
}
Value quoted_prefixes(Message& m, const Value& in, Args a) {
    return all_prefixes(m, text_of(m, in), a, "'");
}
/// Lines of so many bytes, all but the first behind so many `filler`s.
Value in_lines(Message& m, std::string_view s, Args a, char filler) {
    const std::int64_t width = a[0].integer(), indent = a[1].integer();
    constexpr std::int64_t kMost = 1024;
    if (width <= 0 || width > kMost || indent < 0 || indent > kMost) return Value::absent();
    const std::size_t line = static_cast<std::size_t>(width);
    const std::size_t breaks = s.empty() ? 0 : (s.size() - 1) / line;
    const std::size_t size = s.size() + breaks * (2 + static_cast<std::size_t>(indent));
    if (size > kMaxTransformed) return Value::absent();
    char* const out = room(m, size);
    char* end = out;
    for (std::size_t at = 0; at < s.size(); at += line) {
        if (at != 0) {
            *end++ = '\r';
            *end++ = '\n';
            end = std::fill_n(end, indent, filler);
        }
        const std::string_view part = s.substr(at, line);
        end = std::copy(part.begin(), part.end(), end);
    }
    return std::string_view(out, size);
}
Value lines_of(Message& m, const Value& in, Args a) {
    return in_lines(m, text_of(m, in), a, ' ');
}
Value lines_with_tabs(Message& m, const Value& in, Args a) {
    return in_lines(m, text_of(m, in), a, '\t');
}
/// 32-bit FNV-1a: spreads texts over `size` places, the same on every machine.
Value hash(Message& m, const Value& in, Args a) {
    constexpr std::uint32_t kBasis = 2166136261U, kPrime = 16777619U;
    std::uint32_t sum = kBasis;
    for (const char c : text_of(m, in)) sum = (sum ^ static_cast<unsigned char>(c)) * kPrime;
    const std::int64_t size = a.size() > 0 ? a[0].integer() : 0;
    return size > 0 ? std::int64_t{sum} % size : std::int64_t{sum};
}
Value formatted_time(Message& m, const Value& in, Args a) {
    constexpr std::size_t kLongest = 128, kRoom = 256;
    std::array<char, kLongest> format{};
    const auto seconds = text::parse_int(text_of(m, in));
    const std::string_view wanted = a[0].string();
    if (!seconds || wanted.empty() || wanted.size() >= kLongest) return Value::absent();
    wanted.copy(format.data(), wanted.size());
    const auto when = static_cast<std::time_t>(*seconds);
    std::tm parts{};
    if (localtime_r(&when, &parts) == nullptr) return Value::absent();
    char* const out = room(m, kRoom);
    const std::size_t size = std::strftime(out, kRoom, format.data(), &parts);
    return size != 0 ? Value(std::string_view(out, size)) : Value::absent();
}

constexpr TransformRow kRows[] = {
    {"s", "len", "", "Bytes of the text.", length},
    {"s", "int", "", "The text as an integer; nothing when it is none.", to_integer},
    {"s", "md5", "", "MD5 in hexadecimal.", digest<EVP_md5>},
    {"s", "sha256", "", "SHA-256 in hexadecimal.", digest<EVP_sha256>},
    {"s", "sha384", "", "SHA-384 in hexadecimal.", digest<EVP_sha384>},
    {"s", "sha512", "", "SHA-512 in hexadecimal.", digest<EVP_sha512>},
    {"s", "tolower", "", "In lower case.", lower},
    {"s", "toupper", "", "In upper case.", upper},
    {"s", "numeric", "", "Its digits alone.", digits},
    {"s", "substr", "i?i",
     "From an offset (from the end when negative) so many bytes; 0 is to the end.", substring},
    {"s", "select", "ic", "The n-th part between separators, from the last when negative.", select},
    {"s", "strip", "i", "Without so many first bytes.", strip},
    {"s", "striptail", "i", "Without so many last bytes.", strip_tail},
    {"s", "stripto", "c", "From the first such byte on.", strip_to},
    {"s", "replace", "ss", "With each of one text replaced by another.", replace},
    {"s", "trim", "", "Without white space at both ends.", trim_both},
    {"s", "ltrim", "", "Without white space in front.", trim_left},
    {"s", "rtrim", "", "Without white space at the end.", trim_right},
    {"s", "rm", "s", "Without each of a text.", remove},
    {"s", "rmws", "", "Without white space.", without_space},
    {"s", "count", "c", "How often a byte is in it.", count},
    {"s", "before", "c", "What is before the first such byte.", before},
    {"s", "after", "c", "What is behind the first such byte.", after},
    {"s", "rbefore", "c", "What is before the last such byte.", before_last},
    {"s", "rafter", "c", "What is behind the last such byte.", after_last},
    {"s", "unquote", "", "Without the quotes around it.", unquoted},
    {"s", "unbracket", "", "Without the brackets around it.", unbracketed},
    {"s", "prefixes", "?i", "All prefixes, of at most so many bytes: H,He,Hel.", prefixes},
    {"s", "prefixes.quoted", "?i", "The same in quotes: 'H','He'.", quoted_prefixes},
    {"s", "fmtlines", "ii", "In lines of so many bytes, all but the first behind so many spaces.",
     lines_of},
    {"s", "fmtlinet", "ii", "The same with tabs.", lines_with_tabs},
    {"s", "corehash", "?i", "A number made of the text, below the argument when there is one.",
     hash},
    {"s", "ftime", "s", "A Unix time by a strftime format.", formatted_time},
};

}  // namespace

std::span<const TransformRow> string_transforms() noexcept {
    return kRows;
}

std::span<const std::span<const TransformRow>> all_transforms() noexcept {
    static const std::array<std::span<const TransformRow>, 5> all{
        string_transforms(), encoding_transforms(), sip_transforms(), msrp_transforms(),
        other_transforms()};
    return all;
}

const TransformRow* find_transform(std::string_view group, std::string_view name) noexcept {
    for (const auto rows : all_transforms()) {
        for (const TransformRow& row : rows) {
            if (text::ci_equal(row.group, group) && text::ci_equal(row.name, name)) return &row;
        }
    }
    return nullptr;
}

std::string describe_transforms() {
    std::string out;
    for (const auto rows : all_transforms()) {
        for (const TransformRow& row : rows) {
            std::string arguments;
            bool optional = false;
            for (const char letter : row.arguments) {
                if (letter == '?') {
                    optional = true;
                    continue;
                }
                const std::string_view kind = letter == 'i'   ? "number"
                                              : letter == 's' ? "text"
                                              : letter == 'c' ? "byte"
                                                              : "/expression/replacement/flags";
                arguments += optional ? fmt::format("[,{}]", kind) : fmt::format(",{}", kind);
            }
            out += fmt::format("| `{{{}.{}{}}}` | {} |\n", row.group, row.name, arguments, row.doc);
        }
    }
    return out;
}

}  // namespace fairlead::cfg
