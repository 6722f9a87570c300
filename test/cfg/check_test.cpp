// What the checker finds before a message arrives, beyond the files in wrong/.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/cfg/script_host.h"

using namespace fairlead;
using test::errors;
using test::errors_in;
using test::warnings;
using Errors = std::vector<std::string>;

TEST_CASE("types of literals must fit their operators") {
    for (const char* good : {"\"5\" == 5", "\"a\" + 1", "$rm + 1", "5 == $rm", "$rm > 3",
                             "strlen(\"x\") + 1", "(str)5 + \"x\"", "5 + (int)\"6\""}) {
        INFO(good);
        CHECK(errors_in(std::string("$var(x) = ") + good + ";").empty());
    }
    for (const char* bad :
         {"5 == \"5\"", "1 + \"2\"", "\"3\" * 4", "\"b\" > \"a\"", "1 eq \"a\"", "\"a\" ieq 1",
          "-\"5\"", "~\"5\"", "(int)\"5\" + (str)6", "\"x\" =~ 5"}) {
        INFO(bad);
        const Errors found = errors_in(std::string("$var(x) = ") + bad + ";");
        REQUIRE(found.size() == 1);
        CHECK(found[0].find("type mismatch") != std::string::npos);
    }
}

TEST_CASE("variables: unknown, wrongly indexed, read-only, refused names") {
    CHECK(errors_in("$nosuch = 1;") == Errors{"2:1: unknown variable $nosuch"});
    CHECK(errors_in("$var = 1;") == Errors{"2:1: $var needs a name: $var(name)"});
    CHECK(errors_in("$var(x) = $rm(y);") == Errors{"2:11: $rm takes no name in parentheses"});
    CHECK(errors_in("$var(x) = $(rm[1]);") == Errors{"2:11: $rm takes no index"});
    CHECK(errors_in("$var(x) = $(at[y]);") == Errors{"2:11: \"y\" is no index"});
    CHECK(errors_in("$ro = 1;") == Errors{"2:1: $ro can only be read"});
    CHECK(errors_in("$(var(x){s.len}) = 1;") ==
          Errors{"2:1: a transformed value cannot be assigned to"});
    CHECK(errors_in("say(\"a\\n $slot(bad)\");") ==
          Errors{"2:10: $slot(bad): there is no such slot"});
    CHECK(errors_in("say(\"x $nosuch y\");") == Errors{"2:8: unknown variable $nosuch"});
    CHECK(errors_in("say(\"5$ and $ and $1\");").empty());
}

TEST_CASE("transformations: unknown, and with wrong arguments") {
    CHECK(errors_in("$var(x) = $(rm{s.nosuch});") ==
          Errors{"2:16: unknown transformation {s.nosuch}"});
    CHECK(errors_in("$var(x) = $(rm{s.substr});") == Errors{"2:16: {s.substr} needs an argument"});
    CHECK(errors_in("$var(x) = $(rm{s.len,1});") == Errors{"2:16: {s.len} takes no argument"});
    CHECK(errors_in("$var(x) = $(rm{s.substr,x,1});") ==
          Errors{"2:16: {s.substr}: a number expected"});
    CHECK(errors_in("$var(x) = $(rm{s.select,1});") ==
          Errors{"2:16: {s.select}: an argument is missing"});
    CHECK(errors_in("$var(x) = $(rm{s.substr,$var(a),1});").empty());
    CHECK(errors_in("$var(x) = $(rm{s.select,-1,,});").empty());
}

TEST_CASE("route types: what a route[NAME] calls must work somewhere") {
    const auto in = [](std::string_view head) {
        return errors(std::string(head) + " { for_failure(); }\n");
    };
    CHECK(in("request_route") == Errors{"1:17: for_failure cannot be called in request_route"});
    CHECK(in("failure_route[F]").empty());
    // Reached by no route that allows it.
    CHECK(in("route[X]").size() == 1);
    CHECK(errors("failure_route[F] { route(X); }\nroute[X] { for_failure(); }\n").empty());
    CHECK(errors("failure_route[F] { route(Y); }\nroute[Y] { if (route(X)) exit; }\n"
                 "route[X] { for_failure(); }\n")
              .empty());
    // As Kamailio reads such blocks: for requests.
    CHECK(errors("onreply_route[R] { route(X); }\nroute[X] { for_request(); }\n").empty());
    CHECK(errors("reply_route { for_reply(); }\nonreply_route[R] { for_reply(); }\n").empty());
}

TEST_CASE("routes by name: in calls and in arguments") {
    CHECK(errors_in("route(X);") == Errors{"2:7: route[X] does not exist"});
    CHECK(errors_in("arm(\"F\");") == Errors{"2:5: failure_route[F] does not exist"});
    CHECK(errors_in("route(X);\n}\nroute[X] { arm(\"F\"); }\nfailure_route[F] { exit;").empty());
}

TEST_CASE("functions check their constant arguments") {
    CHECK(errors_in("small(5);").empty());
    CHECK(errors_in("small(50);") == Errors{"2:1: small: the number is too big"});
    CHECK(errors_in("small($var(x));").empty());
}

TEST_CASE("regular expressions are compiled when the file is read") {
    CHECK(errors_in("if ($rm =~ \"(\") exit;") ==
          Errors{"2:12: bad regular expression: missing ): ("});
    CHECK(errors_in("matches(\"[\", \"x\");").size() == 1);
    CHECK(errors_in("switch ($rm) { case /\"(\": exit; }").size() == 1);
    CHECK(errors_in("if ($rm =~ \"^[[:alpha:]]+\\.\\d$\") exit;").empty());
}

TEST_CASE("cases of one switch are of one kind") {
    CHECK(errors_in("switch ($rm) {\ncase \"A\": exit;\ncase 5: exit;\n}") ==
          std::vector<std::string>{"4:1: cases of one switch are all numbers or all texts"});
    CHECK(errors_in("switch ($rm) {\ncase /\"A\": exit;\ncase \"5\": exit;\n}").empty());
    CHECK(errors_in("switch (5) {\ncase -1: exit;\ncase 1 + 2: exit;\n}").empty());
}

TEST_CASE("the result of a call cannot be an argument") {
    CHECK(errors_in("say(code(1));") == Errors{"2:5: a function call cannot be an argument"});
}

TEST_CASE("event routes of loaded modules are known") {
    CHECK(warnings("event_route[toy:started] { exit; }\n").empty());
    CHECK(warnings("event_route[toy:startd] { exit; }\n") ==
          Errors{"1:1: module toy has no event route toy:startd"});
    CHECK(warnings("event_route[other:thing] { exit; }\n").empty());
}

TEST_CASE("a warning does not stop the program") {
    test::ScriptHost host;
    CHECK(host.compile("event_route[toy:startd] { exit; }\nrequest_route { say(\"x\"); }\n"));
    CHECK(host.diagnostics.errors() == 0);
}

TEST_CASE("parameters that name variables read them") {
    test::ScriptHost host;
    const auto before = R"(modparam("toy", "greeting", "$rm from $(var(who){s.toupper})$$")
modparam("toy", "source", "$rm"))";
    host.run("$var(who) = \"al\"; greet();", before);
    CHECK(host.toy().said == std::vector<std::string>{"OPTIONS from AL$", "OPTIONS"});
    test::ScriptHost other;  // what the first one's module holds belongs to its program
    other.run("greet();", R"(modparam("toy", "greeting", "plain"))");
    CHECK(other.toy().said.front() == "plain");
}

TEST_CASE("parameters that name unknown or malformed variables are refused at their line") {
    CHECK(errors("\nmodparam(\"toy\", \"source\", \"$nosuch\")\n").front() ==
          "2:17: unknown variable $nosuch");
    CHECK(errors("modparam(\"toy\", \"source\", \"ci\")\n").size() == 1);
    CHECK(errors("modparam(\"toy\", \"source\", \"$rm $ci\")\n").size() == 1);
    CHECK(errors("modparam(\"toy\", \"greeting\", \"a $nosuch b\")\n").size() == 1);
}
