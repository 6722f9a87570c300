// Stateless forwarding to names: the request waits, the script and other requests do not.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "core/api/late_send.h"
#include "core/server/late_forward.h"
#include "test/support/fake_finder.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture {
    ModuleHost host;
    FakeFinder finder{host.net};
    ScriptError error = ScriptError::none;
    std::function<void(Message&)> before = [](Message&) {};
    Fixture() {
        host.on_request([this](Message& m) {
            before(m);
            error = host.engine().forward(m);
        });
        host.start();
        host.engine().set_finder(finder);
    }
    ScriptError forward(const Request& request) {
        host.receive(request.str());
        return error;
    }
};

}  // namespace

TEST_CASE("a request to a name waits, and others do not") {
    Fixture f;
    CHECK(f.forward(Request("OPTIONS", "sip:bob@host.example")) == ScriptError::none);
    CHECK(f.host.pending() == 0);
    REQUIRE(f.finder.asked.size() == 1);
    CHECK(f.finder.asked[1].uri == "sip:bob@host.example");
    CHECK(f.forward(Request("OPTIONS", "sip:bob@192.0.2.7")) == ScriptError::none);
    CHECK(f.host.take().target.address == address("192.0.2.7:5060"));
    f.finder.answer(1, {"sip:192.0.2.9:5070"});
    const Packet sent = f.host.take();
    CHECK(sent.target.address == address("192.0.2.9:5070"));
    CHECK(start_line(sent.bytes) == "OPTIONS sip:bob@host.example SIP/2.0");
    CHECK(f.host.statistic("core", "fwd_requests") == 2);
    CHECK(f.host.leaks().empty());
}

TEST_CASE("what waited leaves as the script left it") {
    Fixture f;
    const auto changes = [](Message& m) {
        m.target.uri = m.arena.copy("sip:carol@host.example");
        m.target.path = m.arena.copy("<sip:path.example;lr>");
        m.edits.append_header(m.sip, m.arena.copy("X-Added: yes\r\n"));
        for (const sip::Header& h : m.sip.headers())
            if (h.type == sip::HeaderType::max_forwards) m.edits.remove(h);
        m.advertised_host = m.arena.copy("edge.example");
        m.via_params = m.arena.copy(";x=1");
        m.force_rport = true;
    };
    f.before = changes;
    CHECK(f.forward(Request("OPTIONS", "sip:bob@a.example")) == ScriptError::none);
    // Other messages use the same memory meanwhile.
    f.before = [](Message&) {};
    for (int i = 0; i < 20; ++i) CHECK(f.forward(Request("OPTIONS")) == ScriptError::none);
    f.host.discard_sent();
    f.finder.answer(1, {"sip:192.0.2.9"});
    const std::string late = f.host.take().bytes;
    f.before = [&](Message& m) {
        changes(m);
        m.target.dst_uri = m.arena.copy("sip:192.0.2.9");
    };
    CHECK(f.forward(Request("OPTIONS", "sip:bob@a.example")) == ScriptError::none);
    CHECK(late == f.host.take().bytes);
    CHECK(late.find("X-Added: yes\r\n") != std::string::npos);
    CHECK(late.find("Via: SIP/2.0/UDP edge.example") != std::string::npos);
}

TEST_CASE("a name that is not found drops the request") {
    Fixture f;
    CHECK(f.forward(Request("OPTIONS", "sip:bob@host.example")) == ScriptError::none);
    f.finder.answer(1, {"sip:nowhere.example"});
    CHECK(f.host.pending() == 0);
    CHECK(f.host.statistic("core", "forwards_unresolved") == 1);
    CHECK(f.host.leaks().empty());
}

TEST_CASE("so many requests wait and no more") {
    Fixture f;
    for (std::size_t i = 0; i < server::LateForwards::kMost; ++i)
        REQUIRE(f.forward(Request("OPTIONS", "sip:bob@host.example")) == ScriptError::none);
    CHECK(f.forward(Request("OPTIONS", "sip:bob@host.example")) == ScriptError::bad_address);
    CHECK(f.finder.asked.size() == server::LateForwards::kMost);
    CHECK(f.finder.refused == 1);
    f.finder.answer(1, {"sip:192.0.2.9"});
    CHECK(f.forward(Request("OPTIONS", "sip:bob@host.example")) == ScriptError::none);
}

TEST_CASE("so many complete messages wait and no more") {
    Fixture f;
    LateSends sends(f.host.net);
    const HopQuestion question{.uri = "sip:host.example"};
    for (std::size_t i = 0; i < LateSends::kMost; ++i)
        REQUIRE(sends.send(f.finder, question, "a message") == ScriptError::none);
    CHECK(sends.send(f.finder, question, "one more") == ScriptError::bad_address);
    CHECK(f.finder.refused == 1);
    CHECK(f.finder.asked.size() == LateSends::kMost);
    f.finder.answer(1, {"sip:192.0.2.9"});
    CHECK(f.host.take().bytes == "a message");
    CHECK(sends.send(f.finder, question, "one more") == ScriptError::none);
}
