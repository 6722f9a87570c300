// What scripts do: values, operators, conditions, routes and how they end.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/cfg/script_host.h"

using namespace fairlead;
using test::errors_in;
using test::first_error;
using test::ScriptHost;

namespace {

std::string value(std::string_view expression) {
    return ScriptHost().value(expression);
}
std::string said(std::string_view body, std::string_view before = {}) {
    return ScriptHost().said(body, before);
}

}  // namespace

TEST_CASE("expressions: what each gives") {
    struct Row {
        const char *expression, *result;
    };
    const Row rows[] = {
        {"\"5\" == 5", "1"},
        {"\"a\" + 1", "a1"},
        {"\"10\" + 1", "101"},
        {"1 << 4 | 1", "17"},
        {"7 mod 3", "1"},
        {"-7 / 2", "-3"},
        {"0x10 + 010", "24"},
        {"101b", "5"},
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"10 - 3 - 2", "5"},
        {"2 | 4 ^ 4 & 6", "2"},
        {"1 or 0 and 0", "1"},
        {"not 0", "1"},
        {"!5", "0"},
        {"!(-1)", "0"},
        {"~1", "-2"},
        {"3 > 2 == 1", "1"},
        {"\"abc\" =~ \"B\"", "1"},
        {"\"OPTIONS\" =~ \"^opt\"", "1"},
        {"\"abc\" =~ \"^b\"", "0"},
        {"\"a\" eq \"a\"", "1"},
        {"\"a\" ne \"a\"", "0"},
        {"1 ieq 1", "1"},
        {"(int)\"12\" + 1", "13"},
        {"(str)5 + 6", "56"},
        {"strlen(\"abc\") + strempty(\"\")", "4"},
        {"selval(1 > 2, \"yes\", \"no\")", "no"},
        {"$null + 5", "5"},
        {"$null + \"5\"", "5"},
        {"3 + $null", "3"},
        {"\"x\" + $null", "x"},
        {"$nil == \"\"", "1"},
        {"$nil == 0", "1"},
        {"\"\" == $nil", "1"},
        {"0 == $nil", "1"},
        {"$nil =~ \"x*\"", "1"},
        {"$nil == $null", "1"},
        {"$rm != $null", "1"},
        {"defined $nil", "0"},
        {"defined $rm", "1"},
        {"$gone == $null", "1"},
        {"$rm == \"OPTIONS\" && 2", "1"},
        {"2 && 4", "1"},
        {"yes", "1"},
        {"off", "0"},
        {"9223372036854775807 + 1", "-9223372036854775808"},
        {"\"a\" \"b\"", "ab"},
        {"'\\n'", "\\n"},
        {"\"x\\x41\\102\\\\\\\"\"", "xAB\\\""},
        {"\"^a\\.b\"", "^a\\.b"},
        {"\"plain $rm\"", "plain $rm"},
        {"5 > $nil", "1"},
    };
    for (const Row& row : rows) {
        INFO(row.expression);
        CHECK(value(row.expression) == row.result);
    }
}

TEST_CASE("words of expressions compare without case, variables with it") {
    CHECK(value("method == \"options\"") == "1");
    CHECK(value("method == OPTIONS") == "1");
    CHECK(value("method != \"INVITE\"") == "1");
    CHECK(value("$rm == \"options\"") == "0");
    CHECK(value("uri == \"SIP:BOB@EXAMPLE.ORG:5070;transport=udp\"") == "1");
    CHECK(value("from_uri =~ \"alice\"") == "1");
    CHECK(value("proto == UDP") == "1");
    CHECK(value("proto == tcp") == "0");
    CHECK(value("af == INET") == "1");
    CHECK(value("src_port == 5066") == "1");
    CHECK(value("msg:len > 100") == "1");
}

TEST_CASE("addresses are compared with addresses and networks") {
    CHECK(value("src_ip == 192.0.2.7") == "1");
    CHECK(value("src_ip == 192.0.2.0/24") == "1");
    CHECK(value("src_ip == 192.0.2.0/29") == "1");
    CHECK(value("src_ip == 192.0.2.0/30") == "0");
    CHECK(value("src_ip != 10.0.0.0/8") == "1");
    CHECK(value("dst_ip == \"127.0.0.1\"") == "1");
    CHECK(value("src_ip == ::1") == "0");
    CHECK(value("src_ip == [2001:db8::]/32") == "0");
    CHECK(value("src_ip == $rm") == "0");
}

TEST_CASE("a network may be written with a mask") {
    ScriptHost host;
    CHECK(host.value("src_ip == 192.0.2.0/255.255.255.0") == "1");
    CHECK(ScriptHost().value("src_ip == 192.0.3.0/255.255.255.0") == "0");
    CHECK(errors_in("if (src_ip == 10.0.0.0/255.0.255.0) exit;") ==
          std::vector<std::string>{"2:24: \"255.0.255.0\" is no network mask"});
}

TEST_CASE("what is being sent is known in onsend_route, and only there") {
    ScriptHost host;
    REQUIRE(
        host.compile("onsend_route { if (to_ip == 10.0.0.0/8 && to_port == 5070 && msg:len == 3 "
                     "&& snd_proto == UDP && snd_af == INET) say(\"yes\"); }\n"));
    const Leaving leaving{{*Address::parse("10.1.2.3", 5070), Proto::udp, 0, 0}, "abc"};
    host.message.leaving = &leaving;
    host.run_again(Route::onsend);
    CHECK(host.toy().said == std::vector<std::string>{"yes"});
    CHECK(errors_in("if (to_ip == 10.0.0.1) exit;\nif (snd_port == 5) exit;") ==
          std::vector<std::string>{"2:5: to_ip is known in onsend_route only",
                                   "3:5: snd_port is known in onsend_route only"});
}

TEST_CASE("some functions may be called without parentheses") {
    CHECK(first_error("request_route {\n say;\n}\n").starts_with("2:2: \"say\" is no statement"));
    CHECK(first_error("request_route {\n add_rport;\n}\n") == "2:2: unknown function add_rport");
}

TEST_CASE("a string that is no number is false, with a warning") {
    ScriptHost host;
    CHECK(host.said("if (\"bob\") say(\"yes\"); else say(\"no\"); if (\"12\") say(\"twelve\");") ==
          "no|twelve");
    CHECK(host.log.has("automatic string to int conversion for \"bob\" failed"));
    CHECK(host.log.has("<text>:2"));
}

TEST_CASE("conditions are true above zero, loops run while not zero") {
    CHECK(said("$var(a) = -1; if ($var(a)) say(\"t\"); else say(\"f\");") == "f");
    CHECK(said("$var(a) = -5; if ($var(a) || 0) say(\"t\"); else say(\"f\");") == "f");
    CHECK(said("$var(a) = -2; while ($var(a)) { say(\"x\"); $var(a) = $var(a) + 1; }") == "x|x");
}

TEST_CASE("division by zero leaves the target and runs neither branch") {
    ScriptHost host;
    CHECK(host.said("$var(z) = 0; $var(a) = 7; $var(a) = 5 / $var(z); say(\"$var(a)\");"
                    "if (1 mod $var(z)) say(\"t\"); else say(\"f\");") == "7");
    CHECK(host.log.has("rv div by 0"));
    CHECK(host.log.has("rv mod by 0"));
}

TEST_CASE("strings given to functions have their variables filled in") {
    CHECK(said("$var(x) = \"y\"; say(\"a $var(x) $$ 100% $rm. <$nil> <$gone> $var($var(x))\");") ==
          "a y $ 100% OPTIONS. <<null>> <> 0");
    CHECK(said("say(\"$(rm{s.len}) $(rm{s.tolower}{s.substr,0,3}) $rm.example.org\");") ==
          "7 opt OPTIONS.example.org");
    CHECK(said("say(\"$(at[2]) $(at(x)[*]) $(at[$var(q)]) $slot(four)\");") == "2 all 0 4");
}

TEST_CASE("assigning what could not be read leaves the target") {
    ScriptHost host;
    CHECK(host.said("$var(a) = 4; $var(a) = $gone; say(\"$var(a)\"); $var(a) = $(nil{s.len});"
                    "say(\"$var(a)\"); $var(a) = $nil; say(\"$var(a)\");") == "4|4|0");
    CHECK(host.log.has("non existing right pvar"));
}

TEST_CASE("codes of functions: raw in assignments, true or false elsewhere") {
    CHECK(said("$var(a) = code(-3); say(\"$var(a) $rc\");") == "-3 -3");
    CHECK(said("$var(a) = code(5) + 5; say(\"$var(a)\");") == "6");
    CHECK(said("if (!code(-1)) say(\"a\"); if (code(2) && code(1)) say(\"b\");") == "a|b");
    CHECK(said("switch (route(N)) { case -5: say(\"-5\"); default: say(\"default\"); }",
               "route[N] { return -5; }") == "default");
    CHECK(said("route(N); say(\"$rc\"); if (route(N)) say(\"t\"); $var(x) = route(N);"
               "say(\"$var(x) $retcode $?\");",
               "route[N] { return -5; }") == "-5|-5 -5 -5");
}

TEST_CASE("a route that falls off its end has the code of its last action") {
    struct Row {
        const char *body, *code;
    };
    const Row rows[] = {
        {"$var(x) = 0;", "1"},
        {"if ($var(zz) == 5) { say(\"no\"); }", "1"},
        {"if (is_it(\"INVITE\")) { say(\"no\"); }", "1"},
        {"if (is_it(\"INVITE\")) say(\"n\"); else is_it(\"BYE\");", "-1"},
        {";", "1"},
        {"is_it(\"INVITE\");", "-1"},
        {"is_it(\"INVITE\"); $var(x) = 0;", "1"},
        {"route(I);", "-1"},
        {"switch ($rm) { case \"X\": break; }", "1"},
        {"return $var(five);", "5"},
        {"return;", "1"},
    };
    for (const Row& row : rows) {
        INFO(row.body);
        const std::string routes =
            std::string("route[I] { is_it(\"INVITE\"); } route[R] { ") + row.body + " }";
        CHECK(said("$var(five) = 5; route(R); say(\"$rc\");", routes) == row.code);
    }
}

TEST_CASE("return 0 and a function that says stop end the whole script") {
    ScriptHost host;
    const RouteResult result =
        host.run("route(A); say(\"not reached\");", "route[A] { return 0; }");
    CHECK(result.exited);
    CHECK_FALSE(result.dropped);
    CHECK(result.code == 0);
    CHECK(host.toy().said.empty());
    CHECK(ScriptHost().run("if (!code(0)) say(\"x\"); say(\"y\");").exited);
    CHECK(said("if (code(0) || code(1)) say(\"x\"); say(\"y\");").empty());
}

TEST_CASE("exit, drop and the code of the top route") {
    CHECK(ScriptHost().run("exit; say(\"x\");").exited);
    const RouteResult dropped = ScriptHost().run("route(A);", "route[A] { drop; }");
    CHECK(dropped.dropped);
    CHECK(dropped.exited);
    CHECK(ScriptHost().run("return -1;").code == -1);
    CHECK_FALSE(ScriptHost().run("return -1;").exited);
    CHECK(ScriptHost().run("$var(x) = 1;").code == 1);
    CHECK(ScriptHost().run("drop();").dropped);
}

TEST_CASE("a loop without end stops at the limit and the script goes on") {
    ScriptHost host;
    CHECK(host.said("while (1) { $var(i) = $var(i) + 1; } say(\"$var(i)\");") == "100");
    CHECK(host.log.has("runaway while"));
    CHECK(said("while (1) { $var(i) = $var(i) + 1; } say(\"$var(i)\");", "max_while_loops=7") ==
          "7");
}

TEST_CASE("routes that call themselves are stopped, the caller goes on with -1") {
    ScriptHost host;
    CHECK(host.said("route(R);",
                    "route[R] { route(R); if ($rc == -1) { say(\"deep\"); exit; } }") == "deep");
    CHECK(host.log.has("too many recursive routing table lookups (257) giving up!"));
}

TEST_CASE("break leaves the innermost loop or switch") {
    CHECK(said("while (1) { say(\"a\"); switch (1) { case 1: break; } say(\"b\"); break; }") ==
          "a|b");
}

TEST_CASE("switch falls through, takes the first case that fits, and default else") {
    CHECK(said("switch ($rm) { case \"OPTIONS\": say(\"o\"); case \"X\": say(\"x\"); break; "
               "default: say(\"d\"); }") == "o|x");
    CHECK(said("switch ($rm) { case /\"^opt\": say(\"small\"); break; case /\"^OPT\": "
               "say(\"big\"); }") == "big");
    CHECK(said("switch ($rm) { default: say(\"d\"); case \"X\": say(\"x\"); }") == "d|x");
    CHECK(said("switch (1 + 2) { case 2: say(\"2\"); break; case (1 + 2): say(\"3\"); }") == "3");
    CHECK(said("switch (\"a\") { case \"a\": case \"b\": say(\"ab\"); }") == "ab");
}

TEST_CASE("two request_routes run one behind the other") {
    CHECK(said("say(\"2\");", "request_route { say(\"1\"); }") == "1|2");
}

TEST_CASE("defines, substitutions and conditions reach the script") {
    CHECK(said("say(\"$def(V) $defn(V) $defn(W)\"); $var(a) = V + 1; say(\"$var(a)\");",
               "#!define V 5") == "5 5 0|6");
    CHECK(said("$var(a) = HN; say(\"$var(a) xHNx\");", "#!substdefs \"/HN/bob/\"") == "bob xbobx");
    CHECK(said("say(\"x\");\n#!ifdef NOPE\nsay(\"y\");\n#!else\nsay(\"z\");\n#!endif\n") == "x|z");
}

TEST_CASE("arguments: constants, quoted numbers, values made at run time") {
    CHECK(said("two(\"404\"); two(404, \"x\"); $var(n) = 7; two($var(n) + 1, \"$rm\"); "
               "two(\"$var(n)\", 12);") == "two 404 -|two 404 x|two 8 OPTIONS|two 7 12");
    CHECK(said("anything(\"404\"); anything(\"x\"); anything(\"$var(n)\"); anything(\"n$var(n)\"); "
               "anything($nil);") == "int 404|str x|int 0|str n0|null");
    CHECK(said("put(\"$var(n)\", 5); put($var(m), 6); say(\"$var(n) $var(m)\");") == "5 6");
    CHECK(said("if (matches(\"^O.*S$\", $rm)) say(\"1\"); $var(p) = \"opt\"; "
               "if (matches(\"^$var(p)\", \"$rm\")) say(\"2\");") == "1|2");
    CHECK(said("two(FLAG);", "flags FLAG:9") == "two 9 -");
}

TEST_CASE("a lazy text is made only when the function asks for it") {
    ScriptHost host;
    CHECK(host.said("later(\"a $rm\"); later($rm); later(\"b\"); later(\"$rm\", 0); "
                    "later(\"$$\");") == "a OPTIONS|OPTIONS|b|$");
}

TEST_CASE("an argument that cannot be converted: not called, no, one line") {
    ScriptHost host;
    CHECK(host.said("if (two($rm)) say(\"called\"); else say(\"no $rc\"); say($nil);") == "no -1");
    CHECK(host.log.lines.size() == 2);
    CHECK(host.log.has(
        "<text>:2: two was not called: its argument \"a\" is \"OPTIONS\", not a number"));
}

TEST_CASE("route arguments are resolved, at run time too") {
    ScriptHost host;
    host.run(
        "arm(\"F\"); arm(F); arm(\"\"); arm(\"0\"); $var(n) = \"F\"; arm(\"$var(n)\"); "
        "arm(\"$rm\");",
        "failure_route[F] { exit; }");
    const RouteId f = host.interpreter->find(Route::failure, "F");
    CHECK(f != RouteId::none);
    CHECK(host.toy().routes == std::vector<RouteId>{f, f, RouteId::none, RouteId::none, f});
    CHECK(host.log.has("names the route OPTIONS, which does not exist"));
    CHECK(host.interpreter->name(f) == "F");
}

TEST_CASE("a function that throws ends the script with -1 and names its module") {
    ScriptHost host;
    const RouteResult result = host.run("route(A); say(\"x\");", "route[A] { raise(); }");
    CHECK(result.threw);
    CHECK(result.code == -1);
    CHECK(host.toy().said.empty());
    CHECK(host.log.has("module toy: raise ended with a mistake"));
}

TEST_CASE("an error lasts until the next function") {
    CHECK(said("fails(-478); show_error(); show_error(); if (!fails(-478)) if (!fails(-478)) "
               "show_error();") == "error -478|error 0|error -478");
}

TEST_CASE("functions are not called in routes of another type") {
    ScriptHost host;
    REQUIRE(
        host.compile("request_route { route(X); } route[X] { if (for_request()) say(\"y\"); else "
                     "say(\"n\"); } onreply_route[R] { route(X); }"));
    host.run_again();
    host.run_again(Route::tm_reply, "R");
    CHECK(host.toy().said == std::vector<std::string>{"y", "n"});
    CHECK(host.log.has("for_request was not called: it is not for this type of route"));
}

TEST_CASE("assignments and parentheses in expressions") {
    CHECK(said("if (($var(x) = 3) > 2) say(\"$var(x)\");") == "3");
    CHECK(said("if route(A) say(\"a\");", "route[A] { return 1; }") == "a");
}
