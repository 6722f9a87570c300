// From `listen` lines to listeners.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/listen.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"
#include "core/net/hosts.h"

namespace fairlead::net {
namespace {

struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};

/// "host", "host:port", "[v6]:port", "v6" or "host:*".
Result<HostPort> split_port(std::string_view text) {
    const auto bad = [&] { return fail("bad address '" + std::string(text) + "'"); };
    std::size_t colon = std::string_view::npos;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return bad();
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':') return bad();
            colon = end + 1;
        }
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        colon = text.find(':');  // more of them: a bare IPv6 address
    }
    HostPort result{std::string(text.substr(0, colon)), 0};
    if (result.host.empty()) return bad();
    if (colon == std::string_view::npos || text.substr(colon + 1) == "*") return result;
    const auto port = text::parse_uint(text.substr(colon + 1), 65535);
    if (!port) return bad();
    result.port = static_cast<std::uint16_t>(*port);
    return result;
}

std::string without_brackets(const std::string& host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return host.substr(1, host.size() - 2);
    return host;
}

/// Takes "udp:" off the front of `text`.
std::optional<Proto> take_proto(std::string_view& text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto proto = parse_proto(text.substr(0, colon));
    if (proto) text.remove_prefix(colon + 1);
    return proto;
}

Result<std::vector<Address>> addresses_of(const std::string& host, bool with_ipv6) {
    if (const auto literal = Address::parse(host)) return std::vector{*literal};
    auto found = interface_addresses(host);
    if (!found.empty() && !with_ipv6)
        std::erase_if(found, [](const Address& a) { return a.version != 4; });
    if (found.empty()) found = lookup_host(without_brackets(host));
    if (found.empty())
        return fail("cannot listen on '" + host + "': no address, interface or known host name");
    return found;
}

Listener make_listener(Proto proto, const Address& address, const ListenWish& wish,
                       const ListenDefaults& defaults) {
    Listener l;
    l.proto = proto;
    l.address = address;
    l.name = wish.name;
    l.advertised_host =
        !wish.advertised_host.empty() ? wish.advertised_host : defaults.advertised_host;
    if (l.advertised_host.empty()) l.advertised_host = address.ip_text(true);
    // A bare IPv6 address would not be a host in a Via or a URI.
    if (const auto v6 = Address::parse(l.advertised_host); v6 && v6->version == 6)
        l.advertised_host = v6->ip_text(true);
    l.advertised_port = wish.advertised_port != 0 ? wish.advertised_port : defaults.advertised_port;
    if (l.advertised_port == 0) l.advertised_port = address.port;
    l.via_sent_by = l.advertised_port == default_port(l.proto)
                        ? l.advertised_host
                        : fmt::format("{}:{}", l.advertised_host, l.advertised_port);
    l.uri_text = fmt::format("{}:{}", fairlead::name(l.proto), address.text());
    return l;
}

/// Numbers in the order of the wishes. `workers` are those of each listener.
void make_crews(const std::vector<std::optional<std::size_t>>& workers,
                const ListenDefaults& defaults, Listening& result) {
    result.crews = Crews(defaults.workers);
    for (std::size_t own = 0; own < defaults.own_workers.size(); ++own) {
        if (std::ranges::find(workers, std::optional(own)) == workers.end()) {
            result.idle.push_back(own);
            continue;
        }
        const Crew crew = result.crews.add(defaults.own_workers[own]);
        for (std::size_t i = 0; i < workers.size(); ++i)
            if (workers[i] == own) result.crews.give(i, crew);
    }
}

}  // namespace

Result<std::vector<ListenWish>> parse_listen_option(std::string_view text) {
    ListenWish common;
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) {
        const auto advertised = TRY(split_port(text.substr(slash + 1)));
        common.advertised_host = advertised.host;
        common.advertised_port = advertised.port;
        text = text.substr(0, slash);
    }
    common.proto = take_proto(text);
    std::vector<ListenWish> wishes;
    if (!text.starts_with('(')) {
        const auto one = TRY(split_port(text));
        common.host = one.host;
        common.port = one.port;
        return std::vector{common};
    }
    const auto end = text.find(')');
    if (end == std::string_view::npos) return fail("bad address '" + std::string(text) + "'");
    if (end + 1 < text.size())
        common.port = TRY(split_port("x" + std::string(text.substr(end + 1)))).port;
    std::string_view list = text.substr(1, end - 1);
    for (bool more = true; more;) {
        const auto comma = list.find(',');
        common.host = std::string(text::trim(list.substr(0, comma)));
        if (common.host.empty()) return fail("bad address '" + std::string(text) + "'");
        wishes.push_back(common);
        more = comma != std::string_view::npos;
        if (more) list.remove_prefix(comma + 1);
    }
    return wishes;
}

Result<Listening> make_listeners(const std::vector<ListenWish>& wishes,
                                 const ListenDefaults& defaults) {
    Listening result;
    std::vector<std::optional<std::size_t>> workers;  // by listener
    const auto add = [&](Proto proto, Address address, const ListenWish& wish) {
        const bool tls = proto == Proto::tls;
        address.port = wish.port != 0 ? wish.port : tls ? defaults.tls_port : defaults.port;
        if (tls && wish.port != 0 && wish.port != UINT16_MAX && !wish.proto) ++address.port;
        const bool known = std::any_of(
            result.listeners.begin(), result.listeners.end(),
            [&](const Listener& l) { return l.proto == proto && l.address == address; });
        if (known) return;
        result.listeners.push_back(make_listener(proto, address, wish, defaults));
        result.listeners.back().index = static_cast<std::uint16_t>(result.listeners.size() - 1);
        workers.push_back(wish.workers);
    };
    const auto add_all = [&](Proto proto) -> Result<void> {
        if (wishes.empty()) {
            for (const auto& address : interface_addresses())
                if (address.version == 4 || defaults.ipv6_of_interfaces) add(proto, address, {});
        }
        for (const auto& wish : wishes) {
            if (wish.proto && *wish.proto != proto) continue;
            for (const auto& address : TRY(addresses_of(wish.host, defaults.ipv6_of_interfaces)))
                add(proto, address, wish);
        }
        return {};
    };
    const auto is_built_in = [&](Proto proto) {
        return proto == Proto::udp || (proto == Proto::tcp && defaults.tcp) ||
               (proto == Proto::tls && defaults.tcp && defaults.tls);
    };
    TRY(add_all(Proto::udp));
    if (defaults.tcp) TRY(add_all(Proto::tcp));
    if (is_built_in(Proto::tls)) TRY(add_all(Proto::tls));
    result.left_out = static_cast<std::size_t>(std::ranges::count_if(
        wishes, [&](const ListenWish& wish) { return wish.proto && !is_built_in(*wish.proto); }));
    if (result.listeners.empty() && wishes.empty())
        return fail("no interface has an address to listen on");
    if (result.listeners.empty())
        return fail(defaults.tcp
                        ? "nothing to listen on: there are UDP, TCP, and TLS with enable_tls"
                        : "nothing to listen on: only UDP is left");
    make_crews(workers, defaults, result);
    return result;
}

}  // namespace fairlead::net
