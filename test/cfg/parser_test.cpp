// Reading: tokens, the preprocessor, the global part, and mistakes in syntax.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "cfg/ast.h"
#include "test/cfg/script_host.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using test::errors;
using test::errors_in;
using test::first_error;
using test::warnings;
using Errors = std::vector<std::string>;

namespace {

cfg::Config read(std::string text, cfg::ReadOptions options = {}) {
    cfg::Diagnostics diagnostics;
    cfg::Config config = cfg::read_text(std::move(text), options, diagnostics);
    INFO(diagnostics.print());
    REQUIRE(diagnostics.errors() == 0);
    return config;
}

}  // namespace

TEST_CASE("comments of all three kinds, nested ones too") {
    CHECK(errors("# a {\n// b {\n/* c { /* d */ e */\nrequest_route { exit; } # f").empty());
    CHECK(first_error("/* open /* closed */\n") == "1:1: comment is not closed");
    CHECK(errors("#!KAMAILIO\n#!unknown thing {\nrequest_route { exit; }").empty());
}

TEST_CASE("numbers in four bases, and what is none") {
    const cfg::Config c = read("a=0x1F b=017\nc=101b\nd=-5\ne=yes\nf=off\n");
    REQUIRE(c.settings.size() == 6);
    const std::int64_t expected[] = {31, 15, 5, -5, 1, 0};
    for (std::size_t i = 0; i < 6; ++i) CHECK(c.settings[i].value.number == expected[i]);
    CHECK(first_error("a=9223372036854775808\n") == "1:3: number does not fit 64 bits");
}

TEST_CASE("settings: words, addresses, groups and descriptions") {
    const cfg::Config c = read(
        "log_facility=LOG_LOCAL0\nadvertised_address=192.0.2.1;user=\"sip\"\n"
        "voice.mail = \"x\" desc \"where\"\nvoice[1].mail = 5\nhost=my-host.example.org\n");
    REQUIRE(c.settings.size() == 6);
    CHECK(c.settings[0].value.text == "LOG_LOCAL0");
    CHECK(c.settings[1].value.text == "192.0.2.1");
    CHECK(c.settings[2].value.is_string);
    CHECK(c.settings[3].name == "voice.mail");
    CHECK(c.settings[3].description == "where");
    CHECK(c.settings[4].name == "voice[1].mail");
    CHECK(c.settings[5].value.text == "my-host.example.org");
    CHECK(c.settings[4].at.line == 4);
}

TEST_CASE("listen and alias lines in all their forms") {
    const cfg::Config c = read(
        "listen=udp:127.0.0.1:5060 advertise 8.8.8.8:5555 name \"s1\"\n"
        "listen=udp:[::1]:5070 tcp:lo ::1\nlisten=\"udp:127.0.0.2\"\nlisten=eth0:5062\n"
        "alias=example.org \"udp:a.b:5080\" c.d:*\n");
    REQUIRE(c.listen.size() == 6);
    CHECK(c.listen[0].proto == Proto::udp);
    CHECK(c.listen[0].port == 5060);
    CHECK(c.listen[0].advertised_host == "8.8.8.8");
    CHECK(c.listen[0].advertised_port == 5555);
    CHECK(c.listen[0].name == "s1");
    CHECK(c.listen[1].host == "::1");
    CHECK(c.listen[1].port == 5070);
    CHECK(c.listen[2].host == "lo");
    CHECK(c.listen[2].proto == Proto::tcp);
    CHECK(c.listen[3].host == "::1");
    CHECK_FALSE(c.listen[3].proto);
    CHECK(c.listen[4].host == "127.0.0.2");
    CHECK(c.listen[5].host == "eth0");
    REQUIRE(c.aliases.size() == 3);
    CHECK(c.aliases[1].host == "a.b");
    CHECK(c.aliases[1].port == 5080);
    CHECK(c.aliases[2].port == 0);
    CHECK_FALSE(first_error("listen=udp:*:5060\n").empty());
    CHECK_FALSE(first_error("listen=udp:1.2.3.4:99999\n").empty());
}

TEST_CASE("modules, where they are looked for, and their parameters") {
    const cfg::Config c = read(
        "loadmodule \"a\"\nmpath=\"/x:/y/\"\nloadmodule \"b.so\"\nloadpath \"/z\"\n"
        "loadmodule(\"c\")\nmodparam(\"a|b\", \"p\", \"v\")\nmodparam(\"a\", \"n\", -7)\n");
    REQUIRE(c.modules.size() == 3);
    CHECK(c.modules[0].search_path.empty());
    CHECK(c.modules[1].search_path == Errors{"/x", "/y/"});
    CHECK(c.modules[2].search_path == Errors{"/z"});
    REQUIRE(c.parameters.size() == 2);
    CHECK(c.parameters[0].module == "a|b");
    CHECK(c.parameters[1].value.number == -7);
}

TEST_CASE("defines: values, no value, again, by the command line and by each other") {
    CHECK(read("#!define P 5070\nport=P\n").settings[0].value.number == 5070);
    CHECK(read("#!define A B\n#!define B 7\nport=A\n").settings[0].value.number == 7);
    CHECK(read("#!def A 1\n#!trydef A 2\nport=A\n").settings[0].value.number == 1);
    CHECK(read("#!def A 1\n!!redefine A 2\nport=A\n").settings[0].value.number == 2);
    CHECK(read("#!define A \\\n  3\nport=A\n").settings[0].value.number == 3);
    CHECK(read("port=A\n", {.defines = {{"A", "9"}}}).settings[0].value.number == 9);
    CHECK(read("#!trydef A 1\nport=A\n", {.defines = {{"A", "9"}}}).settings[0].value.number == 9);
    CHECK(first_error("#!define A 1\n#!define A 2\na=1\n") == "2:10: A is already defined");
    CHECK(first_error("#!define A\na=A\n") == "2:3: A is defined without a value");
    CHECK(first_error("#!define A B\n#!define B A\na=A\n") == "3:3: A is defined by itself");
    CHECK(first_error("#!define a-b 1\na=1\n") == "1:10: \"a-b\" cannot be the name of a define");
}

TEST_CASE("defines are removed and calculated") {
    const auto value = [](std::string text) {
        return read(std::move(text)).settings.at(0).value.text;
    };
    CHECK(value("#!define A 1\n#!undef A\n#!ifdef A\na=1\n#!else\na=2\n#!endif\n") == "2");
    CHECK(value("#!tryundef NONE\n#!define A 1\n#!undefine A\n#!define A 3\na=A\n") == "3");
    CHECK(first_error("#!undef NONE\na=1\n") == "1:9: NONE is not defined");
    CHECK(value("#!define A 7\n#!defexp B A * (2 + 1) - 1\na=B\n") == "20");
    CHECK(value("#!define A 7\n#!defexps B A << 1\na=B\n") == "14");
    CHECK(value("#!define H \"x.org\"\n#!defexps B H + \":\" + 5\na=B\n") == "x.org:5");
    CHECK(first_error("#!defexp B 1 / 0\na=1\n") == "1:10: bad expression: division by 0");
}

TEST_CASE("#!ifexp asks for values: names count as 0 and 1, texts are compared") {
    const auto holds = [](std::string_view expression) {
        return read(fmt::format("#!define N 5\n#!define T \"ab\"\n#!define E\n#!ifexp {}\na=1\n"
                                "#!else\na=0\n#!endif\n",
                                expression))
                   .settings.at(0)
                   .value.number == 1;
    };
    for (const auto* const yes :
         {"N == 5", "N > 4 && E", "NONE || E", "!NONE", "T == \"ab\"", "T != 'b'", "-N + 6",
          "2 ** 3 == 8", "1 | 6 & 3", "(1 << 4) == 16", "N % 3 == 2", "KAMAILIO_VERSION >= 5006000",
          "OS_NAME == \"linux\"", "1 + 2 * 3 == 7"}) {
        INFO(yes);
        CHECK(holds(yes));
    }
    for (const auto* const no :
         {"NONE", "N < 5", "!E", "T == \"AB\"", "\"\"", "N -5", "KAMAILIO_VERSION >= 5007000"}) {
        INFO(no);
        CHECK_FALSE(holds(no));
    }
    CHECK(first_error("#!ifexp 1 +\na=1\n#!endif\na=2\n") ==
          "1:9: bad expression: a value is missing");
    CHECK(first_error("#!ifexp " + std::string(5000, '(') + "\n#!endif\na=2\n")
              .starts_with("1:9: bad expr"));
    // What is switched off is not calculated.
    CHECK(first_error("#!ifdef NONE\n#!ifexp 1 +\n#!endif\n#!endif\na=2\n").empty());
}

TEST_CASE("conditions switch text off, whatever stands in it") {
    const auto value = [](std::string text) {
        return read(std::move(text)).settings[0].value.number;
    };
    CHECK(value("#!ifdef X\na=1 { \" \n#!else\na=2\n#!endif\n") == 2);
    CHECK(value("#!define X\n#!ifdef X\na=1\n#!else\na=2\n#!endif\n") == 1);
    CHECK(value("#!ifndef X\n#!ifdef Y\na=1\n#!else\na=2\n#!endif\n#!endif\n") == 2);
    CHECK(value("#!ifdef X\n#!ifdef Y\n#!else\na=1\n#!endif\n#!else\na=3\n#!endif") == 3);
    CHECK(value("#!ifdef KAMAILIO_5_6\na=4\n#!endif\n") == 4);
    CHECK(value("#!ifdef MOD_sl\na=1\n#!else\na=5\n#!endif\n") == 5);
    CHECK(value("loadmodule \"sl.so\"\n#!ifdef MOD_sl\na=6\n#!endif\n") == 6);
    CHECK(first_error("#!ifdef X\na=1\n") == "1:1: this condition has no #!endif");
    CHECK(first_error("a=1\n#!endif\n") == "2:1: #!endif without #!ifdef or #!ifndef");
    CHECK(first_error("a=1\n#!ifdef X\n#!else\n#!else\n#!endif\n") ==
          "4:1: second #!else of the same condition");
}

TEST_CASE("substitutions reach strings and variables behind them") {
    const cfg::Config c = read(
        "a=\"x HOST\"\n#!subst \"/HOST/example.org/\"\nb=\"HOST HOST\"\n#!subst '#o+#0#g'\n"
        "c='foo HOST boo'\n#!substdef \"!DOM!d.net!\"\nd=\"@DOM@\"\ne=DOM\n"
        "#!substdefs \"!QUOTED!q q!\"\nf=QUOTED\n");
    CHECK(c.settings[0].value.text == "x HOST");
    CHECK(c.settings[1].value.text == "example.org HOST");
    CHECK(c.settings[2].value.text == "f0 example.0rg b0");
    CHECK(c.settings[3].value.text == "@d.net@");
    CHECK(c.settings[4].value.text == "d.net");
    CHECK(c.settings[5].value.text == "q q");
    CHECK(first_error("#!subst \"/a\"\na=1\n") ==
          "1:9: subst needs \"/pattern/replacement/flags\"");
    CHECK(first_error("#!subst \"/(/b/\"\na=1\n").starts_with("1:9: bad pattern"));
}

TEST_CASE("the environment gives defines") {
    setenv("FAIRLEAD_TEST_PORT", "5099", 1);
    unsetenv("FAIRLEAD_TEST_NONE");
    const cfg::Config c = read(
        "#!defenv FAIRLEAD_TEST_PORT\na=FAIRLEAD_TEST_PORT\n#!defenv P=FAIRLEAD_TEST_PORT\nb=P\n"
        "#!defenvs S=FAIRLEAD_TEST_PORT\nc=S\n#!trydefenv FAIRLEAD_TEST_NONE\n");
    CHECK(c.settings[0].value.number == 5099);
    CHECK(c.settings[1].value.number == 5099);
    CHECK(c.settings[2].value.is_string);
    CHECK(first_error("#!defenv FAIRLEAD_TEST_NONE\na=1\n") ==
          "1:10: environment variable FAIRLEAD_TEST_NONE is not set");
}

TEST_CASE("files are included beside the file that names them, import may miss one") {
    const test::TempFolder files;
    files.add("sub/inner.cfg", "b=2\ninclude_file \"leaf.cfg\"\n");
    files.add("sub/leaf.cfg", "c=3 +\n");
    const std::string top = files.add(
        "top.cfg", "a=1\n#!include_file \"sub/inner.cfg\"\n!!import_file \"none.cfg\"\nd=4\n");
    cfg::Diagnostics diagnostics;
    const cfg::Config c = cfg::read(top, {}, diagnostics);
    REQUIRE(c.settings.size() == 4);
    CHECK(c.settings[3].value.number == 4);
    REQUIRE(diagnostics.errors() == 1);
    CHECK(diagnostics.where(diagnostics.all()[0].at).ends_with("sub/leaf.cfg:1:5"));
}

TEST_CASE("includes that include themselves stop") {
    const test::TempFolder files;
    const std::string top = files.add("top.cfg", "a=1\n#!include_file \"top.cfg\"\n");
    cfg::Diagnostics diagnostics;
    (void)cfg::read(top, {}, diagnostics);
    REQUIRE(diagnostics.errors() == 1);
    CHECK(diagnostics.all()[0].text == "files are included more than 10 deep");
    cfg::Diagnostics missing;
    (void)cfg::read("/nonexistent/x.cfg", {}, missing);
    CHECK(missing.print().find("cannot read /nonexistent/x.cfg: No such file") !=
          std::string::npos);
}

TEST_CASE("the text after preprocessing reads as the same configuration") {
    const test::TempFolder files;
    const std::string top = files.add("top.cfg",
                                      "#!define P 5060\nport=P # c\n#!ifdef X\na=1\n#!endif\n"
                                      "request_route {\n    xlog(\"a\\n\\\"b\\\"\" \"c\");\n}\n");
    cfg::Diagnostics diagnostics;
    CHECK(cfg::preprocess(top, {}, diagnostics) ==
          "port=5060\nrequest_route {\n    xlog(\"a\\n\\\"b\\\"c\");\n}\n");
}

TEST_CASE("modules and parameters with variables in their texts") {
    setenv("FAIRLEAD_TEST_DIR", "/opt", 1);
    const cfg::Config c = read(
        "#!define NAME tm\nloadmodulex \"$env(FAIRLEAD_TEST_DIR)/$def(NAME).so\"\n"
        "modparamx(\"tm\", \"x\", \"a$def(NAME)b\")\nmodparam(\"tm\", \"y\", \"$def(NAME)\")\n");
    CHECK(c.modules.at(0).name == "/opt/tm.so");
    CHECK(c.parameters.at(0).value.text == "atmb");
    CHECK(c.parameters.at(1).value.text == "$def(NAME)");
    CHECK(first_error("loadmodulex \"$var(x)\"\n") ==
          "1:13: $var(x) has no value while modules are loaded");
}

TEST_CASE("one language for routes, and names of flags") {
    CHECK(first_error("cfgengine=\"native\"\ncfgengine \"default\"\na=1\n").empty());
    CHECK(first_error("cfgengine=\"lua\"\na=1\n") == "1:11: there is no cfgengine \"lua\"");
    CHECK(warnings("avpflags one, two\na=1\n").at(0).ends_with("no flags here"));
}

TEST_CASE("each mistake in syntax is told once, and what follows is read") {
    CHECK(errors_in("$var(a) = 1 +;\n$var(b) = ;\nsay(\"x\")\nsay(,);") ==
          Errors{"2:14: a value expected, found \";\"", "3:11: a value expected, found \";\"",
                 "4:9: \";\" is missing behind this statement",
                 "5:5: an argument is missing here"});
    CHECK(errors_in("say(\"a\" \"b\" 5);") ==
          Errors{"2:13: \")\" expected behind the arguments of say, found \"5\""});
    CHECK(errors_in("if ($rm == ) { say(\"x\"); }\nsay(1,2,3);") ==
          Errors{"2:12: a value expected, found \")\"", "3:1: say takes 1 argument, not 3"});
    CHECK(errors_in("5;\n\"x\";\nsay;\n= 3;") ==
          Errors{"2:1: a statement cannot begin with \"5\"",
                 "3:1: a statement cannot begin with a string",
                 "4:1: \"say\" is no statement: \"(\" is missing behind it",
                 "5:1: a statement cannot begin with \"=\""});
    CHECK(errors_in("$var(x;\nsay(1,2);") ==
          Errors{"2:1: parentheses of this variable are not closed",
                 "3:1: say takes 1 argument, not 2"});
}

TEST_CASE("an empty configuration is an error, one without routes is not") {
    CHECK(first_error("") == "1:1: the configuration is empty");
    CHECK(first_error("# nothing\n") == "1:1: the configuration is empty");
    CHECK(errors("children=1\n").empty());
}

TEST_CASE("deep nesting is refused, not followed") {
    CHECK(first_error("request_route { $var(x) = " + std::string(5000, '(') + "1; }")
              .ends_with("expression is nested too deeply"));
    CHECK(first_error("request_route { $var(x) = " + std::string(5000, '!') + "1; }")
              .ends_with("expression is nested too deeply"));
    std::string blocks = "request_route { ";
    for (int i = 0; i < 1000; ++i) blocks += "if (1) { ";
    CHECK_FALSE(errors(blocks).empty());
}

TEST_CASE("all the forms of a statement are read") {
    CHECK(errors_in("if $rm == \"x\" say(\"y\"); else { say(\"z\"); }\n"
                    "while (0) say(\"x\");\nwhile 0 { break; }\n"
                    "switch ($rm) { case \"y\": case \"x\": break; default: exit; }\n"
                    "return; ")
              .empty());
    CHECK(errors_in("return(-1);").empty());
    CHECK(errors_in("exit();;;").empty());
    CHECK(errors_in("$(at(x)[*]) = 1;") == Errors{"2:1: $at can only be read"});
    CHECK(errors("route { exit; }\nonreply_route { exit; }\nreply_route[R] { drop; }\n"
                 "failure_route { exit; }\nbranch_route[1] { exit; }\nonsend_route { exit; }\n"
                 "event_route[tm:local-request] { exit; }\nroute[5abc] { exit; }\n"
                 "route[\"x y\"] { exit; }\n")
              .empty());
}
