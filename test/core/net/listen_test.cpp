// Listeners from wishes, options of the command line, and the server's own names.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/listen.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/net/own_names.h"

using namespace fairlead;
using namespace fairlead::net;

namespace {

Listening listen_on(const std::vector<ListenWish>& wishes, const ListenDefaults& defaults = {}) {
    auto result = make_listeners(wishes, defaults);
    INFO((result ? "" : result.error().str()));
    REQUIRE(result);
    return *result;
}

}  // namespace

TEST_CASE("an address becomes one listener with its texts") {
    const auto l = listen_on({{.proto = Proto::udp, .host = "127.0.0.1", .port = 5080}});
    REQUIRE(l.listeners.size() == 1);
    CHECK(l.listeners[0].address.text() == "127.0.0.1:5080");
    CHECK(l.listeners[0].uri_text == "udp:127.0.0.1:5080");
    CHECK(l.listeners[0].via_sent_by == "127.0.0.1:5080");
    CHECK(l.listeners[0].advertised_host == "127.0.0.1");
}

TEST_CASE("the default port is left out of a Via") {
    const auto l = listen_on({{.host = "::1"}});
    CHECK(l.listeners[0].via_sent_by == "[::1]");
    CHECK(l.listeners[0].address.port == 5060);
    CHECK(l.listeners[0].uri_text == "udp:[::1]:5060");
}

TEST_CASE("what is advertised replaces the address") {
    auto l = listen_on({{.host = "127.0.0.1",
                         .advertised_host = "2001:db8::1",
                         .advertised_port = 5070,
                         .name = "out"}});
    CHECK(l.listeners[0].via_sent_by == "[2001:db8::1]:5070");
    CHECK(l.listeners[0].name == "out");
    l = listen_on({{.host = "127.0.0.1"}}, {.port = 5090, .advertised_host = "sip.test"});
    CHECK(l.listeners[0].via_sent_by == "sip.test:5090");
}

TEST_CASE("a wish with workers of its own has them for all its addresses, the others share") {
    const ListenDefaults defaults{.workers = 4, .own_workers = {2, 5, 3}};
    const auto l = listen_on(
        {
            {.host = "127.0.0.1"},
            {.host = "127.0.0.1", .port = 5080, .workers = 0},
            {.proto = Proto::udp, .host = "127.0.0.1", .workers = 1},  // it is there already
            {.proto = Proto::tcp, .host = "127.0.0.1", .port = 5090, .workers = 2},
            {.proto = Proto::udp, .host = "127.0.0.1", .port = 5090, .workers = 2},
        },
        defaults);
    REQUIRE(l.listeners.size() == 6);
    const auto crew_of = [&](std::string_view uri) {
        const auto found = std::ranges::find(l.listeners, uri, &Listener::uri_text);
        REQUIRE(found != l.listeners.end());
        return l.crews.of(found->index);
    };
    CHECK(crew_of("udp:127.0.0.1:5060") == Crew{0, 4});
    CHECK(crew_of("tcp:127.0.0.1:5060") == Crew{0, 4});
    CHECK(crew_of("udp:127.0.0.1:5080") == Crew{4, 2});
    CHECK(crew_of("tcp:127.0.0.1:5080") == Crew{4, 2});
    CHECK(crew_of("udp:127.0.0.1:5090") == Crew{6, 3});
    CHECK(crew_of("tcp:127.0.0.1:5090") == Crew{6, 3});
    CHECK(l.crews.workers() == 9);
    CHECK(l.idle == std::vector<std::size_t>{1});
}

TEST_CASE("duplicates collapse, interfaces and names resolve, other protocols are left out") {
    const auto l = listen_on({{.host = "127.0.0.1"},
                              {.host = "localhost"},
                              {.host = "lo"},
                              {.proto = Proto::tcp, .host = "127.0.0.1"},
                              {.proto = Proto::tls, .host = "127.0.0.1"}},
                             {.tcp = false});
    CHECK(l.left_out == 2);
    CHECK(l.listeners[0].address.text() == "127.0.0.1:5060");
    for (std::size_t i = 0; i < l.listeners.size(); ++i) CHECK(l.listeners[i].index == i);
    CHECK(std::count_if(l.listeners.begin(), l.listeners.end(),
                        [](const Listener& one) { return one.address.version == 4; }) == 1);
}

TEST_CASE("without a protocol it is UDP and TCP, in this order") {
    const auto l = listen_on({{.proto = Proto::tcp, .host = "127.0.0.1", .port = 5070},
                              {.host = "127.0.0.1"},
                              {.proto = Proto::udp, .host = "127.0.0.1", .port = 5080}});
    REQUIRE(l.listeners.size() == 4);
    CHECK(l.listeners[0].uri_text == "udp:127.0.0.1:5060");
    CHECK(l.listeners[1].uri_text == "udp:127.0.0.1:5080");
    CHECK(l.listeners[2].uri_text == "tcp:127.0.0.1:5070");
    CHECK(l.listeners[3].uri_text == "tcp:127.0.0.1:5060");
    for (std::size_t i = 0; i < l.listeners.size(); ++i) CHECK(l.listeners[i].index == i);
    CHECK(listen_on({{.host = "127.0.0.1"}}, {.tcp = false}).listeners.size() == 1);
}

TEST_CASE("TLS has a port of its own") {
    const net::ListenDefaults with_tls{.port = 5070, .tls_port = 5099, .tls = true};
    auto l = listen_on({{.host = "127.0.0.1"}}, with_tls);
    REQUIRE(l.listeners.size() == 3);
    CHECK(l.listeners[1].uri_text == "tcp:127.0.0.1:5070");
    CHECK(l.listeners[2].uri_text == "tls:127.0.0.1:5099");
    // A port for all of them: the next one.
    l = listen_on({{.host = "127.0.0.1", .port = 6000},
                   {.proto = Proto::tls, .host = "127.0.0.1", .port = 7000}},
                  with_tls);
    REQUIRE(l.listeners.size() == 4);
    CHECK(l.listeners[2].uri_text == "tls:127.0.0.1:6001");
    CHECK(l.listeners[3].uri_text == "tls:127.0.0.1:7000");
    l = listen_on({{.proto = Proto::tls, .host = "127.0.0.1"}, {.host = "127.0.0.1"}},
                  {.tcp = false, .tls = true});
    CHECK(l.listeners.size() == 1);
    CHECK(l.left_out == 1);
    CHECK(listen_on({{.proto = Proto::tls, .host = "127.0.0.1"}}, {.tls = true})
              .listeners[0]
              .via_sent_by == "127.0.0.1");
}

TEST_CASE("localhost needs no hosts file (RFC 6761 6.3)") {
    // A name that no file has: it stands for "localhost" itself, which most files have.
    const auto l = listen_on({{.host = "fairlead-test.localhost"}});
    CHECK(std::any_of(l.listeners.begin(), l.listeners.end(),
                      [](const Listener& one) { return one.address.is_loopback(); }));
}

TEST_CASE("no wish means the interfaces") {
    const auto l = listen_on({});
    CHECK(std::any_of(l.listeners.begin(), l.listeners.end(),
                      [](const Listener& one) { return one.address.is_loopback(); }));
}

TEST_CASE("an unknown host and nothing to listen on are errors") {
    CHECK_FALSE(make_listeners({{.host = "no-such-interface0.invalid"}}, {}));
    CHECK_FALSE(make_listeners({{.proto = Proto::tls, .host = "127.0.0.1"}}, {}));
}

TEST_CASE("the forms of -l") {
    const auto one = [](std::string_view text) {
        const auto wishes = parse_listen_option(text);
        REQUIRE(wishes);
        REQUIRE(wishes->size() == 1);
        return wishes->front();
    };
    CHECK(one("lo").host == "lo");
    CHECK_FALSE(one("lo").proto);
    CHECK(one("udp:127.0.0.1:5080").port == 5080);
    CHECK(one("udp:127.0.0.1:5080").proto == Proto::udp);
    CHECK(one("[::1]:5080").host == "[::1]");
    CHECK(one("::1").host == "::1");
    CHECK(one("eth0:5062").host == "eth0");
    CHECK(one("udp:127.0.0.1:5080/1.2.3.4:5060").advertised_host == "1.2.3.4");
    CHECK(one("udp:127.0.0.1:5080/1.2.3.4:5060").advertised_port == 5060);
    const auto list = parse_listen_option("udp:(eth0, eth1, 127.0.0.1):5065");
    REQUIRE(list);
    REQUIRE(list->size() == 3);
    CHECK((*list)[1].host == "eth1");
    CHECK((*list)[2].port == 5065);
    CHECK_FALSE(parse_listen_option("udp:127.0.0.1:notaport"));
    CHECK_FALSE(parse_listen_option("(a,"));
    CHECK_FALSE(parse_listen_option(""));
}

TEST_CASE("own names") {
    OwnNames names;
    names.add("127.0.0.1", 5060, Proto::udp);
    names.add("Example.COM", 0, Proto::none);
    names.add("[2001:DB8::1]", 5080, Proto::udp);
    names.add("example.com", 0, Proto::none);
    CHECK(names.all().size() == 3);
    CHECK(names.contains("127.0.0.1", 5060, Proto::udp));
    CHECK(names.contains("127.0.0.1", 0, Proto::none));
    CHECK_FALSE(names.contains("127.0.0.1", 5061, Proto::udp));
    CHECK_FALSE(names.contains("127.0.0.1", 5060, Proto::tcp));
    CHECK(names.contains("EXAMPLE.com", 9999, Proto::tls));
    CHECK(names.contains("2001:db8:0::1", 5080, Proto::none));
    CHECK(names.contains("[2001:db8::1]", 0, Proto::udp));
    CHECK_FALSE(names.contains("example.org", 0, Proto::none));
    CHECK_FALSE(OwnNames().contains("a", 0, Proto::none));
}

TEST_CASE("many own names are all found") {
    OwnNames names;
    for (int i = 0; i < 500; ++i) names.add("h" + std::to_string(i) + ".test", 0, Proto::none);
    for (int i = 0; i < 500; ++i)
        CHECK(names.contains("H" + std::to_string(i) + ".TEST", 5060, Proto::udp));
    CHECK_FALSE(names.contains("h500.test", 0, Proto::none));
}
