// Warnings: what does nothing, or not what it seems to do. They never stop a program.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/cfg/script_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

using Lines = std::vector<std::string>;

Lines warnings_in(const std::string& body) {
    return warnings("request_route {\n" + body + "\n}\n");
}

}  // namespace

TEST_CASE("a break outside of while and switch is pointed at") {
    const auto found = warnings_in("if (code(5)) break;");
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("leaves the route") != std::string::npos);
    CHECK(warnings_in("while (code(5)) { break; }").empty());
}

TEST_CASE("a function compared with its code") {
    const Lines one{"2:5: code() is 1 or 0 in an expression, never its return code"};
    CHECK(warnings_in("if (code(5) == 1) exit;") == one);
    CHECK(warnings_in("if (code(5) != -1) exit;") == one);
    CHECK(warnings_in("if (code(5) < 0) exit;") == one);
    CHECK(warnings_in("if (5 > code(5)) exit;") ==
          Lines{"2:9: code() is 1 or 0 in an expression, never its return code"});
    CHECK(warnings("request_route {\nif (route(A) == 5) exit;\n}\nroute[A] { exit; }\n") ==
          Lines{"2:5: route() is 1 or 0 in an expression, never its return code"});
    CHECK(warnings_in("if (code(5)) exit;\n$var(x) = code(5);\nif ($var(x) == 5) exit;").empty());
    CHECK(warnings_in("if (code(5) && !code(1)) exit;").empty());
}

TEST_CASE("an assignment where a comparison may be meant") {
    CHECK(warnings_in("if ($var(a) = 1) exit;") == Lines{"2:5: this assigns"});
    CHECK(warnings_in("if (($var(a) = 1) == 1) exit;").empty());
}

TEST_CASE("a route that says 0 to its caller") {
    CHECK(warnings("request_route { route(A); }\nroute[A] {\nreturn 0;\n}\n") ==
          Lines{"3:1: return 0 ends the whole script"});
    CHECK(warnings_in("return 0;").empty());
    CHECK(warnings("request_route { route(A); }\nroute[A] { return -1; }\n").empty());
}

TEST_CASE("routes that nobody names") {
    CHECK(warnings("request_route { exit; }\nroute[A] { exit; }\n") ==
          Lines{"2:1: route[A] is never used"});
    CHECK(warnings("request_route { route(A); }\nroute[A] { exit; }\n").empty());
    CHECK(warnings("request_route { $var(x) = \"A\"; route($var(x)); }\nroute[A] { exit; }\n")
              .empty());
    CHECK(warnings("request_route { say(\"A\"); }\nroute[A] { exit; }\n").empty());
    CHECK(warnings("request_route { exit; }\nfailure_route[F] { exit; }\n") ==
          Lines{"2:1: failure_route[F] is never used"});
    CHECK(warnings("request_route { arm(\"F\"); }\nfailure_route[F] { exit; }\n").empty());
    CHECK(warnings("reply_route { exit; }\nonsend_route { drop; }\n").empty());
}

TEST_CASE("statements behind an end") {
    CHECK(warnings_in("exit;\nsay(\"x\");\nsay(\"y\");") == Lines{"3:1: this is never reached"});
    CHECK(warnings_in("if (1) { return 1;\ndrop; }\nexit;") == Lines{"3:1: this is never reached"});
    CHECK(warnings_in("while (1) { break;\nexit; }") == Lines{"3:1: this is never reached"});
    CHECK(warnings_in("switch (1) {\ncase 1: exit;\nbreak;\ndefault: drop;\n}").empty());
    CHECK(warnings_in("if (1) exit;\nsay(\"x\");").empty());
}

TEST_CASE("variables that nothing writes") {
    CHECK(warnings_in("if ($var(cuont) == 5) exit;\n$var(count) = 5;") ==
          Lines{"2:5: $var(cuont) is read but never written"});
    CHECK(warnings_in("say(\"a $var(y)\");") == Lines{"2:8: $var(y) is read but never written"});
    CHECK(warnings_in("put(\"$var(y)\", 1);\nsay(\"$var(y)\");").empty());
    CHECK(warnings_in("$var(a) = 1;\n$var(a) = $var(a) + 1;").empty());
    CHECK(warnings_in("$var(a) = $var(b);") == Lines{"2:11: $var(b) is read but never written"});
    CHECK(warnings_in("$var($rm) = 1;\nsay(\"$var(b)\");").empty());
    CHECK(warnings_in("if ($rm == $at) exit;").empty());
}

TEST_CASE("warnings stop nothing") {
    ScriptHost host;
    CHECK(host.compile("request_route { exit; say(\"$var(x)\"); }\nroute[A] { return 0; }\n"));
    CHECK(host.diagnostics.errors() == 0);
    CHECK(host.diagnostics.all().size() == 4);
}

TEST_CASE("what is left out says why") {
    CHECK(first_error("request_route {\nexec(\"ls\");\n}\n") == "2:1: exec is left out");
    ScriptHost host;
    (void)host.compile(
        "request_route {\n isavpflagset(\"a\", 1);\n ds_select_dst(1, 2); sqlx();\n}\n");
    const auto& all = host.diagnostics.all();
    REQUIRE(all.size() == 3);
    CHECK(all[0].hint.find("no flags here") != std::string::npos);
    CHECK(all[1].hint == "ds_select_dst is in module dispatcher, which is not loaded");
    CHECK(all[2].hint.empty());
}
