// kex: flags, the destination URI and own addresses.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

TEST_CASE("script flags") {
    OneRequest server({"kex"});
    server.start();
    server.run(Request("OPTIONS"), [&](Message& m) {
        CHECK(server.call(m, "issflagset", {31}) == -1);
        CHECK(server.call(m, "setsflag", {31}) == 1);
        CHECK(server.call(m, "issflagset", {31}) == 1);
        CHECK(server.call(m, "issflagset", {30}) == -1);
        CHECK(server.call(m, "resetsflag", {31}) == 1);
        CHECK(server.call(m, "issflagset", {31}) == -1);
        CHECK(server.call(m, "setsflag", {32}) == -1);
        CHECK(server.call(m, "setsflag", {-1}) == -1);
    });
}

TEST_CASE("branch flags belong to one branch") {
    OneRequest server({"kex"});
    server.start();
    server.run(Request("OPTIONS"), [&](Message& m) {
        m.append_branch({.uri = "sip:a@b"});
        CHECK(server.call(m, "setbflag", {3, 1}) == 1);
        CHECK(server.call(m, "isbflagset", {3, Value()}) == -1);
        CHECK(server.call(m, "isbflagset", {3, 1}) == 1);
        CHECK(m.branches[0].flags == 8);
        CHECK(server.call(m, "setbflag", {4, Value()}) == 1);
        CHECK(m.target.flags == 16);
        CHECK(server.call(m, "resetbflag", {3, 1}) == 1);
        CHECK(m.branches[0].flags == 0);
        CHECK(server.call(m, "setbflag", {3, 2}) == -1);
    });
}

TEST_CASE("the destination URI is set and forgotten") {
    OneRequest server({"kex"});
    server.start();
    server.run(Request("OPTIONS"), [&](Message& m) {
        CHECK(server.call(m, "isdsturiset") == -1);
        CHECK(server.call(m, "setdsturi", {"sip:192.0.2.7"sv}) == 1);
        CHECK(server.call(m, "isdsturiset") == 1);
        CHECK(m.next_hop() == "sip:192.0.2.7");
        CHECK(server.call(m, "resetdsturi") == 1);
        CHECK(m.next_hop() == m.uri());
    });
}

TEST_CASE("is_myself takes URIs and bare addresses; a port counts only if given") {
    OneRequest server({"kex"});
    server.start();
    const auto ours = [&](std::string_view uri) {
        return server.code(Request("OPTIONS"), "is_myself", {uri});
    };
    CHECK(ours("sip:bob@127.0.0.1:5060") == 1);
    CHECK(ours("sip:127.0.0.1") == 1);
    CHECK(ours("sip:127.0.0.1:5061") == -1);
    CHECK(ours("127.0.0.1") == 1);
    CHECK(ours("sip:[::1]:5060") == 1);
    CHECK(ours("sip:192.0.2.1") == -1);
}

TEST_CASE("$sruid is another one each time") {
    OneRequest server({"kex"});
    server.start();
    server.run(Request("OPTIONS"), [&](Message& m) {
        const std::string first(server.variable(m, "sruid").string());
        CHECK(first == "srid-6553f4e8-1-1");  // start of the server, process, count
        CHECK(server.variable(m, "sruid").string() == "srid-6553f4e8-1-2"sv);
    });
}
