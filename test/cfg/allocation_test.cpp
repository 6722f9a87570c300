// Running a script asks the system for no memory once it is warm.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/cfg/script_host.h"
#include "test/support/counted_new.h"

using fairlead::test::allocations;

TEST_CASE("statements and expressions do not allocate") {
    fairlead::test::ScriptHost host;
    host.run(R"cfg(
        $var(i) = 0; $var(p) = "^O";
        while ($var(i) < 3) { $var(i) = $var(i) + 1; }
        $var(s) = "sip:" + $rm + "@" + $var(i);
        if ($rm =~ "^opt" && method == "OPTIONS" || src_ip == 10.0.0.0/8) quiet("x $rm $var(s)");
        switch ($rm) { case "INVITE": exit; case /"^OPT": quiet("y", $var(i) + 1); break; }
        if ($rm =~ $var(p)) quiet("$(rm{s.tolower}{s.substr,0,3})");
        $var(r) = route(A);
        if (matches("^$rm", $rm)) later("never made: $var(s)", 0);
    )cfg",
             "route[A] { if (strlen($rm) > 3) return 7; return -1; }");
    const auto again = [&host] {
        host.arena.reset();
        host.run_again();
    };
    for (int i = 0; i < 10; ++i) again();
    const int before_calls = host.toy().quiet_calls;
    const std::uint64_t before = allocations();
    for (int i = 0; i < 1000; ++i) again();
    CHECK(allocations() - before == 0);
    CHECK(host.toy().quiet_calls - before_calls == 3000);
}
