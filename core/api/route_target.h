// From a URI to an address: the steps of RFC 3263 that need no waiting (numeric hosts, aliases,
// /etc). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/api/core.h"
#include "core/api/message.h"
#include "core/api/net.h"
#include "core/base/result.h"

namespace fairlead {

/// Where a request with this next hop goes. Error codes are ScriptError numbers: bad_uri,
/// bad_address (a host name that is not numeric and not in the hosts file), no_socket,
/// bad_protocol. Never blocks.
[[nodiscard]] std::expected<Target, ScriptError> resolve(const Net& net, std::string_view uri,
                                                         std::uint16_t received_on,
                                                         std::uint16_t forced) noexcept;
/// "proto:host:port", "host:port", "proto:host" or "host", as t_relay and forward take it.
[[nodiscard]] std::expected<Target, ScriptError> resolve_address(const Net& net,
                                                                 std::string_view text,
                                                                 std::uint16_t received_on,
                                                                 std::uint16_t forced) noexcept;
/// Where a reply to this request goes (RFC 3261 18.2.2, RFC 3581 4).
[[nodiscard]] Target reply_target(const Message& request) noexcept;
/// Where a reply that we pass on goes, by its second Via; bad_via when there is none.
[[nodiscard]] std::expected<Target, ScriptError> relay_target(const Net& net,
                                                              const sip::Message& reply,
                                                              std::uint16_t received_on) noexcept;

/// What the script wants of streams for the request (set_forward_no_connect, set_forward_close, the
/// profile of TLS). By everybody who sends a request of a script.
void set_stream_use(Net& net, Target& target, Message& request) noexcept;
/// Where a request of `size` bytes goes instead, because it is too large for a datagram to `target`
/// (RFC 3261 18.1.1, udp_mtu); nullopt when it stays, also when no listener has that protocol.
[[nodiscard]] std::optional<Target> instead_of_datagram(Net& net, const Globals& globals,
                                                        const Target& target, std::size_t size,
                                                        Message& m) noexcept;

/// What edits that depend on the socket go by (sip::Edit::only_from): the listener, and whether
/// WebSocket goes over it.
[[nodiscard]] constexpr std::uint16_t socket_key(std::uint16_t listener, Proto proto) noexcept {
    return is_websocket(proto) ? static_cast<std::uint16_t>(listener | 0x8000U) : listener;
}

/// Our Via line with CRLF: "Via: SIP/2.0/UDP host:port;branch=…[;rport][;i=…][params]", `i` being
/// the connection of the request. `proto`: that of the target, which the listener may only carry.
/// Written into `out`.
[[nodiscard]] std::string_view write_via(sip::Writer& out, const Listener& from, Proto proto,
                                         const Message& m, std::string_view branch) noexcept;
/// The Warning line, with CRLF, of a reply made here to `request` (the parameter sip_warning): our
/// address, where the request came from, its URI as received and as it stands. "" when it did not
/// fit into `out`.
[[nodiscard]] std::string_view write_warning(sip::Writer& out, const sip::Message& request,
                                             const Received& from, std::string_view uri) noexcept;
inline constexpr std::size_t kWarningRoom = 256;  ///< for all of it but the two URIs
/// ";received=…;rport=…" for the received top Via of a request that is forwarded; "" when none is
/// due.
[[nodiscard]] std::string_view forwarded_via_mark(sip::Writer& out, const Message& m) noexcept;

}  // namespace fairlead
