// Leaving a script behind a statement and going on from there. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/cfg/script_host.h"

using namespace fairlead;
using test::ScriptHost;

namespace {

/// What is said in one run that is resumed until it ends, and how often it paused: "a|/|b".
std::string told(std::string_view body, std::string_view before = {}) {
    ScriptHost host;
    host.run(body, before);
    for (int i = 0; i < 20 && !host.toy().way.empty(); ++i) {
        host.toy().said.emplace_back("/");
        host.resume();
    }
    std::string out;
    for (const std::string& line : host.toy().said) out += (out.empty() ? "" : "|") + line;
    return out;
}

/// The same without the marks: what a script says that never paused.
std::string without_pauses(std::string_view body, std::string_view before) {
    std::string text(body), head(before);
    for (std::string* s : {&text, &head}) {
        for (std::size_t at = 0; (at = s->find("pause();", at)) != s->npos;)
            s->replace(at, 8, "$var(z) = 1;");
    }
    ScriptHost host;
    return host.said(text, head);
}

std::string without_marks(std::string text) {
    for (std::size_t at = 0; (at = text.find("/|")) != text.npos;) text.erase(at, 2);
    if (text.ends_with("|/")) text.resize(text.size() - 2);
    return text;
}

}  // namespace

TEST_CASE("a script goes on behind the statement at which it paused") {
    CHECK(told(R"x(say("a"); pause(); say("b");)x") == "a|/|b");
    CHECK(told(R"x(say("a"); pause(); pause(); say("b"); pause();)x") == "a|/|/|b|/");
    CHECK(told(R"x(pause();)x") == "/");
}

TEST_CASE("it goes on through the blocks, loops and routes around the pause") {
    struct Case {
        const char *body, *before, *result;
    };
    const Case cases[] = {
        {R"x(if (1) { say("a"); pause(); say("b"); } else { say("x"); } say("c");)x", "",
         "a|/|b|c"},
        {R"x(if (0) { say("x"); } else { pause(); } say("c");)x", "", "/|c"},
        {R"x({ { pause(); } say("b"); } say("c");)x", "", "/|b|c"},
        {R"x($var(i) = 0; while ($var(i) < 3) { $var(i) = $var(i) + 1; say("$var(i)");
    pause();
}
say("end");)x",
         "", "1|/|2|/|3|/|end"},
        {R"x($var(i) = 0; while ($var(i) < 3) { $var(i) = $var(i) + 1; pause();
            if ($var(i) == 2) break; say("$var(i)");
}
say("end");)x",
         "", "/|1|/|end"},
        {R"x(switch ("b") { case "a": say("x"); case "b": say("b"); pause(); say("c"); case "d":
            say("d"); break; default: say("y"); } say("e");)x",
         "", "b|/|c|d|e"},
        {R"x(say("a"); route(R); say("d");)x", R"x(route[R] { say("b"); pause(); say("c"); })x",
         "a|b|/|c|d"},
        {R"x(route(R); say("$rc d");)x", R"x(route[R] { pause(); return 7; })x", "/|7 d"},
        {R"x(if (route(R)) { say("yes"); } else { say("no"); } say("d");)x",
         R"x(route[R] { pause(); return -1; })x", "/|no|d"},
        {R"x(if (!route(R) && route(S)) { say("yes"); } else { say("no"); })x",
         R"x(route[R] { say("r"); return -1; } route[S] { pause(); say("s"); return 1; })x",
         "r|/|s|r|yes"},
        {R"x($var(x) = route(R); say("$var(x)");)x", R"x(route[R] {
        pause();
        return 9; })x",
         "/|9"},
        {R"x(route(R); say("x");)x", R"x(route[R] { pause(); say("b"); exit; })x", "/|b"},
        {R"x($var(i) = 0; while (route(R) > 0) { say("in"); } say("end");)x",
         R"x(route[R] { $var(i) = $var(i) + 1; pause(); if ($var(i) > 2) { return -1; } return 1; })x",
         "/|in|/|in|/|end"},
        {R"x($var(i) = 0; while ($var(i) < 2) { $var(i) = $var(i) + 1; route(R); } say("end");)x",
         R"x(route[R] { switch ($var(i)) { case 1: route(S); break; case 2: say("two"); } }
            route[S] { if (1) { pause(); say("one"); } say("s"); })x",
         "/|one|s|two|end"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.body, c.before);
        CHECK(told(c.body, c.before) == c.result);
        if (std::string_view(c.result).find("r|/|s|r") == std::string_view::npos)
            CHECK(without_marks(told(c.body, c.before)) == without_pauses(c.body, c.before));
    }
}

TEST_CASE("a loop that pauses counts its turns") {
    ScriptHost host;
    host.run(R"x(while (1) { pause(); })x", "max_while_loops = 5");
    int pauses = 0;
    while (!host.toy().way.empty() && pauses < 20) {
        ++pauses;
        host.resume();
    }
    CHECK(pauses == 5);
    CHECK(host.log.has("runaway while"));
}

TEST_CASE("a function whose value is used has no way back") {
    CHECK(told(R"x(if (pause()) { say("x"); } else { say("no"); })x") == "no");
    CHECK(told(R"x($var(x) = pause(); say("$var(x)");)x") == "-1");
    CHECK(told(R"x(if (!pause()) { say("no"); })x") == "no");
}

TEST_CASE("how a resumed script ends is told as for any other") {
    ScriptHost host;
    host.run(R"x(pause(); drop;)x");
    const RouteResult dropped = host.resume();
    CHECK(dropped.dropped);
    CHECK(dropped.exited);
    host.run(R"x(pause(); raise();)x");
    CHECK(host.resume().threw);
}

TEST_CASE("a way that this program does not have is refused") {
    ScriptHost host;
    host.run(R"x(say("a"); pause(); say("b");)x");
    const std::string way = host.toy().way;
    for (std::size_t n = 0; n < way.size(); ++n) {
        CHECK(host.interpreter->resume(std::string_view(way).substr(0, n), host.message).code ==
              -1);
        std::string wrong = way;
        wrong[n] = static_cast<char>(wrong[n] ^ 0x55);
        (void)host.interpreter->resume(wrong, host.message);  // must not crash
    }
    ScriptHost other;
    other.run(R"x(say("c"); say("d"); say("e"); say("f");)x");
    CHECK(other.interpreter->resume(way, other.message).code == -1);
    CHECK(other.toy().said.size() == 4);
}
