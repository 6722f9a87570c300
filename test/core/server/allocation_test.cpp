// In steady state a message costs no call to the system's allocator.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/counted_new.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

TEST_CASE("a forwarded request and a relayed reply allocate nothing") {
    ModuleHost host;
    int forwarded = 0;
    host.route(Route::request, "", [&](Message& m) {
        if (host.engine().forward(m) == ScriptError::none) ++forwarded;
        return RouteResult{};
    });
    host.start();
    const std::string request = Request("INVITE").header("Subject", "x").str();
    host.receive(request);
    const std::string answer = reply(host.take().bytes, 200, "OK");
    host.net.verdict = Sent::queue_full;  // the fake keeps nothing then

    const auto send = [&](const std::string& bytes) { host.receive(bytes); };
    for (int i = 0; i < 3; ++i) send(request), send(answer);
    const std::uint64_t before = allocations();
    for (int i = 0; i < 10; ++i) send(request), send(answer);
    CHECK(allocations() == before);
    CHECK(host.statistic("core", "rcv_requests") == 14);
}
