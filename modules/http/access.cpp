// Who may ask. SPDX-License-Identifier: Apache-2.0
#include "modules/http/access.h"

#include "core/api/net.h"
#include "core/api/text.h"

namespace fairlead::http {
namespace {

int base64_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

/// What follows the scheme's name; nullopt for another scheme.
std::optional<std::string_view> behind_scheme(std::string_view text, std::string_view scheme) {
    if (!text::ci_starts_with(text, scheme) || text.size() <= scheme.size() ||
        text[scheme.size()] != ' ')
        return std::nullopt;
    text.remove_prefix(scheme.size());
    while (text.starts_with(' ')) text.remove_prefix(1);
    return text;
}

bool has_control(std::string_view text) noexcept {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return true;
    return false;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool is_last = i + 4 == text.size();
        std::size_t padding = 0;
        if (is_last && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
        unsigned bits = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const int value = k + padding >= 4 ? 0 : base64_value(text[i + k]);
            if (value < 0) return std::nullopt;
            bits = bits * 64 + static_cast<unsigned>(value);
        }
        for (std::size_t k = 0; k < 3 - padding; ++k)
            out += static_cast<char>(bits >> (16 - 8 * k) & 0xff);
    }
    return out;
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const char other = b.empty() ? '\0' : b[i % b.size()];
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
    }
    return difference == 0;
}

bool is_local_host(std::string_view host) {
    const std::size_t bracket = host.find(']');
    const std::size_t colon = host.find(':', bracket == host.npos ? 0 : bracket);
    if (colon != host.npos) {
        if (!text::parse_uint(host.substr(colon + 1), UINT16_MAX)) return false;
        host = host.substr(0, colon);
    }
    if (const auto address = Address::parse(host)) return address->is_loopback();
    return Address::of_localhost(host).has_value();
}

Result<void> Accounts::add_user(std::string_view text, Role role) {
    const std::size_t colon = text.find(':');
    if (colon == 0 || colon == text.npos || colon + 1 == text.size() || has_control(text))
        return fail("a user is given as \"name:password\"");
    users_.push_back(
        {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1)), role});
    return {};
}

Result<void> Accounts::add_token(std::string_view text, Role role) {
    constexpr std::size_t kShortest = 16;
    if (text.size() < kShortest || has_control(text) || text.find(' ') != text.npos)
        return fail("a token has at least 16 characters and no blanks");
    tokens_.push_back({std::string(text), role});
    return {};
}

std::optional<Accounts::Known> Accounts::find(std::string_view authorization) const {
    std::optional<Known> found;  // all are compared, so that time tells nothing
    if (const auto token = behind_scheme(authorization, "Bearer"))
        for (const Token& known : tokens_)
            if (same_secret(*token, known.text)) found = Known{known.role, "token"};
    const auto basic = behind_scheme(authorization, "Basic");
    const auto pair = basic ? decode_base64(*basic) : std::nullopt;
    if (!pair) return found;
    const std::size_t colon = pair->find(':');
    if (colon == std::string::npos) return found;
    const auto name = std::string_view(*pair).substr(0, colon);
    const auto password = std::string_view(*pair).substr(colon + 1);
    for (const User& known : users_) {
        const bool is_name = same_secret(name, known.name);
        const bool is_password = same_secret(password, known.password);
        if (is_name && is_password) found = Known{known.role, known.name};
    }
    return found;
}

}  // namespace fairlead::http
