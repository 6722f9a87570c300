// maxfwd: hops are taken off, added and refused.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;

TEST_CASE("a hop is taken off") {
    OneRequest server({"maxfwd"});
    server.start();
    CHECK(server.code(Request("OPTIONS").max_forwards(12), "mf_process_maxfwd_header", {10}) == 1);
    CHECK(header(server.last, "Max-Forwards") == "11");
}

TEST_CASE("a request without Max-Forwards gets it") {
    OneRequest server({"maxfwd"});
    server.start();
    CHECK(server.code(Request("OPTIONS").without("Max-Forwards"), "process_maxfwd", {10}) == 2);
    CHECK(headers(server.last, "Max-Forwards") == std::vector<std::string>{"10"});
}

TEST_CASE("no hop is left") {
    OneRequest server({"maxfwd"});
    server.start();
    CHECK(server.code(Request("OPTIONS").max_forwards(0), "maxfwd_process", {10}) == -1);
}

TEST_CASE("max_limit bounds what leaves") {
    OneRequest server({"maxfwd"});
    server.param("maxfwd", "max_limit", 32);
    server.start();
    CHECK(server.code(Request("OPTIONS").max_forwards(200), "maxfwd_process", {10}) == 1);
    CHECK(header(server.last, "Max-Forwards") == "32");
}

TEST_CASE("called twice, it takes one hop") {
    OneRequest server({"maxfwd"});
    server.start();
    const std::string out = server.run(Request("OPTIONS").max_forwards(12), [&](Message& m) {
        server.call(m, "maxfwd_process", {10});
        CHECK(server.call(m, "maxfwd_process", {10}) == 1);
    });
    CHECK(header(out, "Max-Forwards") == "11");
}

TEST_CASE("is_maxfwd_lt compares with what will leave") {
    OneRequest server({"maxfwd"});
    server.start();
    server.run(Request("OPTIONS").max_forwards(5), [&](Message& m) {
        CHECK(server.call(m, "is_maxfwd_lt", {5}) == -1);
        server.call(m, "maxfwd_process", {10});
        CHECK(server.call(m, "is_maxfwd_lt", {5}) == 1);
        CHECK(server.call(m, "is_maxfwd_lt", {4}) == -1);
    });
    CHECK(server.code(Request("OPTIONS").without("Max-Forwards"), "is_maxfwd_lt", {5}) == -2);
}
