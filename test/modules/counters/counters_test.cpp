// counters and statistics: what the script counts.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

void run(ModuleHost& server, const std::string& params, const std::string& statements) {
    server.config("loadmodule \"counters\"\nloadmodule \"statistics\"\n" + params +
                  "request_route { " + statements + " }");
    server.start();
    server.receive(Request("OPTIONS").str());
}

constexpr const char* kDeclared =
    "modparam(\"counters\", \"script_counter\", \"reqs\")\n"
    "modparam(\"counters\", \"script_counter\", \"out.reqs:forwarded requests\")\n"
    "modparam(\"statistics\", \"variable\", \"calls\")\n"
    "modparam(\"statistics\", \"variable\", \"kept/no_reset\")\n";

}  // namespace

TEST_CASE("script counters are added to and reset") {
    ModuleHost server;
    run(server, kDeclared,
        "cnt_inc(\"reqs\"); cnt_add(\"out.reqs\", 10); cnt_inc(\"out.reqs\");"
        " cnt_add(\"reqs\", 4); cnt_reset(\"reqs\"); cnt_inc(\"script.reqs\");");
    CHECK(server.statistic("script", "reqs") == 1);
    CHECK(server.statistic("out", "reqs") == 11);
}

TEST_CASE("a counter that was not declared ends the start") {
    ModuleHost server;
    CHECK_THROWS_WITH(run(server, kDeclared, "cnt_inc(\"none\");"),
                      Catch::Contains("no script_counter declares"));
    ModuleHost nameless;
    CHECK_THROWS_WITH(run(nameless, "modparam(\"counters\", \"script_counter\", \"a.\")\n", ""),
                      Catch::Contains("declares no counter"));
}

TEST_CASE("statistics are updated and reset by name") {
    ModuleHost server;
    run(server, kDeclared,
        "update_stat(\"calls\", \"+3\"); update_stat(\"calls\", \"-1\");"
        " update_stat(\"kept\", \"5\"); if (!reset_stat(\"kept\")) update_stat(\"calls\", \"10\");"
        " if (!update_stat(\"none\", \"1\")) update_stat(\"calls\", \"100\");");
    CHECK(server.statistic("script", "calls") == 112);
    CHECK(server.statistic("script", "kept") == 5);
    ModuleHost other;
    run(other, kDeclared, "update_stat(\"calls\", \"3\"); reset_stat(\"calls\");");
    CHECK(other.statistic("script", "calls") == 0);
}

TEST_CASE("a statistic's flag is no_reset") {
    ModuleHost server;
    CHECK_THROWS_WITH(run(server, "modparam(\"statistics\", \"variable\", \"a/b\")\n", ""),
                      Catch::Contains("no_reset"));
}
