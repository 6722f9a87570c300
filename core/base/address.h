// IP addresses with port, and transport protocols, as small values that may live in shared memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace fairlead {

/// Transport protocols under Kamailio's numbers ($prid, $K(UDP)).
enum class Proto : std::uint8_t { none = 0, udp = 1, tcp = 2, tls = 3, sctp = 4, ws = 5, wss = 6 };

/// "udp", "tcp", …; `none` gives "".
[[nodiscard]] std::string_view name(Proto proto) noexcept;
/// "UDP", "TCP", … as a Via writes it.
[[nodiscard]] std::string_view via_name(Proto proto) noexcept;
/// By either spelling, without case; nullopt when unknown.
[[nodiscard]] std::optional<Proto> parse_proto(std::string_view text) noexcept;
[[nodiscard]] constexpr std::uint16_t default_port(Proto proto) noexcept {
    return proto == Proto::tls || proto == Proto::wss ? 5061 : 5060;
}
/// What carries it: a listener of this protocol is one for `proto` too (WebSocket, RFC 7118).
[[nodiscard]] constexpr Proto carrier(Proto proto) noexcept {
    if (proto == Proto::ws) return Proto::tcp;
    return proto == Proto::wss ? Proto::tls : proto;
}
[[nodiscard]] constexpr bool is_websocket(Proto proto) noexcept {
    return proto == Proto::ws || proto == Proto::wss;
}
[[nodiscard]] constexpr bool is_reliable(Proto proto) noexcept {
    return proto != Proto::udp;
}

/// An IPv4 or IPv6 address with a port. Trivially copyable: allowed in shared memory.
struct Address {
    std::array<std::uint8_t, 16> ip{};  ///< network order; IPv4 uses the first four bytes
    std::uint32_t scope = 0;            ///< IPv6 scope id, else 0
    std::uint16_t port = 0;             ///< host order
    std::uint8_t version = 0;           ///< 4, 6, or 0 for "none"

    friend bool operator==(const Address&, const Address&) = default;
    [[nodiscard]] bool same_ip(const Address& other) const noexcept {
        return version == other.version && ip == other.ip;
    }
    [[nodiscard]] bool is_set() const noexcept { return version != 0; }
    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] bool is_any() const noexcept;

    /// "127.0.0.1", "2001:db8::1"; with brackets for IPv6 when asked (URIs, Via).
    [[nodiscard]] std::string ip_text(bool brackets = false) const;
    /// Writes ip_text into `out` (at least 48 bytes), returns its length; no allocation.
    std::size_t write_ip(char* out, bool brackets) const noexcept;
    /// "127.0.0.1:5060", "[2001:db8::1]:5060".
    [[nodiscard]] std::string text() const;

    /// A literal, with or without brackets; never asks a resolver. Port is left at `port`.
    [[nodiscard]] static std::optional<Address> parse(std::string_view literal,
                                                      std::uint16_t port = 0) noexcept;
    /// 127.0.0.1 for "localhost" and what ends in ".localhost", without case: these names mean
    /// this host whatever a resolver knows (RFC 6761 6.3).
    [[nodiscard]] static std::optional<Address> of_localhost(std::string_view name) noexcept;
    [[nodiscard]] static Address from(const sockaddr* from) noexcept;
    /// Fills `out`, returns the length that bind, sendto and friends want.
    unsigned to(sockaddr_storage& out) const noexcept;
};

}  // namespace fairlead
