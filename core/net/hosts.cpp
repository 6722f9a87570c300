// Names and addresses at start.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/hosts.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

namespace fairlead::net {
namespace {

bool is_link_local(const Address& address) {
    return address.version == 6 && address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80;
}

void add_once(std::vector<Address>& list, const Address& address) {
    if (!address.is_set() || is_link_local(address)) return;
    if (std::find(list.begin(), list.end(), address) == list.end()) list.push_back(address);
}

}  // namespace

std::vector<Address> interface_addresses(const std::string& interface) {
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, freeifaddrs);
    std::vector<Address> found;
    for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
        if (!interface.empty() && interface != at->ifa_name) continue;
        add_once(found, Address::from(at->ifa_addr));
    }
    return found;
}

std::vector<Address> lookup_host(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* first = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) {
        const auto loopback = Address::of_localhost(name);
        return loopback ? std::vector{*loopback} : std::vector<Address>{};
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(first, freeaddrinfo);
    std::vector<Address> found;
    for (const addrinfo* at = first; at != nullptr; at = at->ai_next)
        add_once(found, Address::from(at->ai_addr));
    return found;
}

std::optional<std::string> reverse_lookup(const Address& address) {
    res_init();
    _res.retrans = 1;
    _res.retry = 1;
    sockaddr_storage storage;
    const socklen_t size = address.to(storage);
    std::array<char, NI_MAXHOST> name{};
    if (getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, name.data(), name.size(),
                    nullptr, 0, NI_NAMEREQD) != 0)
        return std::nullopt;
    return std::string(name.data());
}

}  // namespace fairlead::net
