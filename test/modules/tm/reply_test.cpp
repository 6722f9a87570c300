// t_newtran, t_reply, retransmissions and matching of requests.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

std::string invite(std::string_view branch = "z9hG4bKr1") {
    return Request("INVITE").branch(branch).str();
}

/// Sends a request and answers it with t_newtran() and t_reply().
void stateful(TmHost& host, int code) {
    host.on_request([&host, code](Message& m) {
        host.last = host.call(m, "t_newtran");
        if (host.last == 1) host.call(m, "t_reply", {code, "Said so"sv});
    });
    host.start();
}

}  // namespace

TEST_CASE("a provisional reply is repeated with its To-tag") {
    TmHost host;
    stateful(host, 183);
    host.receive(invite());
    const std::string first = host.next();
    CHECK(start_line(first) == "SIP/2.0 183 Said so");
    CHECK_FALSE(parameter(*header(first, "To"), "tag").empty());
    host.receive(invite());
    CHECK(host.last == 0);
    CHECK(host.next() == first);
    CHECK(host.count("created") == 1);
}

TEST_CASE("nothing follows a provisional reply: 500 when fr_timer has passed") {
    TmHost host;
    stateful(host, 183);
    host.receive(invite());
    host.discard_sent();
    host.advance(Ms(29900));
    CHECK(host.pending() == 0);
    host.advance(Ms(200));
    CHECK(host.next_line() == "SIP/2.0 500 I'm terribly sorry, server error occurred (1/TM)");
    host.advance(Ms(33000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("t_newtran twice in a script says -10, and t_reply still works") {
    TmHost host;
    int second = 0, replied = 0, again = 0;
    host.on_request([&](Message& m) {
        host.call(m, "t_newtran");
        second = host.call(m, "t_newtran");
        replied = host.call(m, "t_reply", {404, "Not Found"sv});
        again = host.call(m, "t_reply", {486, "Busy"sv});
    });
    host.start();
    host.receive(invite());
    CHECK(second == -10);
    CHECK(replied == 1);
    CHECK(again == -1);
    CHECK(host.next_line() == "SIP/2.0 404 Not Found");
    CHECK(host.pending() == 0);
}

TEST_CASE("a transaction without reply absorbs silently, and goes") {
    TmHost host;
    host.on_request([&](Message& m) { host.last = host.call(m, "t_newtran"); });
    host.start();
    host.receive(invite());
    host.receive(invite());
    CHECK(host.last == 0);
    CHECK(host.pending() == 0);
    host.advance(Ms(5100));
    CHECK(host.leaks().empty());
}

TEST_CASE("same branch, other sent-by: another transaction; hosts compare without case") {
    TmHost host;
    stateful(host, 486);
    const auto from = [](std::string_view sent_by) {
        return Request("INVITE").via("SIP/2.0/UDP " + std::string(sent_by) + ";branch=z9hG4bKsame");
    };
    host.receive(from("host.example").str());
    host.receive(from("host.example:5070").str());
    CHECK(host.count("created") == 2);
    host.discard_sent();
    const std::string first = from("host.example").str();
    host.receive(first);
    const std::string again = host.next();
    // The ACK spells the host otherwise: it ends the repetition all the same.
    host.receive(ack(from("HOST.example").str(), again));
    host.receive(ack(from("host.example:5070").str(), again));
    host.discard_sent();
    host.advance(Ms(6000));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("a 2xx made here is repeated until its ACK comes") {
    TmHost host;
    stateful(host, 200);
    host.receive(invite());
    const std::string ok = host.next();
    host.advance(Ms(1600));
    REQUIRE(host.pending() == 2);
    CHECK(host.next() == ok);
    CHECK(host.next() == ok);
    const std::string tag = parameter(*header(ok, "To"), "tag");
    host.receive(Request("ACK").branch("z9hG4bKack").to_tag(tag).str());
    CHECK(host.last == 0);
    host.advance(Ms(31000));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("other methods: the final reply is repeated on request only, then forgotten") {
    TmHost host;
    stateful(host, 404);
    const std::string message = Request("MESSAGE").branch("z9hG4bKm").str();
    host.receive(message);
    const std::string first = host.next();
    host.advance(Ms(4000));
    CHECK(host.pending() == 0);
    host.receive(message);
    CHECK(host.next() == first);
    host.advance(Ms(1200));
    CHECK(host.leaks().empty());
}

TEST_CASE("t_release: nothing is sent, the transaction goes after the wait time") {
    TmHost host;
    host.on_request([&](Message& m) {
        host.call(m, "t_newtran");
        host.last = host.call(m, "t_release");
        CHECK(host.call(m, "t_retransmit_reply") == -1);
    });
    host.start();
    host.receive(invite());
    CHECK(host.last == 1);
    host.advance(Ms(5100));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("t_check_trans and t_lookup_request") {
    TmHost host;
    int check = 9, look = 9;
    host.on_request([&](Message& m) {
        look = host.call(m, "t_lookup_request");
        if (look != 1) check = host.call(m, "t_check_trans");
        if (look != 1 && check != 0 && m.sip.method() != sip::Method::ack)
            host.call(m, "t_send_reply", {486, "Busy"sv});
    });
    host.start();
    host.receive(invite());
    CHECK(look == -1);
    CHECK(check == -1);
    const std::string busy = host.next();
    host.receive(invite());
    CHECK(look == 1);
    CHECK(host.pending() == 0);
    host.receive(ack(invite(), busy));
    CHECK(look == 1);
    host.receive(Request("ACK").branch("z9hG4bKother").str());
    CHECK(look == -1);
    CHECK(check == -1);
}

TEST_CASE("above max_transactions new requests get 503, what is under way goes on") {
    TmHost host;
    host.param("tm", "max_transactions", 1);
    host.relay_all();
    host.receive(invite("z9hG4bKfirst"));
    host.discard_sent();
    host.receive(invite("z9hG4bKsecond"));
    CHECK(host.last == -2);
    const std::string refused = host.next();
    CHECK(start_line(refused) == "SIP/2.0 503 Service Unavailable");
    CHECK(header(refused, "Retry-After") == "10");
    CHECK(host.count("refused") == 1);
    host.receive(cancel(invite("z9hG4bKfirst")));
    CHECK(host.next_line() == "SIP/2.0 200 canceling");
}

TEST_CASE("relay_100: a callee's 100 goes up") {
    TmHost host;
    host.param("tm", "relay_100", 1);
    host.relay_all();
    host.receive(invite());
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 100, "I try");
    CHECK(host.next_line() == "SIP/2.0 100 I try");
}

}  // namespace fairlead::test
