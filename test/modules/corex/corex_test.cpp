// corex: added branches and the socket a request leaves from.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

TEST_CASE("a branch takes URI, q and the next hop") {
    OneRequest server({"corex"});
    server.start();
    server.run(Request("INVITE"), [&](Message& m) {
        m.target.dst_uri = "sip:192.0.2.7";
        CHECK(server.call(m, "append_branch", {"sip:a@192.0.2.8"sv, "0.5"sv}) == 1);
        REQUIRE(m.branch_count == 1);
        CHECK(m.branches[0].uri == "sip:a@192.0.2.8");
        CHECK(m.branches[0].q == 500);
        CHECK(m.branches[0].dst_uri == "sip:192.0.2.7");
        CHECK(m.target.dst_uri == "sip:192.0.2.7");
    });
}

TEST_CASE("without URI the branch is where the request points, and $du goes with it") {
    OneRequest server({"corex"});
    server.start();
    server.run(Request("INVITE", "sip:bob@192.0.2.2"), [&](Message& m) {
        m.target.dst_uri = "sip:192.0.2.7";
        CHECK(server.call(m, "append_branch", {Value(), Value()}) == 1);
        CHECK(m.branches[0].uri == "sip:bob@192.0.2.2");
        CHECK(m.branches[0].dst_uri == "sip:192.0.2.7");
        CHECK(m.branches[0].q == kNoQ);
        CHECK(m.target.dst_uri.empty());
    });
}

TEST_CASE("what is no q-value adds nothing") {
    OneRequest server({"corex"});
    server.start();
    for (const std::string_view q : {"2", "1.001", "0.1234", "x", ".5"}) {
        server.run(Request("INVITE"), [&](Message& m) {
            INFO(q);
            CHECK(server.call(m, "append_branch", {"sip:a@192.0.2.8"sv, q}) == -1);
            CHECK(m.branch_count == 0);
        });
    }
    server.run(Request("INVITE"), [&](Message& m) {
        CHECK(server.call(m, "append_branch", {"sip:a@192.0.2.8"sv, "1.000"sv}) == 1);
        CHECK(m.branches[0].q == 1000);
    });
}

TEST_CASE("max_branches counts the request's own") {
    OneRequest server({"corex"});
    server.globals.max_branches = 3;
    server.start();
    server.run(Request("INVITE"), [&](Message& m) {
        CHECK(server.call(m, "append_branch", {"sip:a@192.0.2.8"sv, Value()}) == 1);
        CHECK(server.call(m, "append_branch", {"sip:b@192.0.2.8"sv, Value()}) == 1);
        CHECK(server.call(m, "append_branch", {"sip:c@192.0.2.8"sv, Value()}) == -1);
        CHECK(m.error == ScriptError::too_many_branches);
        CHECK(m.branch_count == 2);
    });
}

TEST_CASE("sockets are chosen by address and by name") {
    OneRequest server({"corex"});
    server.net.listen("udp:127.0.0.1:5060", "inside");
    server.net.listen("udp:127.0.0.1:5070", "outside");
    server.start();
    server.run(Request("INVITE"), [&](Message& m) {
        CHECK(server.call(m, "set_send_socket", {"udp:127.0.0.1:5070"sv}) == 1);
        CHECK(m.target.listener == 1);
        CHECK(server.call(m, "set_send_socket_name", {"inside"sv}) == 1);
        CHECK(m.target.listener == 0);
        CHECK(server.call(m, "set_send_socket_name", {"nowhere"sv}) == -1);
        CHECK(server.call(m, "set_send_socket", {"udp:127.0.0.1:5080"sv}) == -1);
        CHECK(server.call(m, "is_socket_name", {"outside"sv}) == 1);
        CHECK(server.call(m, "is_socket_name", {""sv}) == -1);
    });
}
