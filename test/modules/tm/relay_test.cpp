// One branch: what goes down, what comes up, retransmissions and their end.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {

namespace {

/// One relayed INVITE: what came, what went down.
class Relayed : public TmHost {
public:
    Relayed() {
        relay_all();
        invite = Request("INVITE").branch("z9hG4bKa1").str();
        receive(invite);
        trying = next();
        sent = next();
    }
    std::string invite, trying, sent;
};

}  // namespace

TEST_CASE("an INVITE is answered 100 and relayed with our Via on top") {
    Relayed host;
    CHECK(host.last == 1);
    CHECK(start_line(host.trying) == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.to == kCallee);
    CHECK(start_line(host.sent) == start_line(host.invite));
    const auto vias = headers(host.sent, "Via");
    REQUIRE(vias.size() == 2);
    CHECK(parameter(vias[0], "branch").starts_with("z9hG4bK"));
    CHECK(parameter(vias[0], "branch").ends_with(".0"));
    CHECK(parameter(vias[1], "branch") == "z9hG4bKa1");
}

TEST_CASE("the INVITE again gets the 100 again and nothing goes down") {
    Relayed host;
    host.receive(host.invite);
    CHECK(host.next() == host.trying);
    CHECK(host.to == kCaller);
    CHECK(host.pending() == 0);
}

TEST_CASE("a call: 180, 200, retransmissions of both, and its end after 64*T1") {
    Relayed host;
    host.answer(host.sent, 180, "Ringing");
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    CHECK(host.to == kCaller);
    host.receive(host.invite);
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    host.answer(host.sent, 200, "OK");
    const std::string ok = host.next();
    CHECK(start_line(ok) == "SIP/2.0 200 OK");
    CHECK(headers(ok, "Via").size() == 1);
    host.receive(host.invite);
    CHECK(host.next() == ok);
    host.answer(host.sent, 200, "OK");
    CHECK(host.next() == ok);
    host.advance(Ms(31900));
    host.receive(host.invite);
    CHECK(host.next() == ok);
    host.advance(Ms(400));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("the ACK of a 2xx is passed on without state") {
    Relayed host;
    host.answer(host.sent, 200, "OK");
    (void)host.next();
    host.receive(Request("ACK").branch("z9hG4bKack").to_tag("totag").str());
    const std::string down = host.next();
    CHECK(start_line(down) == "ACK sip:bob@192.0.2.2 SIP/2.0");
    CHECK(parameter(*header(down, "Via"), "branch") !=
          parameter(*header(host.sent, "Via"), "branch"));
    CHECK(host.count("created") == 1);
}

TEST_CASE("100 stays here, 183, 180, 180, 199 go up in this order") {
    Relayed host;
    host.answer(host.sent, 100, "Trying");
    CHECK(host.pending() == 0);
    for (const int code : {183, 180, 180, 199}) host.answer(host.sent, code, "Progress");
    for (const int code : {183, 180, 180, 199})
        CHECK(host.next_line() == "SIP/2.0 " + std::to_string(code) + " Progress");
}

TEST_CASE("a negative reply is acknowledged here, and again when it comes again") {
    Relayed host;
    host.answer(host.sent, 486, "Busy Here", "busy");
    const std::string down = host.next();
    CHECK(start_line(down) == "ACK sip:bob@192.0.2.2 SIP/2.0");
    CHECK(host.to == kCallee);
    CHECK(parameter(*header(down, "Via"), "branch") ==
          parameter(*header(host.sent, "Via"), "branch"));
    CHECK(parameter(*header(down, "To"), "tag") == "busy");
    const std::string busy = host.next();
    CHECK(start_line(busy) == "SIP/2.0 486 Busy Here");
    host.answer(host.sent, 486, "Busy Here", "busy");
    CHECK(host.next() == down);
    CHECK(host.pending() == 0);
    host.receive(ack(host.invite, busy));
    CHECK(host.pending() == 0);
    host.advance(Ms(5200));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("a reply with another Call-ID is not relayed, unless reply_matching is off") {
    for (const bool match : {true, false}) {
        TmHost host;
        host.param("tm", "reply_matching", match ? 1 : 0);
        host.relay_all();
        host.receive(Request("INVITE").branch("z9hG4bKm").str());
        (void)host.next();
        std::string foreign = reply(host.next(), 200, "OK");
        foreign.insert(foreign.find("Call-ID: ") + 9, "x");
        host.receive(foreign, kCallee);
        CHECK(host.pending() == (match ? 0 : 1));
    }
}

TEST_CASE("a negative reply is repeated until Timer H when no ACK comes") {
    TmHost host;
    host.relay_all();
    host.receive(Request("INVITE").branch("z9hG4bKh").str());
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 486, "Busy Here");
    host.discard_sent();
    int waited = 0;
    std::vector<int> times;
    while (waited < 40000) {
        host.advance(Ms(100));
        waited += 100;
        while (host.pending() != 0) {
            CHECK(host.next_line() == "SIP/2.0 486 Busy Here");
            times.push_back(waited);
        }
    }
    CHECK(times ==
          std::vector<int>{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
    CHECK(host.leaks().empty());
}

}  // namespace fairlead::test
