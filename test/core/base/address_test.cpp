// Tests of core/base/address: literals, texts, sockaddr round trips, protocols.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/address.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

using namespace fairlead;

TEST_CASE("literals of both families are read and written") {
    const auto v4 = Address::parse("127.0.0.1", 5060);
    REQUIRE(v4);
    CHECK(v4->text() == "127.0.0.1:5060");
    CHECK(v4->is_loopback());
    const auto v6 = Address::parse("[2001:DB8::1]", 5070);
    REQUIRE(v6);
    CHECK(v6->text() == "[2001:db8::1]:5070");
    CHECK(v6->ip_text() == "2001:db8::1");
    CHECK_FALSE(v6->is_loopback());
    CHECK(Address::parse("::1")->is_loopback());
    CHECK_FALSE(Address::parse("example.com"));
    CHECK_FALSE(Address::parse("[127.0.0.1"));
    CHECK_FALSE(Address::parse("1.2.3"));
    CHECK_FALSE(Address::parse(""));
}

TEST_CASE("socket addresses come back as they went") {
    for (const char* literal : {"10.1.2.3", "fe80::2"}) {
        auto address = *Address::parse(literal, 5099);
        sockaddr_storage storage;
        address.to(storage);
        CHECK(Address::from(reinterpret_cast<const sockaddr*>(&storage)) == address);
    }
}

TEST_CASE("protocols go by either spelling") {
    CHECK(parse_proto("UDP") == Proto::udp);
    CHECK(parse_proto("wss") == Proto::wss);
    CHECK_FALSE(parse_proto("xyz"));
    CHECK_FALSE(parse_proto(""));
    CHECK(via_name(Proto::tls) == "TLS");
    CHECK(default_port(Proto::tls) == 5061);
}
