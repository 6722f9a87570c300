// CANCEL from the client, in every phase of the INVITE.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// One relayed INVITE, its 100 taken.
class Call : public TmHost {
public:
    void begin() {
        relay_all();
        invite = Request("INVITE")
                     .branch("z9hG4bKc")
                     .header("Route", "<sip:192.0.2.2;lr>")
                     .header("Require", "100rel")
                     .str();
        receive(invite);
        (void)next();
        sent = next();
    }
    void ring() {
        answer(sent, 180, "Ringing");
        (void)next();
    }
    void cancel_it() { receive(cancel(invite)); }
    std::string invite, sent;
};

}  // namespace

TEST_CASE("a ringing branch gets CANCEL, the client 200; 487 goes up") {
    Call call;
    call.begin();
    call.ring();
    call.cancel_it();
    const std::string down = call.next();
    CHECK(start_line(down) == "CANCEL sip:bob@192.0.2.2 SIP/2.0");
    CHECK(headers(down, "Via").size() == 1);
    CHECK(parameter(*header(down, "Via"), "branch") ==
          parameter(*header(call.sent, "Via"), "branch"));
    CHECK(header(down, "Route") == "<sip:192.0.2.2;lr>");
    CHECK_FALSE(header(down, "Require"));
    CHECK(call.next_line() == "SIP/2.0 200 canceling");
    call.cancel_it();
    CHECK(call.next_line() == "SIP/2.0 200 canceling");
    call.answer(down, 200, "OK");
    CHECK(call.pending() == 0);
    call.answer(call.sent, 487, "Request Terminated");
    CHECK(call.next_line().starts_with("ACK "));
    const std::string up = call.next();
    CHECK(start_line(up) == "SIP/2.0 487 Request Terminated");
    call.receive(ack(call.invite, up));
    call.advance(Ms(40000));
    CHECK(call.pending() == 0);
    CHECK(call.leaks().empty());
}

TEST_CASE("the Reason of the CANCEL goes with it") {
    Call call;
    call.begin();
    call.ring();
    std::string with_reason = cancel(call.invite);
    with_reason.insert(with_reason.find("Call-ID:"), "Reason: Q.850;cause=16\r\nX-Other: no\r\n");
    call.receive(with_reason);
    const std::string down = call.next();
    CHECK(header(down, "Reason") == "Q.850;cause=16");
    CHECK_FALSE(header(down, "X-Other"));
}

TEST_CASE("before any reply: cancel_b_method 1 waits for a provisional one") {
    Call call;
    call.begin();
    call.cancel_it();
    CHECK(call.next_line() == "SIP/2.0 200 canceling");
    call.advance(Ms(600));
    CHECK(call.next_line().starts_with("INVITE "));
    call.answer(call.sent, 180, "Ringing");
    CHECK(call.next_line().starts_with("CANCEL "));
    CHECK(call.pending() == 0);  // the 180 is of no use any more
}

TEST_CASE("before any reply: cancel_b_method 0 answers 487 at once") {
    Call call;
    call.param("tm", "cancel_b_method", 0);
    call.begin();
    call.cancel_it();
    CHECK(call.next_line() == "SIP/2.0 487 Request Terminated");
    CHECK(call.next_line() == "SIP/2.0 200 canceling");
    call.advance(Ms(300));
    CHECK(call.pending() == 0);
    call.answer(call.sent, 200, "OK");  // crossed: it must not get lost
    CHECK(call.next_line() == "SIP/2.0 200 OK");
}

TEST_CASE("before any reply: cancel_b_method 2 sends CANCEL at once") {
    Call call;
    call.param("tm", "cancel_b_method", 2);
    call.begin();
    call.cancel_it();
    CHECK(call.next_line().starts_with("CANCEL "));
    CHECK(call.next_line() == "SIP/2.0 200 canceling");
    call.advance(Ms(600));
    CHECK(call.next_line().starts_with("CANCEL "));
    CHECK(call.pending() == 0);
}

TEST_CASE("behind a final reply CANCEL changes nothing") {
    Call call;
    call.begin();
    call.answer(call.sent, 486, "Busy Here");
    call.discard_sent();
    call.cancel_it();
    CHECK(call.next_line() == "SIP/2.0 200 ok -- no more pending branches");
    CHECK(call.pending() == 0);
}

TEST_CASE("without branches CANCEL ends the INVITE") {
    TmHost host;
    host.on_request([&](Message& m) {
        if (m.sip.method() == sip::Method::cancel) {
            host.call(m, "t_relay");
        } else {
            host.call(m, "t_newtran");
            host.call(m, "t_reply", {183, "Progress"sv});
        }
    });
    host.start();
    const std::string invite = Request("INVITE").branch("z9hG4bKn").str();
    host.receive(invite);
    host.discard_sent();
    host.receive(cancel(invite));
    const std::string ended = host.next();
    CHECK(start_line(ended) == "SIP/2.0 487 Request canceled");
    const std::string answered = host.next();
    CHECK(start_line(answered) == "SIP/2.0 200 ok -- no more pending branches");
    // RFC 3261 9.2: both with the same To-tag.
    CHECK(parameter(*header(ended, "To"), "tag") == parameter(*header(answered, "To"), "tag"));
}

TEST_CASE("a callee that never answers the CANCEL: 487 when its time is up") {
    Call call;
    call.param("tm", "fr_inv_timer", 4000);
    call.begin();
    call.ring();
    call.cancel_it();
    call.discard_sent();
    call.advance(Ms(3900));
    int cancels = 0;
    while (call.pending() != 0) cancels += call.next_line().starts_with("CANCEL ") ? 1 : 0;
    CHECK(cancels == 3);
    call.advance(Ms(200));
    CHECK(call.next_line() == "SIP/2.0 487 Request Terminated");
    call.advance(Ms(64000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

TEST_CASE("a 200 that crosses the CANCEL goes up; the CANCEL is repeated until answered") {
    Call call;
    call.begin();
    call.ring();
    call.cancel_it();
    call.discard_sent();
    call.answer(call.sent, 200, "OK");
    CHECK(call.next_line() == "SIP/2.0 200 OK");
    call.advance(Ms(600));
    const std::string down = call.next();
    CHECK(down.starts_with("CANCEL "));
    call.answer(down, 200, "OK");
    call.advance(Ms(33000));
    CHECK(call.pending() == 0);
    CHECK(call.leaks().empty());
}

TEST_CASE("a CANCEL with another Call-ID matches nothing: unmatched_cancel decides") {
    for (const int mode : {0, 1, 2}) {
        Call call;
        call.param("tm", "unmatched_cancel", mode);
        call.begin();
        std::string other = cancel(call.invite);
        other.insert(other.find("Call-ID: ") + 9, "x");
        call.receive(other);
        if (mode == 2) {
            CHECK(call.pending() == 0);
            continue;
        }
        const std::string down = call.next();
        CHECK(down.starts_with("CANCEL "));
        CHECK(headers(down, "Via").size() == 2);
        CHECK(call.count("created") == (mode == 0 ? 2 : 1));
    }
}

TEST_CASE("a CANCEL that overtook its INVITE ends it") {
    TmHost host;
    host.relay_all();
    const std::string invite = Request("INVITE").branch("z9hG4bKo").str();
    host.receive(cancel(invite));
    host.discard_sent();
    host.receive(invite);
    CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.next_line() == "SIP/2.0 487 Transaction canceled (487/TM)");
}

TEST_CASE("failure_route of a cancelled call cannot go on") {
    TmHost host;
    host.on_request([&](Message& m) {
        if (m.sip.method() == sip::Method::invite) host.call(m, "t_on_failure", {"f"sv});
        host.call(m, "t_relay");
    });
    int cancelled = 0;
    host.route(Route::failure, "f", [&](Message& m) {
        (void)m.append_branch({.uri = "sip:bob@192.0.2.15"});
        host.last = host.call(m, "t_relay");
        cancelled = host.call(m, "t_is_canceled");
        return RouteResult{};
    });
    host.start();
    const std::string invite = Request("INVITE").branch("z9hG4bKf").str();
    host.receive(invite);
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 180, "Ringing");
    host.receive(cancel(invite));
    host.discard_sent();
    host.answer(sent, 487, "Request Terminated");
    CHECK(host.last == -1);
    CHECK(cancelled == 1);
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.next_line() == "SIP/2.0 487 Request Terminated");
    CHECK(host.pending() == 0);
}

TEST_CASE("cancel_b_method 0: what the callee says later is acknowledged") {
    Call call;
    call.param("tm", "cancel_b_method", 0);
    call.begin();
    call.cancel_it();
    call.discard_sent();
    call.answer(call.sent, 487, "Request Terminated");
    CHECK(call.next_line().starts_with("ACK "));
    CHECK(call.pending() == 0);
    call.advance(Ms(100000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

}  // namespace fairlead::test
