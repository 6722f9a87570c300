// Commands of the core and of modules, as every interface runs them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "core/base/log.h"
#include "test/support/message_builder.h"
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
    CHECK(ask("htable.setex", {Value("a"), Value("k"), Value(70)}) ==
          "error 500 Items of this htable do not expire.");
    CHECK(ask("htable.setex", {Value("b"), Value("z"), Value(70)}) ==
          "error 404 Key not found in htable.");
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

TEST_CASE("pv.shv*: shared variables are shown and set") {
    Asked ask(
        "loadmodule \"pv.so\"\nmodparam(\"pv\", \"shvset\", \"n=i:1\")\n"
        "modparam(\"pv\", \"shvset\", \"t=s:x\")");
    CHECK(ask("pv.shvGet", {Value("n")}) == R"({name: "n", type: "int", value: 1})");
    CHECK(ask("pv.shvGet") == R"({items: {shv: {name: "n", type: "int", value: 1}, )"
                              R"(shv: {name: "t", type: "string", value: "x"}}})");
    CHECK(ask("pv.shvGet", {Value("z")}) == "error 404 Variable not found");
    CHECK(ask("pv.shvSet", {Value("n"), Value("int"), Value("-7")}) ==
          "\"Ok. Variable set to new value.\"");
    CHECK(ask("pv.shvGet", {Value("n")}) == R"({name: "n", type: "int", value: -7})");
    CHECK(ask("pv.shvSet", {Value("n"), Value("int"), Value("x")}) ==
          "error 400 An integer is expected");
    CHECK(ask("pv.shvSet", {Value("n"), Value("kind"), Value("x")}) ==
          "error 400 Unknown type: int or str");
    CHECK(ask("pv.shvSet", {Value("z"), Value("int"), Value(1)}) == "error 404 Variable not found");
    const std::string big(70'000, 'x');
    CHECK(ask("pv.shvSet", {Value("t"), Value("str"), Value(std::string_view(big))}) ==
          "error 500 The variable cannot be set");
}

TEST_CASE("tm.*: transactions are listed, counted, cancelled and answered") {
    ModuleHost host;
    host.config("loadmodule \"tm.so\"\nrequest_route { t_relay(); }");
    host.start();
    const auto ask_it = [&](std::string_view command, std::vector<Value> arguments = {}) {
        return ask(host.engine(), command, std::move(arguments));
    };
    CHECK(ask_it("tm.list").empty());
    CHECK(ask_it("tm.hash_stats").empty());
    host.receive(Request("INVITE", "sip:bob@127.0.0.9").str());
    const std::string listed = ask_it("tm.list");
    CHECK(listed.find(R"(method: "INVITE", from: ")") != std::string::npos);
    CHECK(listed.find(R"(uas_request: "yes")") != std::string::npos);
    CHECK(listed.find("outgoings: 1") != std::string::npos);
    CHECK(ask_it("tm.hash_stats").find("current: 1}") != std::string::npos);
    CHECK(ask_it("tm.stats").find("{current: 1, waiting: 0, total: 1, total_local: 0, ") == 0);
    const std::size_t at = listed.find("callid: \"") + 9;
    const std::string call_id = listed.substr(at, listed.find('"', at) - at);
    const std::size_t number = listed.find("cseq: \"") + 7;
    const std::string cseq = listed.substr(number, listed.find('"', number) - number);
    const Value id{std::string_view(call_id)}, count{std::string_view(cseq)};
    host.discard_sent();
    CHECK(ask_it("tm.cancel", {Value("nobody"), count}) == "error 400 Transaction not found");
    CHECK(ask_it("tm.cancel", {id}) == "error 400 Callid and CSeq expected as parameters");
    CHECK(ask_it("tm.reply_callid", {Value(99), Value("No"), id, count, Value("tag")}) ==
          "error 400 Reply code expected");
    CHECK(ask_it("tm.reply_callid", {Value(480), Value("No\r\nX: y"), id, count, Value("tag")}) ==
          "error 400 Reason phrase expected");
    CHECK(host.pending() == 0);
    CHECK(ask_it("tm.reply_callid", {Value(480), Value("Gone"), id, count, Value("tag")}).empty());
    CHECK(host.take().bytes.starts_with("SIP/2.0 480 Gone\r\n"));
    CHECK(ask_it("tm.reply_callid", {Value(480), Value("Gone"), id, count, Value("tag")}) ==
          "error 404 Transaction not found");
    CHECK(ask_it("tm.clean").empty());
}

TEST_CASE("cfg.*: timers, limits and phrases of modules are changed while the server runs") {
    ModuleHost host;
    host.config(
        "loadmodule \"tm.so\"\nloadmodule \"maxfwd.so\"\nloadmodule \"cfg_rpc.so\"\n"
        "request_route { if (!maxfwd_process(10)) { t_send_reply(\"0\", \"\"); exit; } "
        "t_relay(); }");
    host.start();
    const auto set = [&](std::string_view command, std::string_view group, std::string_view name,
                         const Value& value) {
        return ask(host.engine(), command, {Value(group), Value(name), value});
    };
    // The first that left and begins so.
    const auto left = [&](std::string_view begin) {
        while (host.pending() != 0) {
            const std::string bytes = host.take().bytes;
            if (bytes.starts_with(begin)) return bytes;
        }
        return std::string();
    };
    int count = 0;
    const auto relayed = [&](int hops) {
        Request request("INVITE", "sip:bob@127.0.0.9");
        const std::string number = std::to_string(++count);
        host.receive(request.branch("z9hG4bK" + number).call_id(number).max_forwards(hops).str());
        return left("INVITE ");
    };
    CHECK(set("cfg.set_now_int", "maxfwd", "max_limit", Value(20)).empty());
    CHECK(relayed(60).find("Max-Forwards: 20\r\n") != std::string::npos);
    CHECK(set("cfg.seti", "maxfwd", "max_limit", Value(256)) ==
          "error 400 Failed to set the variable");

    CHECK(set("cfg.set_now_int", "tm", "fr_timer", Value(700)).empty());
    CHECK_FALSE(relayed(70).empty());
    host.advance(Ms(800));
    CHECK_FALSE(left("SIP/2.0 408 ").empty());

    CHECK(set("cfg.set_delayed_int", "tm", "default_code", Value(480)).empty());
    CHECK(set("cfg.set_delayed_string", "tm", "default_reason", Value("Not now")).empty());
    CHECK(ask(host.engine(), "cfg.commit").empty());
    host.receive(Request("OPTIONS", "sip:bob@127.0.0.9").max_forwards(0).str());
    CHECK_FALSE(left("SIP/2.0 480 Not now\r\n").empty());

    CHECK(set("cfg.seti", "tm", "max_transactions", Value(1)).empty());
    CHECK(relayed(70).empty());
    CHECK(ask(host.engine(), "cfg.reset", {Value("tm"), Value("max_transactions")}).empty());
    CHECK_FALSE(relayed(70).empty());
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
