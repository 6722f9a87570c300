// The timers of RFC 3261 17 and their parameters, as the wire shows them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

using Times = std::vector<int>;

/// Milliseconds at which a packet with this start of its first line left, until `end`.
Times times(TmHost& host, std::string_view start, int end) {
    Times found;
    for (int at = 100; at <= end; at += 100) {
        host.advance(Ms(100));
        while (host.pending() != 0)
            if (host.next_line().starts_with(start)) found.push_back(at);
    }
    return found;
}

/// Relays one request; returns what was sent down.
std::string relayed(TmHost& host, std::string_view method) {
    host.relay_all();
    host.receive(Request(method).branch("z9hG4bKt").str());
    if (method == "INVITE") (void)host.next();
    return host.next();
}

}  // namespace

TEST_CASE("17.1.1.2: Timer A doubles, Timer B ends with 408") {
    TmHost host;
    (void)relayed(host, "INVITE");
    CHECK(times(host, "INVITE", 29900) == Times{500, 1500, 3500, 7500, 15500});
    host.advance(Ms(200));
    CHECK(host.next_line() == "SIP/2.0 408 Request Timeout");
    host.discard_sent();
    host.advance(Ms(40000));
    CHECK(host.leaks().empty());
}

TEST_CASE("retr_invite_cap: Timer A stops at T2") {
    TmHost host;
    host.param("tm", "retr_invite_cap", 1);
    (void)relayed(host, "INVITE");
    CHECK(times(host, "INVITE", 20000) == Times{500, 1500, 3500, 7500, 11500, 15500, 19500});
}

TEST_CASE("17.1.2.2: Timer E doubles to T2; RFC 4320: no 408, a 100 after 3.5 s") {
    TmHost host;
    (void)relayed(host, "MESSAGE");
    std::vector<int> copies;
    std::string others;
    for (int at = 100; at <= 36000; at += 100) {
        host.advance(Ms(100));
        while (host.pending() != 0) {
            const std::string line = host.next_line();
            if (line.starts_with("MESSAGE")) {
                copies.push_back(at);
            } else {
                others += std::to_string(at) + " " + line + "\n";
            }
        }
    }
    CHECK(copies == Times{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500});
    CHECK(others == "3500 SIP/2.0 100 trying -- your call is important to us\n");
    CHECK(host.leaks().empty());
}

TEST_CASE("rfc4320=0: 408 for a request nobody answers, provisional replies pass") {
    TmHost host;
    host.param("tm", "rfc4320", 0);
    const std::string sent = relayed(host, "OPTIONS");
    host.answer(sent, 180, "Ringing");
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    CHECK(times(host, "SIP/2.0 408", 31000) == Times{30000});
}

TEST_CASE("RFC 4320 4.1: a provisional reply other than 100 does not pass") {
    TmHost host;
    const std::string sent = relayed(host, "OPTIONS");
    host.answer(sent, 183, "Progress");
    CHECK(host.pending() == 0);
    host.answer(sent, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
}

TEST_CASE("a provisional reply stops Timer A and slows Timer E down") {
    TmHost host;
    const std::string sent = relayed(host, "INVITE");
    host.answer(sent, 100, "Trying");
    CHECK(times(host, "INVITE", 20000).empty());

    TmHost other;
    const std::string options = relayed(other, "OPTIONS");
    other.answer(options, 100, "Trying");
    CHECK(times(other, "OPTIONS", 13000) == Times{4000, 8000, 12000});
}

TEST_CASE("Timer C: CANCEL without Reason downstream, 408 upstream") {
    TmHost host;
    host.param("tm", "fr_inv_timer", "4s"sv);
    const std::string sent = relayed(host, "INVITE");
    host.answer(sent, 180, "Ringing");
    host.discard_sent();
    host.advance(Ms(3900));
    CHECK(host.pending() == 0);
    host.advance(Ms(200));
    REQUIRE(host.pending() == 2);
    const std::string first = host.next(), second = host.next();
    CHECK(start_line(first) == "CANCEL sip:bob@192.0.2.2 SIP/2.0");
    CHECK_FALSE(header(first, "Reason"));
    CHECK(start_line(second) == "SIP/2.0 408 Request Timeout");
    // What the callee says to the CANCELed INVITE is acknowledged and goes no further.
    host.answer(first, 200, "OK");
    host.answer(sent, 487, "Request Terminated");
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.pending() == 0);
}

TEST_CASE("a 200 that comes after our 408 is relayed") {
    TmHost host;
    host.param("tm", "fr_timer", 2000);
    const std::string sent = relayed(host, "INVITE");
    host.advance(Ms(2100));
    host.discard_sent();
    host.answer(sent, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
}

TEST_CASE("t_set_fr changes one transaction") {
    const auto timeout = [](bool rings) {
        TmHost host;
        host.on_request([&](Message& m) {
            host.call(m, "t_set_fr", {2000, 1000});
            host.call(m, "t_relay");
        });
        host.start();
        host.receive(Request("INVITE").branch("z9hG4bKfr").str());
        (void)host.next();
        const std::string sent = host.next();
        if (rings) host.answer(sent, 180, "Ringing");
        return times(host, "SIP/2.0 408", 5000).at(0);
    };
    CHECK(timeout(false) == 1000);
    CHECK(timeout(true) == 2000);
}

TEST_CASE("max_inv_lifetime ends what keeps ringing") {
    TmHost host;
    host.param("tm", "fr_inv_timer", 4000);
    host.param("tm", "max_inv_lifetime", 2500);
    const std::string sent = relayed(host, "INVITE");
    host.answer(sent, 180, "Ringing");
    host.advance(Ms(1000));
    host.answer(sent, 180, "Ringing");
    host.advance(Ms(1000));
    host.answer(sent, 180, "Ringing");
    host.discard_sent();
    CHECK(times(host, "SIP/2.0 408", 3000).at(0) == 500);
}

TEST_CASE("retr_timer1p1 to 1p3: three intervals of their own, then T2") {
    TmHost host;
    host.param("tm", "retr_timer1p1", 1);
    host.param("tm", "retr_timer1p2", 3);
    host.param("tm", "retr_timer1p3", 2);
    host.param("tm", "retr_timer2", 5);
    (void)relayed(host, "INVITE");
    CHECK(times(host, "INVITE", 20000) == Times{1000, 4000, 6000, 11000, 16000});
}

TEST_CASE("fr_timer=2 is two seconds") {
    TmHost host;
    host.param("tm", "fr_timer", 2);
    (void)relayed(host, "INVITE");
    CHECK(times(host, "SIP/2.0 408", 5000).at(0) == 2000);
}

TEST_CASE("a mixture of seconds and milliseconds ends the start") {
    TmHost host;
    host.param("tm", "fr_timer", 30);
    host.param("tm", "retr_timer2", 4000);
    const auto started = host.try_start();
    REQUIRE_FALSE(started);
    CHECK(started.error().str().find("set timer_units") != std::string::npos);
}

TEST_CASE("fr_timer_avp and fr_inv_timer_avp: seconds of one transaction") {
    const auto timeout = [](const Value& value, bool rings) {
        TmHost host;
        host.param("tm", "fr_timer_avp", "$avp(s:fr)"sv);
        host.param("tm", "fr_inv_timer_avp", "fr_inv"sv);
        host.on_request([&](Message& m) {
            m.avps.add("fr", value);
            m.avps.add("fr_inv", value);
            host.call(m, "t_relay");
        });
        host.start();
        host.receive(Request("INVITE").branch("z9hG4bKfr").str());
        (void)host.next();
        const std::string sent = host.next();
        if (rings) host.answer(sent, 180, "Ringing");
        const Times found = times(host, "SIP/2.0 408", 20000);
        return found.empty() ? 0 : found.at(0);
    };
    CHECK(timeout(Value(std::int64_t{2}), false) == 2000);
    CHECK(timeout(Value(std::int64_t{2}), true) == 2000);
    CHECK(timeout(Value("3"sv), true) == 3000);
    CHECK(timeout(Value("1500ms"sv), true) == 1500);
    for (const Value& none : {Value(std::int64_t{0}), Value(std::int64_t{-5}), Value("x"sv),
                              Value(std::int64_t{INT64_MAX})})
        CHECK(timeout(none, true) == 0);
}

TEST_CASE("an INVITE with a time from fr_inv_timer_avp does not end silently") {
    TmHost host;
    host.param("tm", "noisy_ctimer", 0);
    host.param("tm", "silent_when_unanswered", 1);
    host.param("tm", "fr_inv_timer_avp", "fr_inv"sv);
    host.param("tm", "fr_timer", 2000);
    bool has_avp = false;
    host.on_request([&](Message& m) {
        if (has_avp) m.avps.add("fr_inv", Value(std::int64_t{60}));
        host.call(m, "t_relay");
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKquiet").str());
    CHECK(times(host, "SIP/2.0 408", 5000).empty());
    has_avp = true;
    host.receive(Request("INVITE").branch("z9hG4bKnoisy").call_id("noisy").str());
    CHECK_FALSE(times(host, "SIP/2.0 408", 5000).empty());
}

TEST_CASE("t_set_max_lifetime bounds one transaction, t_reset_max_lifetime lifts it") {
    const auto timeout = [](bool reset) {
        TmHost host;
        host.on_request([&](Message& m) {
            host.call(m, "t_set_max_lifetime", {2000, 1000});
            if (reset) host.call(m, "t_reset_max_lifetime");
            host.call(m, "t_relay");
        });
        host.start();
        host.receive(Request("INVITE").branch("z9hG4bKm").str());
        (void)host.next();
        host.answer(host.next(), 180, "Ringing");
        const Times found = times(host, "SIP/2.0 408", 20000);
        return found.empty() ? 0 : found.at(0);
    };
    CHECK(timeout(false) == 2000);
    CHECK(timeout(true) == 0);
}

TEST_CASE("what Net could not send ends the branch at once") {
    TmHost host;
    host.relay_all();
    host.receive(Request("INVITE").branch("z9hG4bKs").str());
    (void)host.take();
    host.fail(host.take());
    CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
}

}  // namespace fairlead::test
