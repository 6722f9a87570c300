// What is noted of transactions that are traced, and what operators are told of it.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <ranges>
#include <string>
#include <vector>

#include "core/server/trace_table.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using server::TraceTable;
using What = Trace::Kind;

namespace {

std::vector<std::string> texts(const TraceTable& table, std::string_view call_id, What kind) {
    std::vector<std::string> out;
    for (const auto& e : table.events(call_id))
        if (e.kind == kind) out.push_back(e.text);
    return out;
}
using Texts = std::vector<std::string>;

struct Traces {
    std::unique_ptr<shm::Segment> memory = *shm::Segment::create(4 << 20);
    FakeClock clock;
    TraceTable table;
    explicit Traces(std::size_t transactions) {
        memory->enter(0);
        REQUIRE(table.prepare(*memory, clock, transactions));
    }
    void note(std::string_view call, std::uint32_t cseq, std::string_view text) {
        table.note(call, cseq, What::sent, text, {});
    }
};

}  // namespace

TEST_CASE("a script that is traced leaves its routes, calls, variables and messages") {
    ModuleHost host;
    host.globals.trace = true;
    host.config(R"(loadmodule "pv.so"
                   loadmodule "sl.so"
                   route[DEEP] { $var(n) = -3; $var(none) = $null; return -1; }
                   request_route {
                       $var(a) = "b" + "c";
                       if (!route(DEEP)) { sl_send_reply("404", "No"); }
                   })");
    host.start();
    host.receive(Request("OPTIONS").str());
    const TraceTable& table = host.engine().traces();
    const auto calls = table.calls();
    REQUIRE(calls.size() == 1);
    const std::string& id = calls.front().call_id;
    CHECK(texts(table, id, What::route) == Texts{"request_route", "route[DEEP]"});
    CHECK(texts(table, id, What::assigned) ==
          Texts{"$var(a) = \"bc\"", "$var(n) = -3", "$var(none) = <null>"});
    CHECK(texts(table, id, What::call) == Texts{"sl_send_reply(): 1"});
    const auto received = texts(table, id, What::received), sent = texts(table, id, What::sent);
    REQUIRE(received.size() == 1);
    CHECK(received.front().starts_with("OPTIONS sip:"));
    CHECK(received.front().ends_with(" SIP/2.0 from udp:192.0.2.1:5060"));
    REQUIRE(sent.size() == 1);
    CHECK(sent.front().starts_with("SIP/2.0 404 No to udp:"));
    const auto events = table.events(id);
    const auto call = std::ranges::find(events, What::call, &TraceTable::Event::kind);
    CHECK(call->place.ends_with(":6"));
}

TEST_CASE("nothing is noted unless tracing is on, and it is turned on and off while it runs") {
    ModuleHost host;
    host.config(R"(loadmodule "sl.so"
                   request_route { sl_send_reply("200", "OK"); })");
    host.start();
    host.receive(Request("OPTIONS").str());
    CHECK(host.engine().traces().calls().empty());
    CHECK(host.leaks().empty());
    auto& tunables = host.engine().tunables();
    REQUIRE(tunables.set(*tunables.find("core", "trace"), Value(1)));
    host.receive(Request("OPTIONS").str());
    CHECK(host.engine().traces().calls().size() == 1);
    REQUIRE(tunables.set(*tunables.find("core", "trace"), Value(0)));
    const auto before = host.engine().traces().events(host.engine().traces().calls()[0].call_id);
    host.receive(Request("OPTIONS").str());
    CHECK(host.engine().traces().events(host.engine().traces().calls()[0].call_id).size() ==
          before.size());
    host.engine().traces().clear();
    CHECK(host.leaks().empty());
}

TEST_CASE("a full ring loses its first events and says how many") {
    Traces t(1);
    for (int i = 0; i < 1000; ++i) t.note("call", 1, "event " + std::to_string(i));
    const auto events = t.table.events("call");
    CHECK(events.back().text == "event 999");
    CHECK(events.size() + static_cast<std::size_t>(t.table.lost("call")) == 1000);
    CHECK(events.size() > 150);
    for (std::size_t i = 0; i < events.size(); ++i)
        CHECK(events[i].text == "event " + std::to_string(1000 - events.size() + i));
}

TEST_CASE("transactions of one call are kept apart and told together") {
    Traces t(64);
    t.note("call", 1, "invite");
    t.note("call", 2, "bye");
    t.note("call", 1, "late");
    t.note("other", 1, "nothing");
    const auto events = t.table.events("call");
    REQUIRE(events.size() == 3);
    CHECK(events[0].cseq == 1);
    CHECK(t.table.calls().size() == 3);
}

TEST_CASE("the ring that was used longest ago makes room") {
    Traces t(1);  // one set of four places
    for (int i = 0; i < 4; ++i) {
        t.clock.advance(Ms(1));
        t.note("call " + std::to_string(i), 1, "x");
    }
    t.clock.advance(Ms(1));
    t.note("call 0", 1, "again");
    t.clock.advance(Ms(1));
    t.note("new", 1, "x");
    CHECK(t.table.events("call 1").empty());
    CHECK(t.table.events("call 0").size() == 2);
    CHECK(t.table.events("new").size() == 1);
    CHECK(t.table.lost("new") == 0);
}

TEST_CASE("hostile texts are cut where a character ends, and no memory is an ordinary result") {
    Traces t(8);
    std::string text(Trace::kMaxText - 4, 'x');
    for (int i = 0; i < 100; ++i) text += "ä";
    t.note("call", 1, text);
    t.note("call", 1, std::string(64 * 1024, '\xff'));
    t.note(std::string(64 * 1024, 'c'), 1, "long name");
    t.note("", 1, "no name");
    const auto events = t.table.events("call");
    REQUIRE(events.size() == 2);
    CHECK(events[0].text == std::string(Trace::kMaxText - 4, 'x') + "…");
    CHECK(events[1].text.size() <= Trace::kMaxText);
    CHECK(t.table.events(std::string(64 * 1024, 'c')).size() == 1);
    t.memory->fail_nth(1);
    t.note("starved", 1, "x");
    CHECK(t.table.events("starved").empty());
    t.note("starved", 1, "x");
    CHECK(t.table.events("starved").size() == 1);
}
