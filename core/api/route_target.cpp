// Where requests and replies go, and what we write into Via (RFC 3261 16.6, 18.2; RFC 3263; RFC
// 3581). SPDX-License-Identifier: Apache-2.0
#include "core/api/route_target.h"

#include <unistd.h>

#include <charconv>

#include "core/api/hosts.h"
#include "core/api/next_hop.h"
#include "core/base/text.h"
#include "core/sip/params.h"
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

/// The connection that our own Via names: on it the request came that this is the reply to.
std::uint32_t noted_connection(const sip::Message& reply) noexcept {
    const sip::Via* const ours = reply.via();
    if (ours == nullptr) return 0;
    const auto noted = sip::find_param(ours->params, "i");
    if (!noted) return 0;
    std::uint32_t id = 0;
    const char* const end = noted->value.data() + noted->value.size();
    const auto read = std::from_chars(noted->value.data(), end, id, 16);
    return read.ec == std::errc() && read.ptr == end ? id : 0;
}

bool is_same_host(std::string_view host, const Address& source) noexcept {
    const auto address = Address::parse(host);
    return address && address->same_ip(source);
}

}  // namespace

std::expected<NextHop, ScriptError> next_hop_of(std::string_view uri) noexcept {
    const auto parsed = sip::parse_uri(uri);
    if (!parsed || !parsed->is_sip()) return no(ScriptError::bad_uri);
    const auto asked = parsed->transport();
    if (!asked) return no(ScriptError::bad_protocol);
    // maddr is not looked at, as in Kamailio's default build.
    NextHop hop{parsed->host, parsed->port, *asked, parsed->scheme == sip::Scheme::sips};
    if (!hop.secure) return hop;
    // RFC 3261 26.2.2: sips over TCP means TLS; over UDP it cannot be.
    switch (*asked) {
        case Proto::none:
        case Proto::tls:
        case Proto::wss: return hop;
        case Proto::tcp: hop.proto = Proto::tls; return hop;
        case Proto::ws: hop.proto = Proto::wss; return hop;
        default: return no(ScriptError::bad_protocol);
    }
}

Resolved resolve(const Net& net, std::string_view uri, std::uint16_t received_on,
                 std::uint16_t forced) noexcept {
    const auto hop = next_hop_of(uri);
    if (!hop) return no(hop.error());
    Proto proto = hop->proto;
    if (proto == Proto::none) proto = hop->secure ? Proto::tls : Proto::udp;
    return target_for(net, proto, hop->host, hop->port, received_on, forced);
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

std::string_view hop_uri(std::string_view address, Arena& arena) {
    if (const auto literal = Address::parse(address)) {
        const bool is_bare = literal->version == 6 && !address.starts_with('[');
        if (!is_bare) return arena.concat({"sip:", address, ";transport=udp"});
        return arena.concat({"sip:[", address, "];transport=udp"});
    }
    std::string_view proto;
    const std::size_t colon = address.find(':');
    if (colon != std::string_view::npos && parse_proto(address.substr(0, colon))) {
        proto = address.substr(0, colon);
        address.remove_prefix(colon + 1);
    }
    std::string_view host;
    std::uint16_t port = 0;
    if (!split_host_port(address, host, port)) return {};
    // Of a literal nobody can be asked; a name may have its services.
    if (proto.empty() && address_of(host)) proto = "udp";
    return proto.empty() ? arena.concat({"sip:", address})
                         : arena.concat({"sip:", address, ";transport=", proto});
}

std::string_view hop_uri(std::string_view uri, Proto proto, Arena& arena) {
    const auto parsed = sip::parse_uri(uri);
    if (!parsed || !parsed->is_sip()) return {};
    const std::string_view host = parsed->host;
    const std::string_view port = parsed->port_text;
    return arena.concat({"sip:", host, port.empty() ? "" : ":", port, ";transport=", name(proto)});
}

std::string_view reply_hop(const sip::Message& reply, Arena& arena) {
    const sip::Via* const via = reply.second_via();
    if (via == nullptr || via->proto == Proto::none) return {};
    const bool has_maddr = !via->maddr.empty() && !is_reliable(via->proto);
    return arena.concat({"sip:", has_maddr ? via->maddr : via->host,
                         via->port_text.empty() ? "" : ":", via->port_text,
                         ";transport=", name(via->proto)});
}

Target reply_target(const Message& request) noexcept {
    Target target{request.received.source, request.received.proto, request.received.listener,
                  request.received.connection};
    target.no_connect = request.reply_no_connect;
    target.close_after = request.reply_close;
    const sip::Via* const via = request.sip.via();
    // RFC 3581 4: with rport the source port; else what the Via says, whatever port it came from.
    // That is also where a new connection is opened when the request's is gone (RFC 3261 18.2.2),
    // for nobody listens on a connection's source port.
    if (via == nullptr) return target;
    if ((!via->has_rport && !request.force_rport) || is_reliable(target.proto))
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
    auto target = target_for(net, via->proto, host, port, received_on, kNoListener);
    if (target && is_reliable(via->proto)) target->connection = noted_connection(reply);
    return target;
}

void set_stream_use(Net& net, Target& target, Message& request) noexcept {
    target.no_connect = request.forward_no_connect;
    target.close_after = request.forward_close;
    if (target.proto == Proto::tls) target.profile = net.profile_of(request, target);
}

std::optional<Target> instead_of_datagram(Net& net, const Globals& globals, const Target& target,
                                          std::size_t size, Message& m) noexcept {
    const Proto proto =
        m.udp_mtu_try_proto != Proto::none ? m.udp_mtu_try_proto : globals.udp_mtu_try_proto;
    if (globals.udp_mtu == 0 || size <= globals.udp_mtu || target.proto != Proto::udp ||
        !is_reliable(proto) || proto == Proto::none)
        return std::nullopt;
    const auto found =
        target_for(net, proto, target.address, m.received.listener, m.target.listener);
    if (!found) return std::nullopt;
    Target other = *found;
    set_stream_use(net, other, m);
    return other;
}

std::string_view write_via(sip::Writer& out, const Listener& from, Proto proto, const Message& m,
                           std::string_view branch) noexcept {
    const std::size_t begin = out.size();
    out.put("Via: SIP/2.0/").put(via_name(proto)).put(' ');
    if (m.advertised_host.empty()) {
        out.put(from.via_sent_by);
    } else {
        out.put(m.advertised_host);
        const std::uint16_t port = m.advertised_port != 0 ? m.advertised_port : from.address.port;
        if (port != default_port(from.proto)) out.put(':').put_uint(port);
    }
    out.put(";branch=").put(branch);
    if (m.add_local_rport) out.put(";rport");
    if (m.received.connection != 0) {
        char id[8];
        const auto end = std::to_chars(id, id + sizeof id, m.received.connection, 16).ptr;
        out.put(";i=").put({id, static_cast<std::size_t>(end - id)});
    }
    out.put(m.via_params);
    out.put("\r\n");
    return out.ok() ? out.text().substr(begin) : std::string_view{};
}

namespace {

std::size_t count_vias(const sip::Message& m) noexcept {
    std::size_t n = 0;
    for (const sip::Header& h : m.headers()) {
        if (h.type != sip::HeaderType::via) continue;
        std::string_view rest = m.value(h);
        while (sip::next_value(rest)) ++n;
    }
    return n;
}

/// Without what would end the quoted text.
void put_quoted(sip::Writer& out, std::string_view text) noexcept {
    for (const char c : text) {
        if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) out.put(c);
    }
}

}  // namespace

std::string_view write_warning(sip::Writer& out, const sip::Message& request, const Received& from,
                               std::string_view uri) noexcept {
    const std::size_t begin = out.size();
    char ip[64];
    const auto put_ip = [&](const Address& a) { out.put({ip, a.write_ip(ip, false)}); };
    out.put("Warning: 392 ");
    out.put({ip, from.local.write_ip(ip, true)}).put(':').put_uint(from.local.port);
    out.put(" \"Noisy feedback tells:  pid=").put_uint(static_cast<std::uint64_t>(getpid()));
    out.put(" req_src_ip=");
    put_ip(from.source);
    out.put(" req_src_port=").put_uint(from.source.port).put(" in_uri=");
    put_quoted(out, request.request_uri());
    out.put(" out_uri=");
    put_quoted(out, uri);
    out.put(" via_cnt==").put_uint(count_vias(request)).put("\"\r\n");
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
