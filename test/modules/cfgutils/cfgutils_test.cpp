// cfgutils: chance, flags, locks, routes by name.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// The letters of the conditions that hold, in the To header's display of what is forwarded.
std::string told(const std::string& statements, const std::string& more = "") {
    ModuleHost server;
    server.config(
        "loadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule \"cfgutils\"\n"
        "modparam(\"cfgutils\", \"lock_set_size\", 4)\n"
        "modparam(\"cfgutils\", \"initial_gflags\", 2)\n" +
        more + "\nrequest_route { $var(t) = \"\"; " + statements +
        " append_hf(\"X-T: $var(t)-\\r\\n\"); forward(); }\n"
        "route[JUMP] { $var(t) = $var(t) + \"j\"; return 7; }\n"
        "route[LOOP] { $var(t) = $var(t) + \"l\"; route_if_exists(\"LOOP\"); return; }\n"
        "route[LEAVE] { append_hf(\"X-T: left\\r\\n\"); forward(); exit; }");
    server.start();
    server.receive(Request("OPTIONS").str());
    return header(server.take().bytes, "X-T").value_or("none");
}
std::string yes(const std::string& condition) {
    return "if (" + condition +
           ") { $var(t) = $var(t) + \"y\"; } else { $var(t) = $var(t) + \"n\"; } ";
}

}  // namespace

TEST_CASE("chance") {
    CHECK(told(yes("rand_set_prob(\"100\")") + yes("rand_event()") + yes("rand_set_prob(\"0\")") +
               yes("rand_event()") + yes("rand_set_prob(\"101\")") + yes("rand_get_prob()")) ==
          "yyynnn-");
    CHECK(told("rand_set_prob(\"40\"); rand_get_prob(); $var(t) = $rc;") == "40-");
    CHECK(told("rand_set_prob(\"40\"); rand_reset_prob(); rand_get_prob(); $var(t) = $rc;") ==
          "10-");
    CHECK(told(yes("$RANDOM >= 0") + yes("$RANDOM < 2147483648")) == "yy-");
}

TEST_CASE("global flags") {
    CHECK(told(yes("is_gflag(\"1\")") + yes("is_gflag(\"31\")") + "set_gflag(\"31\");" +
               yes("is_gflag(\"31\")") + "reset_gflag(\"31\");" + yes("is_gflag(\"31\")") +
               yes("set_gflag(\"32\")") + yes("is_gflag(\"-1\")")) == "ynynnn-");
}

TEST_CASE("locks are taken once, given back, and freed behind the message") {
    CHECK(told(yes("trylock(\"a\")") + yes("trylock(\"a\")") + yes("lock(\"a\")") +
               yes("unlock(\"a\")") + yes("unlock(\"a\")") + yes("trylock(\"a\")")) == "ynyyny-");
    ModuleHost server;
    server.config(
        "loadmodule \"cfgutils\"\nmodparam(\"cfgutils\", \"lock_set_size\", 1)\n"
        "request_route { if (trylock(\"a\")) forward(); }");
    server.start();
    server.receive(Request("OPTIONS").call_id("1").str());
    server.receive(Request("OPTIONS").call_id("2").str());
    CHECK(server.pending() == 2);
    CHECK(server.statistic("cfgutils", "lock_conflicts") == 0);
}

TEST_CASE("routes by name") {
    CHECK(told(yes("check_route_exists(\"JUMP\")") + yes("check_route_exists(\"NONE\")") +
               yes("check_route_exists(\"\")")) == "ynn-");
    CHECK(told("route_if_exists(\"JUMP\"); $var(t) = $var(t) + $rc;") == "j7-");
    CHECK(told(yes("route_if_exists(\"NONE\")")) == "n-");
    CHECK(told("route_if_exists(\"LEAVE\");") == "left");
    CHECK(told("route_if_exists(\"LOOP\");") == std::string(16, 'l') + "-");
}

TEST_CASE("core_hash depends on both texts and stays within its size") {
    CHECK(told("core_hash(\"a\", \"b\", 8); $var(x) = $rc; core_hash(\"a\", \"b\", 8);" +
               yes("$var(x) == $rc") + yes("$var(x) > 0") + yes("$var(x) <= 256") +
               yes("core_hash(\"a\", \"\", 0)")) == "yyyn-");
}

TEST_CASE("what would make a worker wait is refused when the configuration is read") {
    for (const std::string call : {"sleep(\"1\");", "usleep(\"10\");"}) {
        CHECK_THROWS_WITH(told(call), Catch::Contains("a worker that sleeps serves nobody"));
    }
}

TEST_CASE("a file that cannot be hashed ends the start") {
    CHECK_THROWS_WITH(told("", "modparam(\"cfgutils\", \"hash_file\", \"/none/at/all\")"),
                      Catch::Contains("cannot be read"));
}
