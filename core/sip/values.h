// Typed forms of the headers that routing needs: Via, From/To/Contact/Route (name-addr), CSeq.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/address.h"
#include "core/sip/method.h"
#include "core/sip/uri.h"

namespace fairlead::sip {

inline constexpr std::string_view kMagicCookie = "z9hG4bK";  ///< RFC 3261 8.1.1.7

/// One Via value (RFC 3261 20.42, RFC 3581). Views into the message.
struct Via {
    std::string_view text;       ///< the whole value
    std::string_view transport;  ///< as written
    Proto proto = Proto::none;   ///< none when unknown
    std::string_view host;       ///< sent-by host, IPv6 with brackets
    std::string_view port_text;  ///< empty when absent
    std::uint16_t port = 0;      ///< 0 when absent
    std::string_view params;     ///< without the first ';'
    std::string_view branch;     ///< "" when absent
    std::string_view received;   ///< "" when absent
    std::string_view rport;      ///< value; "" when absent or without value
    bool has_rport = false;
    bool has_branch = false;
    bool has_received = false;
    std::string_view maddr;

    /// True when the branch begins with the magic cookie, that is, comes from an RFC 3261 element.
    [[nodiscard]] bool is_rfc3261() const noexcept { return branch.starts_with(kMagicCookie); }
    [[nodiscard]] std::uint16_t effective_port() const noexcept {
        return port != 0 ? port : default_port(proto);
    }
};
[[nodiscard]] std::optional<Via> parse_via(std::string_view value) noexcept;

/// name-addr or addr-spec with parameters (RFC 3261 20.10, 20.20, 20.34).
struct NameAddr {
    std::string_view text;     ///< the whole value
    std::string_view display;  ///< as written, quotes kept; "" when absent
    std::string_view uri;      ///< without < and >
    std::string_view params;   ///< of the header, without the first ';'
    std::string_view tag;      ///< "" when absent
    bool has_tag = false;
    bool is_star = false;  ///< Contact: *

    [[nodiscard]] std::optional<std::string_view> param(std::string_view name) const noexcept;
};
[[nodiscard]] std::optional<NameAddr> parse_name_addr(std::string_view value) noexcept;

struct CSeq {
    std::uint32_t number = 0;  ///< below 2^31 (RFC 3261 8.1.1.5)
    std::string_view number_text;
    Method method = Method::other;
    std::string_view method_text;
};
[[nodiscard]] std::optional<CSeq> parse_cseq(std::string_view value) noexcept;

}  // namespace fairlead::sip
