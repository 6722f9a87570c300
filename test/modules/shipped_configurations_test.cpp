// The configurations that ship: what they answer, relay and refuse.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr std::string_view kHere = "127.0.0.1:5099", kOutside = "192.0.2.1:5060";

std::string file(const std::string& name) {
    std::ifstream in(FAIRLEAD_SOURCE_ROOT "/cfg/" + name);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Shipped : ModuleHost {
    explicit Shipped(const std::string& name) : ModuleHost(32 << 20) {
        config(file(name));
        start();
    }
    /// Start lines of all that is sent for a request.
    std::vector<std::string> sent(const Request& request, std::string_view from) {
        receive(request.str(), from);
        std::vector<std::string> lines;
        while (pending() != 0) lines.push_back(start_line(take().bytes));
        return lines;
    }
};

using Lines = std::vector<std::string>;

/// Each a transaction of its own.
Request request(std::string_view method, std::string_view uri, std::string_view from) {
    static int count = 0;
    Request r(method, uri);
    return r.via("SIP/2.0/UDP " + std::string(from) + ";branch=z9hG4bK" + std::to_string(++count));
}

}  // namespace

TEST_CASE("fairlead.cfg answers OPTIONS for itself, to everybody") {
    Shipped server("fairlead.cfg");
    for (const auto from : {kHere, kOutside}) {
        CHECK(server.sent(request("OPTIONS", "sip:127.0.0.1", from), from) ==
              Lines{"SIP/2.0 200 OK"});
    }
}

TEST_CASE("fairlead.cfg knows no users of its own") {
    Shipped server("fairlead.cfg");
    CHECK(server.sent(request("INVITE", "sip:bob@127.0.0.1", kHere), kHere) ==
          Lines{"SIP/2.0 404 Not Found"});
}

TEST_CASE("fairlead.cfg relays by Request-URI for this machine only") {
    Shipped server("fairlead.cfg");
    const std::string uri = "sip:bob@192.0.2.9";
    CHECK(server.sent(request("MESSAGE", uri, kHere), kHere) ==
          Lines{"MESSAGE sip:bob@192.0.2.9 SIP/2.0"});
    CHECK(server.sent(request("MESSAGE", uri, kOutside), kOutside) ==
          Lines{"SIP/2.0 403 Not relaying"});
    CHECK(server.sent(request("ACK", uri, kOutside), kOutside).empty());
}

TEST_CASE("fairlead.cfg: a To-tag and a Route of ours do not open the relay") {
    Shipped server("fairlead.cfg");
    const auto ask = [&](std::string_view from, std::string_view uri) {
        return server.sent(
            request("BYE", uri, from).to_tag("x").header("Route", "<sip:127.0.0.1;lr>"), from);
    };
    CHECK(ask(kOutside, "sip:bob@192.0.2.9") == Lines{"SIP/2.0 403 Not relaying"});
    CHECK(ask(kHere, "sip:bob@192.0.2.9") == Lines{"BYE sip:bob@192.0.2.9 SIP/2.0"});
}

TEST_CASE("fairlead.cfg lets the other side of a dialog through to this machine") {
    Shipped server("fairlead.cfg");
    for (const std::string uri :
         {"sip:alice@127.0.0.1:5099", "sip:127.0.0.9", "sip:alice@[::1]:99"}) {
        const auto got = server.sent(
            request("BYE", uri, kOutside).to_tag("x").header("Route", "<sip:127.0.0.1;lr>"),
            kOutside);
        INFO(uri);
        REQUIRE(got.size() == 1);
        CHECK(got.front() == "BYE " + uri + " SIP/2.0");
    }
    for (const std::string uri : {"sip:127.0.0.1@192.0.2.9", "sip:a@127.example.com",
                                  "sip:127.0.0.1.example.com", "sip:x@127.0.0.1@192.0.2.9"}) {
        const auto got = server.sent(
            request("BYE", uri, kOutside).to_tag("x").header("Route", "<sip:127.0.0.1;lr>"),
            kOutside);
        INFO(uri);
        REQUIRE(got.size() == 1);
        CHECK(got.front().starts_with("SIP/2.0 4"));
    }
}

TEST_CASE("fairlead.cfg stays on the route of dialogs") {
    Shipped server("fairlead.cfg");
    server.receive(request("INVITE", "sip:bob@192.0.2.9", kHere).from_tag("ft").str(), kHere);
    std::string invite;
    while (server.pending() != 0) {
        std::string bytes = server.take().bytes;
        if (bytes.starts_with("INVITE")) invite = std::move(bytes);
    }
    CHECK(header(invite, "Record-Route") == "<sip:127.0.0.1;lr;ftag=ft>");
    CHECK(header(invite, "Max-Forwards") == "69");
}

TEST_CASE("every shipped configuration refuses a request that has no hop left") {
    for (const std::string name : {"fairlead.cfg", "examples/relay.cfg"}) {
        Shipped server(name);
        CHECK(server.sent(request("OPTIONS", "sip:bob@192.0.2.9", kHere).max_forwards(0), kHere) ==
              Lines{"SIP/2.0 483 Too Many Hops"});
        CHECK(
            server.sent(request("ACK", "sip:bob@192.0.2.9", kHere).max_forwards(0), kHere).empty());
    }
}

TEST_CASE("relay.cfg sends everything to its target") {
    Shipped server("examples/relay.cfg");
    server.receive(request("MESSAGE", "sip:bob@192.0.2.9", kOutside).str(), kOutside);
    const Packet packet = server.take();
    CHECK(start_line(packet.bytes) == "MESSAGE sip:bob@192.0.2.9 SIP/2.0");
    CHECK(packet.target.address == address("127.0.0.1:5080"));
}

TEST_CASE("minimal.cfg answers everything but ACK") {
    Shipped server("examples/minimal.cfg");
    CHECK(server.sent(request("INVITE", "sip:x@y", kOutside), kOutside) == Lines{"SIP/2.0 200 OK"});
    CHECK(server.sent(request("ACK", "sip:x@y", kOutside), kOutside).empty());
}
