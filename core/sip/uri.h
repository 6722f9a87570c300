// SIP, SIPS and TEL URIs (RFC 3261 19.1, RFC 3966): bytes in, views out.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/address.h"

namespace fairlead::sip {

enum class Scheme : std::uint8_t { sip, sips, tel, other };

/// Views into the text that was parsed; valid as long as that text.
struct Uri {
    std::string_view text;  ///< all of it
    std::string_view scheme_text;
    Scheme scheme = Scheme::other;
    std::string_view user;  ///< as written, still escaped; for tel: the number
    std::string_view password;
    std::string_view host;       ///< IPv6 with its brackets
    std::string_view port_text;  ///< empty when absent
    std::uint16_t port = 0;      ///< 0 when absent
    std::string_view params;     ///< without the first ';'
    std::string_view headers;    ///< without '?'
    bool has_user = false;       ///< an '@' was there (the user may still be empty)

    /// The value of a parameter: nullopt when absent, "" when it has no value. Names without case.
    [[nodiscard]] std::optional<std::string_view> param(std::string_view name) const noexcept;
    /// The transport parameter; `none` when absent, nullopt when unknown.
    [[nodiscard]] std::optional<Proto> transport() const noexcept;
    [[nodiscard]] bool is_sip() const noexcept {
        return scheme == Scheme::sip || scheme == Scheme::sips;
    }
    /// Port, or the scheme's and transport's default.
    [[nodiscard]] std::uint16_t effective_port() const noexcept;
};

/// Nullopt when it is not a URI: no scheme, empty host (sip, sips), port above 65535 or not a
/// number, control characters or white space, unbalanced brackets, an escape % without two hex
/// digits. Schemes other than sip, sips and tel are accepted with everything behind ':' in `host`.
[[nodiscard]] std::optional<Uri> parse_uri(std::string_view text) noexcept;

/// Equality by RFC 3261 19.1.4 (sip and sips), byte equality otherwise.
[[nodiscard]] bool equal(const Uri& a, const Uri& b) noexcept;

}  // namespace fairlead::sip
