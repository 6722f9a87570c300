// Where requests and replies go, and what we write into Via (RFC 3261 16.6, 18.2; RFC 3263; RFC
// 3581). SPDX-License-Identifier: Apache-2.0
#include "core/api/route_target.h"

#include "core/api/hosts.h"
#include "core/base/text.h"
#include "core/sip/uri.h"

namespace fairlead {
namespace {

using Resolved = std::expected<Target, ScriptError>;

std::unexpected<ScriptError> no(ScriptError error) noexcept {
    return std::unexpected(error);
}

std::optional<Address> address_of(std::string_view host) noexcept {
    if (auto literal = Address::parse(host)) return literal;
    return Hosts::system().find(host);
}

Resolved target_for(const Net& net, Proto proto, Address address, std::uint16_t received_on,
                    std::uint16_t forced) noexcept {
    const Listener* const listener = net.choose(proto, address, received_on, forced);
    if (listener == nullptr) return no(ScriptError::no_socket);
    return Target{address, proto, listener->index, 0};
}

Resolved target_for(const Net& net, Proto proto, std::string_view host, std::uint16_t port,
                    std::uint16_t received_on, std::uint16_t forced) noexcept {
    auto address = address_of(host);
    if (!address) return no(ScriptError::bad_address);
    address->port = port != 0 ? port : default_port(proto);
    return target_for(net, proto, *address, received_on, forced);
}

/// The transport a URI asks for; nullopt when there is none such.
std::optional<Proto> transport_of(const sip::Uri& uri) noexcept {
    const auto asked = uri.transport();
    if (!asked) return std::nullopt;
    if (uri.scheme != sip::Scheme::sips) return *asked == Proto::none ? Proto::udp : *asked;
    // RFC 3261 26.2.2: sips over TCP means TLS; over UDP it cannot be.
    switch (*asked) {
        case Proto::none:
        case Proto::tcp:
        case Proto::tls: return Proto::tls;
        case Proto::ws:
        case Proto::wss: return Proto::wss;
        default: return std::nullopt;
    }
}

/// "host", "host:port" or "[v6]:port"; false when the port is none.
bool split_host_port(std::string_view text, std::string_view& host, std::uint16_t& port) noexcept {
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return false;
    const std::size_t colon = text.find(':', bracket);
    host = text.substr(0, colon);
    port = 0;
    if (colon == std::string_view::npos) return !host.empty();
    const auto number = text::parse_uint(text.substr(colon + 1), 65535);
    if (!number || *number == 0) return false;
    port = static_cast<std::uint16_t>(*number);
    return !host.empty();
}

bool is_same_host(std::string_view host, const Address& source) noexcept {
    const auto address = Address::parse(host);
    return address && address->same_ip(source);
}

}  // namespace

Resolved resolve(const Net& net, std::string_view uri, std::uint16_t received_on,
                 std::uint16_t forced) noexcept {
    const auto parsed = sip::parse_uri(uri);
    if (!parsed || !parsed->is_sip()) return no(ScriptError::bad_uri);
    const auto proto = transport_of(*parsed);
    if (!proto) return no(ScriptError::bad_protocol);
    // maddr is not looked at, as in Kamailio's default build.
    return target_for(net, *proto, parsed->host, parsed->port, received_on, forced);
}

Resolved resolve_address(const Net& net, std::string_view text, std::uint16_t received_on,
                         std::uint16_t forced) noexcept {
    if (Address::parse(text))  // also an IPv6 address without brackets
        return target_for(net, Proto::udp, text, 0, received_on, forced);
    Proto proto = Proto::udp;
    const std::size_t colon = text.find(':');
    if (const auto named = parse_proto(text.substr(0, colon));
        named && colon != std::string_view::npos) {
        proto = *named;
        text.remove_prefix(colon + 1);
    }
    std::string_view host;
    std::uint16_t port = 0;
    if (!split_host_port(text, host, port)) return no(ScriptError::bad_address);
    return target_for(net, proto, host, port, received_on, forced);
}

Target reply_target(const Message& request) noexcept {
    Target target{request.received.source, request.received.proto, request.received.listener,
                  request.received.connection};
    const sip::Via* const via = request.sip.via();
    // RFC 3581 4: with rport the source port; else what the Via says, whatever port it came from.
    if (via == nullptr || is_reliable(target.proto)) return target;
    if (!via->has_rport && !request.force_rport)
        target.address.port = via->port != 0 ? via->port : default_port(target.proto);
    return target;
}

Resolved relay_target(const Net& net, const sip::Message& reply,
                      std::uint16_t received_on) noexcept {
    const sip::Via* const via = reply.second_via();
    if (via == nullptr || via->proto == Proto::none) return no(ScriptError::bad_via);
    // RFC 3261 18.2.2: maddr, then received (with rport), then sent-by.
    std::string_view host = via->host;
    std::uint16_t port = via->effective_port();
    if (!via->maddr.empty() && !is_reliable(via->proto)) {
        host = via->maddr;
    } else if (!via->received.empty()) {
        host = via->received;
        if (const auto rport = text::parse_uint(via->rport, 65535); rport && *rport != 0)
            port = static_cast<std::uint16_t>(*rport);
    } else if (const auto rport = text::parse_uint(via->rport, 65535); rport && *rport != 0) {
        port = static_cast<std::uint16_t>(*rport);
    }
    return target_for(net, via->proto, host, port, received_on, kNoListener);
}

std::string_view write_via(sip::Writer& out, const Listener& from, const Message& m,
                           std::string_view branch) noexcept {
    const std::size_t begin = out.size();
    out.put("Via: SIP/2.0/").put(via_name(from.proto)).put(' ');
    if (m.advertised_host.empty()) {
        out.put(from.via_sent_by);
    } else {
        out.put(m.advertised_host);
        const std::uint16_t port = m.advertised_port != 0 ? m.advertised_port : from.address.port;
        if (port != default_port(from.proto)) out.put(':').put_uint(port);
    }
    out.put(";branch=").put(branch);
    if (m.add_local_rport) out.put(";rport");
    out.put("\r\n");
    return out.ok() ? out.text().substr(begin) : std::string_view{};
}

std::string_view forwarded_via_mark(sip::Writer& out, const Message& m) noexcept {
    const sip::Via* const via = m.sip.via();
    if (via == nullptr) return {};
    const bool rport = via->has_rport || m.force_rport;
    const bool received =
        via->has_rport || via->has_received || !is_same_host(via->host, m.received.source);
    const std::size_t begin = out.size();
    if (received) {
        char ip[64];
        out.put(";received=").put({ip, m.received.source.write_ip(ip, false)});
    }
    if (rport) out.put(";rport=").put_uint(m.received.source.port);
    return out.ok() ? out.text().substr(begin) : std::string_view{};
}

}  // namespace fairlead
