// From which socket something leaves.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "core/net/udp_net.h"

using namespace fairlead;
using fairlead::net::UdpNet;

namespace {

Listener listener(std::uint16_t index, std::string_view ip) {
    Listener made;
    made.index = index;
    made.address = *Address::parse(ip, 5060);
    return made;
}

/// 0: public, 1: loopback, 2: IPv6 loopback, 3: another public one.
UdpNet net_of_four() {
    return {{listener(0, "192.0.2.1"), listener(1, "127.0.0.1"), listener(2, "::1"),
             listener(3, "192.0.2.2")},
            {},
            false};
}

int chosen(const UdpNet& net, std::string_view to, std::uint16_t received_on = kNoListener,
           std::uint16_t forced = kNoListener) {
    const auto* const found =
        net.choose(Proto::udp, *Address::parse(to, 5060), received_on, forced);
    return found == nullptr ? -1 : found->index;
}

}  // namespace

TEST_CASE("the socket that a script forces is taken, if it can reach the place") {
    const UdpNet net = net_of_four();
    CHECK(chosen(net, "198.51.100.1", 0, 3) == 3);
    CHECK(chosen(net, "::1", 0, 3) == 2);
    CHECK(chosen(net, "198.51.100.1", 0, 99) == 0);
}

TEST_CASE("else the one that the message came in on, if it can reach the place") {
    const UdpNet net = net_of_four();
    CHECK(chosen(net, "198.51.100.1", 3) == 3);
    CHECK(chosen(net, "127.0.0.9", 0) == 0);
    CHECK(chosen(net, "::1", 0) == 2);
}

TEST_CASE("else the first of the family on the same side of the loopback") {
    const UdpNet net = net_of_four();
    CHECK(chosen(net, "198.51.100.1") == 0);
    CHECK(chosen(net, "127.0.0.9") == 1);
    CHECK(chosen(net, "2001:db8::1") == 2);  // none better
}

TEST_CASE("no socket for another protocol or family") {
    const UdpNet net({listener(0, "192.0.2.1")}, {}, false);
    CHECK(chosen(net, "::1") == -1);
    CHECK(net.choose(Proto::tcp, *Address::parse("192.0.2.9", 5060), 0, 0) == nullptr);
}

TEST_CASE("with mhomed the kernel's route chooses the socket, unless a script forces one") {
    const UdpNet net({listener(0, "192.0.2.1"), listener(1, "127.0.0.1")}, {}, true);
    CHECK(chosen(net, "127.0.0.1", 0) == 1);
    CHECK(chosen(net, "127.0.0.1", 0, 0) == 0);
}
