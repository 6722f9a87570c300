// Values of CPL. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/texts.h"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdint>

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::cpl {

namespace {

constexpr std::int32_t kReplacement = 0xfffd;

bool is_ascii(std::string_view s) {
    return std::ranges::all_of(s, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
std::string lower(std::string_view s) {
    std::string out(s);
    std::ranges::transform(out, out.begin(), text::to_lower);
    return out;
}
bool is_alpha(char c) {
    const char low = text::to_lower(c);
    return low >= 'a' && low <= 'z';
}
int hex(char c) {
    if (text::is_digit(c)) return c - '0';
    const char low = text::to_lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::u16string utf16(std::string_view s) {
    std::u16string out(s.size(), u'\0');  // never more units than bytes
    std::int32_t length = 0, replaced = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(out.data(), static_cast<std::int32_t>(out.size()), &length, s.data(),
                         static_cast<std::int32_t>(s.size()), kReplacement, &replaced, &status);
    out.resize(U_FAILURE(status) != 0 ? 0 : static_cast<std::size_t>(length));
    return out;
}
std::string utf8(const std::u16string& s) {
    std::string out(3 * s.size(), '\0');
    std::int32_t length = 0, replaced = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(out.data(), static_cast<std::int32_t>(out.size()), &length, s.data(),
                       static_cast<std::int32_t>(s.size()), kReplacement, &replaced, &status);
    out.resize(U_FAILURE(status) != 0 ? 0 : static_cast<std::size_t>(length));
    return out;
}

/// %XX, and '+' as a space; nullopt for a wrong escape.
std::optional<std::string> decode(std::string_view s, bool plus_is_space) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '%') {
            out += s[i] == '+' && plus_is_space ? ' ' : s[i];
            continue;
        }
        if (i + 2 >= s.size() || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0) return std::nullopt;
        out += static_cast<char>(hex(s[i + 1]) * 16 + hex(s[i + 2]));
        i += 2;
    }
    return out;
}

bool is_zero_quality(std::string_view params) {
    const auto q = sip::find_param(params, "q");
    if (!q || q->value.empty() || q->value.front() != '0') return false;
    const std::string_view rest = q->value.substr(1);
    return rest.empty() || (rest.front() == '.' && rest.find_first_not_of('0', 1) == rest.npos);
}

}  // namespace

std::string fold(std::string_view s) {
    if (is_ascii(s)) return lower(s);
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* form = unorm2_getNFKCCasefoldInstance(&status);
    if (U_FAILURE(status) != 0) return lower(s);
    const std::u16string in = utf16(s);
    std::u16string out(in.size() * 2 + 16, u'\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
        status = U_ZERO_ERROR;
        const std::int32_t length =
            unorm2_normalize(form, in.data(), static_cast<std::int32_t>(in.size()), out.data(),
                             static_cast<std::int32_t>(out.size()), &status);
        const bool fits = static_cast<std::size_t>(length) <= out.size();
        out.resize(static_cast<std::size_t>(std::max(0, length)));
        if (fits) break;
    }
    return U_FAILURE(status) != 0 ? lower(s) : utf8(out);
}

bool is_language_tag(std::string_view tag) noexcept {
    for (bool first = true;; first = false) {
        const std::size_t dash = tag.find('-');
        const std::string_view part = tag.substr(0, dash);
        if (part.empty() || part.size() > 8) return false;
        const bool good = std::ranges::all_of(
            part, [first](char c) { return is_alpha(c) || (!first && text::is_digit(c)); });
        if (!good) return false;
        if (dash == tag.npos) return true;
        tag.remove_prefix(dash + 1);
    }
}

bool accepts_language(std::string_view accept_language, std::string_view tag) {
    while (const auto value = sip::next_value(accept_language)) {
        const std::size_t semicolon = value->find(';');
        const std::string_view range = text::trim(value->substr(0, semicolon));
        if (!is_language_tag(range)) continue;
        if (semicolon != value->npos && is_zero_quality(value->substr(semicolon))) continue;
        // A range is equal to the tag, or a prefix of it that ends before a '-'.
        if (text::ci_starts_with(tag, range) &&
            (tag.size() == range.size() || tag[range.size()] == '-'))
            return true;
    }
    return false;
}

std::optional<std::string> telephone(std::string_view number) {
    std::string out;
    if (number.starts_with('+')) number.remove_prefix(1);
    for (const char c : number) {
        if (c == '-' || c == '.' || c == '(' || c == ')' || c == ' ') continue;
        const char low = text::to_lower(c);
        if (!text::is_digit(c) && c != '*' && c != '#' && (low < 'a' || low > 'd'))
            return std::nullopt;
        out += low;
    }
    return out.empty() ? std::nullopt : std::optional(out);
}

std::string unescape(std::string_view s) {
    if (!s.contains('%')) return std::string(s);
    return decode(s, false).value_or(std::string(s));
}

std::expected<Mail, std::string> parse_mailto(std::string_view url) {
    constexpr std::string_view kScheme = "mailto:";
    if (!text::ci_starts_with(url, kScheme)) return std::unexpected("is not a mailto URL");
    url.remove_prefix(kScheme.size());
    const std::size_t question = url.find('?');
    Mail mail;
    const auto address = decode(url.substr(0, question), false);
    if (!address || text::trim(*address).empty())
        return std::unexpected("has no address, or a wrong % escape");
    if (has_controls(*address) || address->starts_with('-') || !address->contains('@'))
        return std::unexpected("has an address that cannot be written to");
    mail.address = text::trim(*address);
    std::string_view headers = question == url.npos ? std::string_view() : url.substr(question + 1);
    while (!headers.empty()) {
        const std::size_t end = headers.find('&');
        const std::string_view header = headers.substr(0, end);
        headers = end == headers.npos ? std::string_view() : headers.substr(end + 1);
        const std::size_t equals = header.find('=');
        if (equals == header.npos) return std::unexpected("has a header without a value");
        const auto value = decode(header.substr(equals + 1), true);
        if (!value) return std::unexpected("has a wrong % escape");
        const std::string_view name = header.substr(0, equals);
        // A body may have lines (RFC 6068 5); a line break in any other header would begin another.
        const bool is_body = text::ci_equal(name, "body");
        std::string shown = *value;
        if (is_body) std::erase_if(shown, [](char c) { return c == '\r' || c == '\n'; });
        if (has_controls(shown)) return std::unexpected("has control characters in a header");
        if (is_body) mail.body = *value;
        if (text::ci_equal(name, "subject")) mail.subject = *value;
    }
    return mail;
}

bool has_controls(std::string_view s) noexcept {
    return std::ranges::any_of(s, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

std::string without_controls(std::string_view s) {
    std::string out(s);
    std::ranges::replace_if(
        out,
        [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte < 0x20 || byte == 0x7f;
        },
        ' ');
    return std::string(text::trim(out));
}

std::string unfold(std::string_view value) {
    value = text::trim(value);
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '\r' && value[i] != '\n') {
            out += value[i];
            continue;
        }
        while (!out.empty() && text::is_space(out.back())) out.pop_back();
        while (i + 1 < value.size() && text::is_space(value[i + 1])) ++i;
        out += ' ';
    }
    return out;
}

}  // namespace fairlead::cpl
