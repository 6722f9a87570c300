// Branches to names: they wait until their next hop is known, and nothing else waits.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/tm/late_branch.h"
#include "test/modules/tm/call.h"
#include "test/support/fake_finder.h"

namespace fairlead::test {

namespace {

constexpr std::string_view kName = "sip:bob@host.example";

/// Relays all requests; what they are for is found when the test says so.
class Named : public TmHost {
public:
    Named() {
        relay_all();
        engine().set_finder(finder);
    }
    /// An INVITE for `uri`; what comes at once but the 100 is left.
    void invite(std::string_view uri = kName) {
        receive(Request("INVITE", uri).branch("z9hG4bKa1").str());
        trying = next_line();
    }
    FakeFinder finder{net};
    std::string trying;
};

}  // namespace

TEST_CASE("a branch to a name waits, and is sent when the name is known") {
    Named host;
    host.invite();
    CHECK(host.last == 1);
    CHECK(host.trying == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.pending() == 0);
    REQUIRE(host.finder.asked.size() == 1);
    CHECK(host.finder.asked[1].uri == kName);
    host.advance(Ms(1500));  // Timer A would have sent it again
    CHECK(host.pending() == 0);
    host.finder.answer(1, {"sip:192.0.2.2:5060"});
    const std::string sent = host.next();
    CHECK(host.to == kCallee);
    CHECK(start_line(sent) == "INVITE sip:bob@host.example SIP/2.0");
    CHECK(headers(sent, "Via").size() == 2);
    // From here on it is as any other branch.
    host.advance(Ms(600));
    CHECK(host.next() == sent);
    host.answer(sent, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    host.advance(Ms(40'000));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("a name that is not found fails its branch") {
    Named host;
    host.invite();
    host.finder.answer(1, {"sip:nowhere.example"});
    CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
    CHECK(host.to == kCaller);
    host.advance(Ms(70'000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("while one branch waits another is sent and answers") {
    TmHost host;
    FakeFinder finder(host.net);
    host.on_request([&](Message& m) {
        m.append_branch({.uri = m.arena.copy("sip:bob@192.0.2.2")});
        host.last = host.call(m, "t_relay");
    });
    host.start();
    host.engine().set_finder(finder);
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    (void)host.next();
    const std::string known = host.next();
    CHECK(host.to == kCallee);
    CHECK(parameter(headers(known, "Via")[0], "branch").ends_with(".1"));
    host.answer(known, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    // The call is answered: what waited is sent no more.
    finder.answer(1, {"sip:192.0.2.3"});
    CHECK(host.pending() == 0);
    host.advance(Ms(40'000));
    CHECK(host.leaks().empty());
}

TEST_CASE("a call that is cancelled while its branch waits") {
    Named host;
    host.invite();
    host.receive(Request("CANCEL", kName).branch("z9hG4bKa1").str());
    std::vector<std::string> lines;
    while (host.pending() != 0) lines.push_back(host.next_line());
    CHECK(std::ranges::count(lines, "SIP/2.0 487 Request Terminated") == 1);
    host.finder.answer(1, {"sip:192.0.2.2"});
    CHECK(host.pending() == 0);
    host.advance(Ms(70'000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("a name that is never found ends with its transaction's timer") {
    Named host;
    host.invite();
    host.advance(Ms(35'000));
    CHECK(host.next_line() == "SIP/2.0 408 Request Timeout");
    host.finder.answer(1, {"sip:192.0.2.2"});  // too late
    host.advance(Ms(70'000));
    for (; host.pending() != 0;) CHECK_FALSE(host.next_line().starts_with("INVITE"));
    CHECK(host.leaks().empty());
}

TEST_CASE("the late branch cannot be sent, or there is no memory for it") {
    Named host;
    host.invite();
    host.net.verdict = Sent::queue_full;
    host.finder.answer(1, {"sip:192.0.2.2"});
    host.net.verdict = Sent::queued;
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
    host.receive(Request("OPTIONS", kName).branch("z9hG4bKo").call_id("other").str());
    host.segment->fail_nth(1);
    host.finder.answer(2, {"sip:192.0.2.2"});
    host.discard_sent();
    host.advance(Ms(70'000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("so many branches wait and no more") {
    Named host;
    for (std::size_t i = 0; i < tm::LateBranches::kMost; ++i) {
        const std::string id = "z9hG4bK" + std::to_string(i);
        host.receive(Request("OPTIONS", kName).branch(id).call_id(id).str());
        REQUIRE(host.last == 1);
    }
    host.receive(Request("OPTIONS", kName).branch("z9hG4bKx").call_id("x").str());
    CHECK(host.last == static_cast<int>(ScriptError::bad_address));
    CHECK(host.finder.asked.size() == tm::LateBranches::kMost);
    CHECK(host.finder.refused == 1);
}

TEST_CASE("what the script says of place and transport may be a name") {
    TmHost host;
    FakeFinder finder(host.net);
    std::string function, where;
    host.on_request([&](Message& m) {
        host.last = where.empty() ? host.call(m, function)
                                  : host.call(m, function, {std::string_view(where)});
    });
    host.start();
    host.engine().set_finder(finder);
    const auto asked = [&](std::string_view name, std::string_view place) {
        function = name;
        where = place;
        const std::string id = "z9hG4bK" + std::to_string(finder.last);
        host.receive(Request("OPTIONS", kName).branch(id).call_id(id).str());
        CHECK(host.last == 1);
        return finder.asked[finder.last].uri;
    };
    CHECK(asked("t_relay_to", "udp:other.example:5070") == "sip:other.example:5070;transport=udp");
    CHECK(asked("t_relay_to", "other.example") == "sip:other.example");
    CHECK(asked("t_relay_to_udp", "") == "sip:host.example;transport=udp");
    CHECK(asked("t_relay_to_udp", "") == "sip:host.example;transport=udp");
    finder.answer(1, {"sip:192.0.2.2:5070"});
    CHECK(start_line(host.next()) == "OPTIONS sip:bob@host.example SIP/2.0");
    CHECK(host.to == "192.0.2.2:5070");
}

}  // namespace fairlead::test
