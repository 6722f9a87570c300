// The lexer: the bytes of one file into tokens and preprocessor lines.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "core/base/address.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

constexpr std::array<std::string_view, 27> kDirectives{
    "define",    "def",        "trydefine",    "trydef",      "redefine",  "redef",    "undef",
    "undefine",  "tryundef",   "ifdef",        "ifndef",      "ifexp",     "else",     "endif",
    "defexp",    "defexps",    "subst",        "substdef",    "substdefs", "defenv",   "defenvs",
    "trydefenv", "trydefenvs", "include_file", "import_file", "SER",       "MAXCOMPAT"};

constexpr std::array<std::string_view, 12> kTwoByteMarks{"==", "!=", "=~", ">=", "<=", "&&",
                                                         "||", "<<", ">>", "=>", "+=", "-="};

constexpr bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_word_char(char c) noexcept {
    return is_letter(c) || text::is_digit(c);
}
constexpr bool is_hex(char c) noexcept {
    return text::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr int hex_value(char c) noexcept {
    return text::is_digit(c) ? c - '0' : text::to_lower(c) - 'a' + 10;
}
constexpr bool is_octal(char c) noexcept {
    return c >= '0' && c <= '7';
}

/// Resolves one escape at s[i] == '\\' into `out`, returns the index behind it. A backslash that
/// begins no known escape stays, which is what regular expressions in strings count on.
std::size_t unescape(std::string_view s, std::size_t i, std::string& out) {
    const char c = i + 1 < s.size() ? s[i + 1] : '\0';
    constexpr std::string_view kFrom = "nrta\\\"", kTo = "\n\r\t\a\\\"";
    if (const std::size_t known = kFrom.find(c); c != '\0' && known != std::string_view::npos) {
        out += kTo[known];
        return i + 2;
    }
    if (c == 'x' && i + 2 < s.size() && is_hex(s[i + 2])) {
        std::size_t end = i + 2;
        int value = 0;
        while (end < s.size() && end < i + 4 && is_hex(s[end])) {
            value = value * 16 + hex_value(s[end++]);
        }
        out += static_cast<char>(value);
        return end;
    }
    // One digit alone is none: "\1" is a group in the replacements of subst.
    if (is_octal(c) && i + 2 < s.size() && is_octal(s[i + 2])) {
        std::size_t end = i + 1;
        int value = 0;
        while (end < s.size() && end < i + 4 && is_octal(s[end]))
            value = value * 8 + (s[end++] - '0');
        out += static_cast<char>(value);
        return end;
    }
    out += '\\';
    return i + 1;
}

/// What may stand behind the closing quote of a string that spans lines. Anything else means that
/// this quote was meant to open the next string: the one before it was never closed.
constexpr bool plausible_behind_string(char c) noexcept {
    return c == '\0' || text::is_space(c) ||
           std::string_view(",);+]}=!&|\"':#/-*<>").find(c) != std::string_view::npos;
}

}  // namespace

bool is_directive(std::string_view word) noexcept {
    return std::find(kDirectives.begin(), kDirectives.end(), word) != kDirectives.end();
}

Lexer::Lexer(std::string_view content, Position origin, Texts& texts, Diagnostics& diagnostics)
    : content_(content),
      origin_(origin),
      line_(origin.line),
      texts_(texts),
      diagnostics_(diagnostics) {
    if (content_.starts_with("\xEF\xBB\xBF")) at_ = line_begin_ = 3;  // byte order mark
}

void Lexer::advance(std::size_t bytes) noexcept {
    const std::size_t end = std::min(at_ + bytes, content_.size());
    for (; at_ < end; ++at_) {
        if (content_[at_] != '\n') continue;
        ++line_;
        line_begin_ = at_ + 1;
        fresh_line_ = true;
    }
}

Position Lexer::here(std::size_t length) const noexcept {
    const std::size_t shift = line_ == origin_.line ? origin_.column - 1 : 0;
    return {origin_.file, line_, static_cast<std::uint32_t>(at_ - line_begin_ + 1 + shift),
            static_cast<std::uint32_t>(length)};
}

void Lexer::skip_line() noexcept {
    const std::size_t end = content_.find('\n', at_);
    advance((end == std::string_view::npos ? content_.size() : end) - at_);
}

std::optional<Directive> Lexer::directive_here() const noexcept {
    if (!((peek() == '#' || peek() == '!') && peek(1) == '!')) return std::nullopt;
    std::size_t end = at_ + 2;
    while (end < content_.size() && is_word_char(content_[end])) ++end;
    const std::string_view word = content_.substr(at_ + 2, end - at_ - 2);
    if (!is_directive(word)) return std::nullopt;
    return Directive{word, here(word.size() + 2)};
}

void Lexer::skip_block_comment() {
    const Position begin = here(2);
    int depth = 0;
    while (!at_end()) {
        if (peek() == '/' && peek(1) == '*') {
            ++depth;
            advance(2);
        } else if (peek() == '*' && peek(1) == '/') {
            advance(2);
            if (--depth == 0) return;
        } else {
            advance(1);
        }
    }
    diagnostics_.error(begin, "comment is not closed", "comments nest: each /* needs its own */");
}

bool Lexer::skip_space() {
    const std::size_t begin = at_;
    while (!at_end()) {
        const char c = peek();
        if (text::is_space(c) || c == '\b') {
            advance(1);
        } else if (c == '#' && !directive_here()) {
            skip_line();
        } else if (c == '/' && peek(1) == '/') {
            skip_line();
        } else if (c == '/' && peek(1) == '*') {
            skip_block_comment();
        } else {
            break;
        }
    }
    return at_ != begin;
}

Token Lexer::token(Tok kind, std::size_t length) {
    Token t{kind, false, false, false, here(length), content_.substr(at_, length), 0};
    advance(length);
    return t;
}

Token Lexer::broken(const Position& at, std::string text, std::string hint) {
    diagnostics_.error(at, std::move(text), std::move(hint));
    Token t;
    t.kind = Tok::bad;
    t.at = at;
    return t;
}

std::size_t Lexer::address_length() const noexcept {
    std::size_t end = at_, colons = 0, dots = 0;
    while (end < content_.size() &&
           (is_hex(content_[end]) || content_[end] == ':' || content_[end] == '.')) {
        colons += content_[end] == ':' ? 1U : 0U;
        dots += content_[end] == '.' ? 1U : 0U;
        ++end;
    }
    if (end < content_.size() && is_word_char(content_[end])) return 0;
    if (colons < 2 && dots != 3) return 0;
    if (colons < 2) {  // IPv4; what stands behind a colon is a port
        end = std::min(content_.find(':', at_), end);
    }
    const auto parsed = Address::parse(content_.substr(at_, end - at_));
    return parsed ? end - at_ : 0;
}

Token Lexer::number() {
    std::size_t end = at_;
    while (end < content_.size() && is_word_char(content_[end])) ++end;
    const std::string_view digits = content_.substr(at_, end - at_);
    std::string_view body = digits;
    int base = 10;
    if (digits.size() > 2 && digits[0] == '0' && text::to_lower(digits[1]) == 'x') {
        body.remove_prefix(2);
        base = 16;
    } else if (digits.size() > 1 && digits.ends_with('b') &&
               digits.find_first_not_of("01") == digits.size() - 1) {
        body.remove_suffix(1);
        base = 2;
    } else if (digits.size() > 1 && digits[0] == '0') {
        base = 8;
    }
    std::uint64_t value = 0;
    const auto [stop, problem] =
        std::from_chars(body.data(), body.data() + body.size(), value, base);
    const bool whole = stop == body.data() + body.size();
    if (whole && (problem != std::errc() || (base == 10 && value > INT64_MAX))) {
        Token bad = broken(here(digits.size()), "number does not fit 64 bits");
        advance(digits.size());
        return bad;
    }
    Token t = token(whole && problem == std::errc() ? Tok::number : Tok::word, digits.size());
    t.number = static_cast<std::int64_t>(value);
    return t;
}

Token Lexer::word() {
    std::size_t end = at_;
    while (end < content_.size() && is_word_char(content_[end])) ++end;
    return token(Tok::word, end - at_);
}

Token Lexer::string(char quote) {
    const Position begin = here();
    std::size_t end = at_ + 1;
    bool escaped = false;
    while (end < content_.size() && content_[end] != quote) {
        const bool pair = content_[end] == '\\' && quote == '"';
        escaped |= pair;
        end += pair ? 2 : 1;
    }
    const bool closed = end < content_.size();
    const std::string_view inside =
        content_.substr(at_ + 1, std::min(end, content_.size()) - at_ - 1);
    const char behind = end + 1 < content_.size() ? content_[end + 1] : '\0';
    const bool spans_lines = inside.find('\n') != std::string_view::npos;
    if (!closed || (spans_lines && !plausible_behind_string(behind))) {
        const std::size_t line_end = std::min(content_.find('\n', at_), content_.size());
        Position at = begin;
        at.length = static_cast<std::uint32_t>(line_end - at_);
        Token bad = broken(at, "string is not closed",
                           fmt::format("add the missing {} on this line", quote));
        advance(line_end - at_);
        return bad;
    }
    Token t;
    t.kind = Tok::string;
    t.raw = quote == '\'';
    t.at = begin;
    const std::size_t first_line = std::min(inside.find('\n'), inside.size() + 1);
    t.at.length = static_cast<std::uint32_t>(first_line + 1);
    t.text = inside;
    if (escaped) {
        std::string plain;
        for (std::size_t i = 0; i < inside.size();) {
            if (inside[i] == '\\') {
                i = unescape(inside, i, plain);
            } else {
                plain += inside[i++];
            }
        }
        t.text = texts_.keep(std::move(plain));
    }
    advance(end + 1 - at_);
    return t;
}

Token Lexer::variable() {
    std::size_t end = at_ + 1;
    if (end < content_.size() && content_[end] == '?') {
        ++end;
    } else {
        while (end < content_.size() &&
               (is_word_char(content_[end]) || (content_[end] == '.' && end + 1 < content_.size() &&
                                                is_letter(content_[end + 1])))) {
            ++end;
        }
    }
    if (end < content_.size() && content_[end] == '(') {
        int depth = 0;
        std::size_t close = end;
        for (; close < content_.size() && content_[close] != '\n'; ++close) {
            depth += content_[close] == '(' ? 1 : content_[close] == ')' ? -1 : 0;
            if (depth == 0) break;
        }
        if (depth != 0 || close >= content_.size()) {
            Token bad = broken(here(close - at_), "parentheses of this variable are not closed");
            advance(close - at_);
            return bad;
        }
        end = close + 1;
    }
    if (end == at_ + 1) {
        Token bad = broken(here(), "variable without a name");
        advance(1);
        return bad;
    }
    return token(Tok::variable, end - at_);
}

Token Lexer::mark() {
    const std::string_view two = content_.substr(at_, 2);
    if (std::find(kTwoByteMarks.begin(), kTwoByteMarks.end(), two) != kTwoByteMarks.end()) {
        return token(Tok::mark, 2);
    }
    const char c = peek();
    if (std::string_view("=!<>&|^~+-*/%(){}[],;:.@?").find(c) != std::string_view::npos) {
        return token(Tok::mark, 1);
    }
    std::size_t length = 1;  // a whole UTF-8 sequence is one mistake
    while (static_cast<unsigned char>(c) >= 0xC0 &&
           (static_cast<unsigned char>(peek(length)) & 0xC0) == 0x80) {
        ++length;
    }
    const bool printable = c >= ' ' && c != 0x7F;
    Token bad =
        broken(here(length),
               printable ? fmt::format("unexpected character '{}'", content_.substr(at_, length))
                         : fmt::format("unexpected byte 0x{:02x}",
                                       static_cast<unsigned>(static_cast<unsigned char>(c))));
    advance(length);
    return bad;
}

Token Lexer::next(std::optional<Directive>& directive) {
    const bool space = skip_space();
    const bool fresh = fresh_line_;
    directive = directive_here();
    if (directive) {
        advance(directive->word.size() + 2);
        return {};
    }
    fresh_line_ = false;
    Token t;
    const char c = peek();
    if (at_end()) {
        t.at = here();
    } else if (const std::size_t length =
                   is_hex(c) || (c == ':' && peek(1) == ':') ? address_length() : 0;
               length != 0) {
        t = token(Tok::address, length);
    } else if (text::is_digit(c)) {
        t = number();
    } else if (is_letter(c)) {
        t = word();
    } else if (c == '"' || c == '\'') {
        t = string(c);
    } else if (c == '$') {
        t = variable();
    } else {
        t = mark();
    }
    t.space_before = space || fresh;
    t.line_start = fresh;
    fresh_line_ = false;  // also behind a string that spans lines
    return t;
}

std::string_view Lexer::rest_of_line(Position& at) {
    while (peek() == ' ' || peek() == '\t') advance(1);
    at = here();
    std::string joined;
    bool continued = false;
    while (true) {
        const std::size_t end = std::min(content_.find('\n', at_), content_.size());
        std::string_view line = content_.substr(at_, end - at_);
        if (line.ends_with('\r')) line.remove_suffix(1);
        advance(end + 1 - at_);
        if (!line.ends_with('\\')) {
            if (!continued) {
                at.length = static_cast<std::uint32_t>(std::max<std::size_t>(line.size(), 1));
                return text::trim(line);
            }
            joined += line;
            break;
        }
        continued = true;
        joined.append(line.substr(0, line.size() - 1));
        joined += ' ';
        if (at_end()) break;
    }
    return text::trim(texts_.keep(std::move(joined)));
}

std::optional<Directive> Lexer::skip_to_directive() {
    while (!at_end()) {
        while (peek() == ' ' || peek() == '\t') advance(1);
        if (auto found = directive_here()) {
            advance(found->word.size() + 2);
            return found;
        }
        skip_line();
        advance(1);
    }
    return std::nullopt;
}

}  // namespace fairlead::cfg
