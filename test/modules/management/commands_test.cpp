// Commands of the core and of modules, as every interface runs them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "core/base/log.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Asked : ModuleHost {
    explicit Asked(const std::string& config) {
        this->config(config + "\nrequest_route { exit; }");
        start();
    }
    std::string operator()(std::string_view command, std::vector<Value> arguments = {}) {
        return ask(engine(), command, std::move(arguments));
    }
};

}  // namespace

TEST_CASE("htable.*: items are set, read, listed and removed") {
    Asked ask(R"(loadmodule "htable.so"
                 modparam("htable", "htable", "a=>size=4;")
                 modparam("htable", "htable", "b=>size=3;autoexpire=100;"))");
    CHECK(ask("htable.sets", {Value("a"), Value("k"), Value("v")}) ==
          "\"Ok. Key set to new value.\"");
    CHECK(ask("htable.seti", {Value("a"), Value("n"), Value("4")}) ==
          "\"Ok. Key set to new value.\"");
    CHECK(ask("htable.seti", {Value("a"), Value("n"), Value("x")}) ==
          "error 400 value must be a number");
    CHECK(ask("htable.get", {Value("a"), Value("k")}) ==
          R"({item: {name: "k", value: "v", flags: 2, expire: "NEVER"}})");
    CHECK(ask("htable.get", {Value("a"), Value("n")}) ==
          R"({item: {name: "n", value: 4, flags: 0, expire: "NEVER"}})");
    CHECK(ask("htable.get", {Value("a"), Value("z")}) ==
          "error 500 Key name doesn't exist in htable.");
    CHECK(ask("htable.get", {Value("q"), Value("z")}) == "error 500 No such htable");
    CHECK(ask("htable.dump") == "error 500 No htable name given");
    const std::string dumped = ask("htable.dump", {Value("a")});
    CHECK(dumped.find(R"(size: 1, slot: [{name: "n", value: 4, type: "int"}]})") !=
          std::string::npos);
    CHECK(dumped.find(R"(slot: [{name: "k", value: "v", type: "str"}]})") != std::string::npos);
    CHECK(ask("htable.dump", {Value("b")}).empty());
    CHECK(ask("htable.setxs", {Value("b"), Value("k"), Value("v"), Value(50)}) ==
          "\"Ok. Key set to new value.\"");
    CHECK(ask("htable.get", {Value("b"), Value("k")}).find("expire: 50}") != std::string::npos);
    CHECK(ask("htable.setex", {Value("b"), Value("k"), Value(70)}) == "\"Ok\"");
    CHECK(ask("htable.get", {Value("b"), Value("k")}).find("expire: 70}") != std::string::npos);
    CHECK(ask("htable.delete", {Value("a"), Value("k")}) == "\"Ok. Key deleted.\"");
    CHECK(ask("htable.delete", {Value("a"), Value("k")}) == "error 404 Key not found in htable.");
    CHECK(ask("htable.stats").find(R"({name: "a", slots: 16, all: 1, min: 0, max: 1})") !=
          std::string::npos);
    CHECK(ask("htable.flush", {Value("a")}) == "\"Ok. Htable flushed.\"");
    CHECK(ask("htable.dump", {Value("a")}).empty());
}

TEST_CASE("cfg.*: values are shown, changed now or later, and go back") {
    const auto level = log::level();
    Asked ask("loadmodule \"cfg_rpc.so\"");
    CHECK(ask("cfg.list").find("\"core: debug\"") != std::string::npos);
    CHECK(ask("cfg.list", {Value("nope")}).empty());
    const std::string before = ask("cfg.get", {Value("core"), Value("debug")});
    CHECK(before == std::to_string(static_cast<int>(level)));
    CHECK(ask("cfg.get", {Value("core"), Value("x")}) == "error 400 Failed to get the variable");
    CHECK(ask("cfg.seti", {Value("core"), Value("debug"), Value(-2)}).empty());
    CHECK(static_cast<int>(log::level()) == -2);
    CHECK(ask("cfg.sets", {Value("core"), Value("debug"), Value("x")}) ==
          "error 400 Failed to set the variable");
    CHECK(ask("cfg.seti", {Value("core"), Value("debug"), Value(99)}) ==
          "error 400 Failed to set the variable");
    CHECK(ask("cfg.set_delayed_int", {Value("core"), Value("debug"), Value(-3)}).empty());
    CHECK(static_cast<int>(log::level()) == -2);
    CHECK(ask("cfg.diff") == R"({group name: "core", variable name: "debug", old value: -2, )"
                             "new value: -3}");
    CHECK(ask("cfg.commit").empty());
    CHECK(static_cast<int>(log::level()) == -3);
    CHECK(ask("cfg.diff").empty());
    CHECK(ask("cfg.set_delayed", {Value("core"), Value("debug"), Value(-4)}).empty());
    CHECK(ask("cfg.rollback").empty());
    CHECK(ask("cfg.commit").empty());
    CHECK(static_cast<int>(log::level()) == -3);
    CHECK(ask("cfg.reset", {Value("core"), Value("debug")}).empty());
    CHECK(log::level() == level);
    CHECK(ask("cfg.help", {Value("core"), Value("debug")}) ==
          "\"The log level of all processes. (parameter type is integer)\"");
}

TEST_CASE("stats.*: statistics are found by group and name, and begin with 0 again") {
    Asked ask("loadmodule \"htable.so\"\nmodparam(\"htable\", \"htable\", \"a=>size=4;\")");
    CHECK(ask("stats.get_statistics") == "error 400 Please provide which stats to retrieve");
    CHECK(ask("stats.get_statistics", {Value("nope")}).empty());
    (void)ask("htable.sets", {Value("a"), Value("k"), Value("v")});
    CHECK(ask("stats.get_statistics", {Value("htable:added")}) == "\"htable:added = 1\"");
    CHECK(ask("stats.fetch", {Value("htable.added")}) == "{htable.added: \"1\"");
    CHECK(ask("stats.fetchn", {Value("added")}) == "{htable.added: 1.000");
    CHECK(ask("cnt.get", {Value("htable"), Value("added")}) == "1");
    CHECK(ask("cnt.help", {Value("htable"), Value("added")}) == "\"Items made.\"");
    CHECK(ask("stats.clear_statistics", {Value("added")}) == "\"htable:added = (cleared: 1)\"");
    CHECK(ask("cnt.get", {Value("htable"), Value("added")}) == "0");
    CHECK(ask("cnt.get", {Value("htable"), Value("nope")}) ==
          "error 400 non-existent counter nope");
    CHECK(ask("cnt.var_list", {Value("htable")}).find("\"added\"") == 0);
}

TEST_CASE("system.*: every command tells what it does and takes") {
    Asked ask("loadmodule \"htable.so\"");
    CHECK(ask("system.methodHelp", {Value("core.echo")}) == "\"Says back what it was given.\"");
    CHECK(ask("system.methodHelp") == "error 400 Method Name Expected");
    CHECK(ask("system.methodHelp", {Value("nope")}) == "error 404 Unknown Method");
    CHECK(ask("system.methodSignature", {Value("htable.seti")}) ==
          "\"htable.seti(string table, string key, int value)\"");
    CHECK(ask("system.methodSignature", {Value("core.echo")}) ==
          "\"core.echo([string values …])\"");
    CHECK(ask("system.listMethods").find("\"core.version\"") != std::string::npos);
    CHECK(ask("core.kill", {Value(-1)}) == "error 400 no such signal");
}
