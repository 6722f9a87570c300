// Walking over parameters and comma-separated values (RFC 3261 7.3.1, 25.1).
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/params.h"

#include "core/base/text.h"
#include "core/sip/chars.h"

namespace fairlead::sip {
namespace {

constexpr auto npos = std::string_view::npos;

std::size_t skip_space(std::string_view s, std::size_t at) noexcept {
    while (at < s.size() && text::is_space(s[at])) ++at;
    return at;
}

/// Behind the closing quote of the quoted string that begins at `at`; npos when it never closes.
std::size_t skip_quoted(std::string_view s, std::size_t at) noexcept {
    for (++at; at < s.size(); ++at) {
        if (s[at] == '"') return at + 1;
        if (s[at] == '\\') ++at;
    }
    return npos;
}

bool goes_on(char c, char separator) noexcept {
    return is_char(c, kPlainValueChar) ? c != separator : c == ';' && separator != ';';
}

}  // namespace

std::optional<Param> next_param(std::string_view& rest, char separator) noexcept {
    const std::string_view s = rest;
    std::size_t at = skip_space(s, 0);
    if (at < s.size() && s[at] == separator) at = skip_space(s, at + 1);
    if (at == s.size()) {
        // Nothing at all is the end; a separator with nothing behind it is malformed.
        if (text::trim(s).empty()) rest = {};
        return std::nullopt;
    }
    Param param;
    const std::size_t name_at = at;
    while (at < s.size() && is_char(s[at], kTokenChar)) ++at;
    if (at == name_at) return std::nullopt;
    param.name = s.substr(name_at, at - name_at);
    at = skip_space(s, at);
    if (at < s.size() && s[at] == '=') {
        at = skip_space(s, at + 1);
        param.has_value = true;
        const std::size_t value_at = at;
        if (at < s.size() && s[at] == '"') {
            at = skip_quoted(s, at);
            if (at == npos) return std::nullopt;
        } else {
            while (at < s.size() && goes_on(s[at], separator)) ++at;
        }
        param.value = s.substr(value_at, at - value_at);
        at = skip_space(s, at);
    }
    if (at < s.size() && s[at] != separator) return std::nullopt;
    rest = s.substr(at);
    return param;
}

std::optional<Param> find_param(std::string_view params, std::string_view name,
                                char separator) noexcept {
    while (auto param = next_param(params, separator))
        if (text::ci_equal(param->name, name)) return param;
    return std::nullopt;
}

std::optional<std::string_view> next_value(std::string_view& rest) noexcept {
    const std::string_view s = rest;
    std::size_t at = 0;
    if (s.find(',') == npos) at = s.size();  // the common case: one value
    while (at < s.size() && s[at] != ',') {
        std::size_t behind = at + 1;
        if (s[at] == '"') {
            behind = skip_quoted(s, at);
        } else if (s[at] == '<') {
            const std::size_t close = s.find('>', at);
            behind = close == npos ? npos : close + 1;
        }
        at = behind == npos ? s.size() : behind;
    }
    const std::string_view value = text::trim(s.substr(0, at));
    rest = at < s.size() ? s.substr(at + 1) : std::string_view{};
    if (value.empty() && at == s.size()) return std::nullopt;
    return value;
}

}  // namespace fairlead::sip
