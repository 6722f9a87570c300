// One branch: what goes down, what comes up, retransmissions and their end.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {

TEST_CASE("an INVITE is answered 100 and relayed with our Via on top") {
    TmHost host;
    host.relay_all();
    const std::string invite = Request("INVITE").branch("z9hG4bKa1").str();
    host.receive(invite);
    REQUIRE(host.pending() == 2);
    CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.to == kCaller);
    const std::string sent = host.next();
    CHECK(host.to == kCallee);
    CHECK(start_line(sent) == start_line(invite));
    const auto vias = headers(sent, "Via");
    REQUIRE(vias.size() == 2);
    const std::string branch = parameter(vias[0], "branch");
    CHECK(branch.starts_with("z9hG4bK"));
    CHECK(branch.ends_with(".0"));
    CHECK(parameter(vias[1], "branch") == "z9hG4bKa1");
    CHECK(host.last == 1);

    SECTION("the INVITE again gets the 100 again and nothing goes down") {
        host.receive(invite);
        REQUIRE(host.pending() == 1);
        CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    }
    SECTION("a call: 180, 200, and its end") {
        host.answer(sent, 180, "Ringing");
        CHECK(host.next_line() == "SIP/2.0 180 Ringing");
        CHECK(host.to == kCaller);
        host.receive(invite);
        CHECK(host.next_line() == "SIP/2.0 180 Ringing");
        host.answer(sent, 200, "OK");
        const std::string ok = host.next();
        CHECK(start_line(ok) == "SIP/2.0 200 OK");
        CHECK(headers(ok, "Via").size() == 1);
        host.receive(invite);
        CHECK(host.next_line() == "SIP/2.0 200 OK");
        host.answer(sent, 200, "OK");
        CHECK(host.next_line() == "SIP/2.0 200 OK");
        host.advance(Ms(31900));
        host.receive(invite);
        CHECK(host.next_line() == "SIP/2.0 200 OK");
        host.advance(Ms(400));
        CHECK(host.pending() == 0);
        CHECK(host.leaks().empty());
    }
    SECTION("100 stays here, 183, 180, 180, 199 go up in this order") {
        host.answer(sent, 100, "Trying");
        CHECK(host.pending() == 0);
        for (const int code : {183, 180, 180, 199}) host.answer(sent, code, "Progress");
        for (const int code : {183, 180, 180, 199})
            CHECK(host.next_line() == "SIP/2.0 " + std::to_string(code) + " Progress");
    }
    SECTION("a negative reply is acknowledged here, and again when it comes again") {
        host.answer(sent, 486, "Busy Here", "busy");
        const std::string ack_down = host.next();
        CHECK(start_line(ack_down) == "ACK sip:bob@192.0.2.2 SIP/2.0");
        CHECK(host.to == kCallee);
        CHECK(parameter(*header(ack_down, "Via"), "branch") == branch);
        CHECK(parameter(*header(ack_down, "To"), "tag") == "busy");
        const std::string busy = host.next();
        CHECK(start_line(busy) == "SIP/2.0 486 Busy Here");
        host.answer(sent, 486, "Busy Here", "busy");
        CHECK(start_line(host.next()) == "ACK sip:bob@192.0.2.2 SIP/2.0");
        CHECK(host.pending() == 0);
        host.receive(ack(invite, busy));
        CHECK(host.pending() == 0);
        host.advance(Ms(5200));
        CHECK(host.pending() == 0);
        CHECK(host.leaks().empty());
    }
    SECTION("a reply with another Call-ID is not relayed") {
        std::string foreign = reply(sent, 200, "OK");
        const auto at = foreign.find("Call-ID: ");
        foreign.insert(at + 9, "x");
        host.receive(foreign, kCallee);
        CHECK(host.pending() == 0);
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
