// t_replicate: who gets a copy, and that nobody upstream hears of it.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

constexpr std::string_view kMirror = "192.0.2.7:5060";

/// Replicates to the given URI and then does `rest`.
class Mirrored : public TmHost {
public:
    explicit Mirrored(std::function<void(Message&)> rest = {},
                      std::string_view uri = "sip:192.0.2.7") {
        on_request([this, rest = std::move(rest), uri = std::string(uri)](Message& m) {
            for (const std::string& more : branches)
                (void)m.append_branch({.uri = m.arena.copy(more)}, globals.max_branches);
            last = call(m, "t_replicate", {std::string_view(uri)});
            if (rest) rest(m);
        });
        start();
    }
    std::vector<std::string> branches;
};

}  // namespace

TEST_CASE("a replica goes to its URI with the Request-URI as it was; its replies end here") {
    Mirrored host;
    host.receive(Request("MESSAGE").branch("z9hG4bKm").str());
    CHECK(host.last == 1);
    const std::string replica = host.next();
    CHECK(host.to == kMirror);
    CHECK(start_line(replica) == "MESSAGE sip:bob@192.0.2.2 SIP/2.0");
    CHECK(headers(replica, "Via").size() == 2);
    host.answer(replica, 100, "Trying", "t", {}, kMirror);
    host.answer(replica, 404, "Not Found", "t", {}, kMirror);
    CHECK(host.pending() == 0);
    host.advance(Ms(6000));
    CHECK(host.pending() == 0);
    CHECK(host.count("inuse_transactions") == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("a replica is sent again until it is answered, and given up in silence") {
    Mirrored host;
    host.receive(Request("MESSAGE").branch("z9hG4bKm").str());
    const std::string replica = host.next();
    host.advance(Ms(600));
    CHECK(host.next() == replica);
    host.advance(Ms(60000));
    while (host.pending() != 0) CHECK(host.next() == replica);
    CHECK(host.leaks().empty());
}

TEST_CASE("the request that was replicated is relayed afterwards as if it had not been") {
    Mirrored* self = nullptr;
    int relayed = 0;
    Mirrored host([&](Message& m) { relayed = self->call(m, "t_relay"); });
    self = &host;
    host.receive(Request("INVITE").branch("z9hG4bKi").header("Route", "<sip:127.0.0.1;lr>").str());
    CHECK(relayed == 1);
    const std::string replica = host.next();
    CHECK(host.to == kMirror);
    CHECK_FALSE(header(replica, "Route"));
    CHECK(host.next_line().starts_with("SIP/2.0 100"));
    const std::string relayed_invite = host.next();
    CHECK(host.to == kCallee);
    CHECK(header(relayed_invite, "Route"));
    CHECK(parameter(*header(replica, "Via"), "branch") !=
          parameter(*header(relayed_invite, "Via"), "branch"));
    host.answer(replica, 200, "OK", "mirror", {}, kMirror);
    CHECK(host.pending() == 0);
    host.answer(relayed_invite, 486, "Busy", "callee");
    CHECK(host.next_line().starts_with("ACK"));
    CHECK(host.next_line() == "SIP/2.0 486 Busy");
    // The ACK belongs to the call, not to the replica that was answered 200.
    host.receive(Request("ACK").branch("z9hG4bKi").to_tag("callee").str());
    CHECK(host.last == -1);
    host.discard_sent();
    host.advance(Ms(120000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("with added branches there is a replica for each, and they are used up") {
    Mirrored* self = nullptr;
    Mirrored host([&](Message& m) { (void)self->call(m, "t_relay"); });
    self = &host;
    host.branches = {"sip:carol@192.0.2.8", "sip:dave@192.0.2.9"};
    host.receive(Request("MESSAGE").branch("z9hG4bKm").str());
    CHECK(host.next_line() == "MESSAGE sip:bob@192.0.2.2 SIP/2.0");
    CHECK(host.to == kMirror);
    CHECK(host.next_line() == "MESSAGE sip:carol@192.0.2.8 SIP/2.0");
    CHECK(host.to == "192.0.2.8:5060");
    CHECK(host.next_line() == "MESSAGE sip:dave@192.0.2.9 SIP/2.0");
    CHECK(host.to == "192.0.2.9:5060");
    CHECK(host.next_line() == "MESSAGE sip:bob@192.0.2.2 SIP/2.0");
    CHECK(host.to == kCallee);
    CHECK(host.pending() == 0);
}

TEST_CASE("a retransmission is not replicated again; several calls in one script are") {
    Mirrored* self = nullptr;
    Mirrored host([&](Message& m) { (void)self->call(m, "t_replicate", {"sip:192.0.2.8"sv}); });
    self = &host;
    const std::string message = Request("MESSAGE").branch("z9hG4bKm").str();
    host.receive(message);
    (void)host.next();
    CHECK(host.to == kMirror);
    (void)host.next();
    CHECK(host.to == "192.0.2.8:5060");
    host.receive(message);
    CHECK(host.pending() == 0);
}

TEST_CASE("CANCEL cancels the replica") {
    Mirrored host;
    host.receive(Request("INVITE").branch("z9hG4bKi").str());
    const std::string replica = host.next();
    host.answer(replica, 180, "Ringing", "t", {}, kMirror);
    host.receive(Request("CANCEL").branch("z9hG4bKi").str());
    CHECK(host.last == 1);
    CHECK(host.next_line() == "CANCEL sip:bob@192.0.2.2 SIP/2.0");
    CHECK(host.to == kMirror);
    host.answer(replica, 487, "Request Terminated", "t", {}, kMirror);
    CHECK(host.next_line().starts_with("ACK"));
    CHECK(host.pending() == 0);
}

TEST_CASE("a replica over a transport that is not there: -7, and nothing remains") {
    Mirrored host({}, "sip:192.0.2.7;transport=tcp");
    host.receive(Request("MESSAGE").branch("z9hG4bKm").str());
    CHECK(host.last == -7);
    CHECK(host.pending() == 0);
    CHECK(host.count("inuse_transactions") == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("each allocation of a replica can fail: the call goes on and nothing leaks") {
    for (std::uint64_t n = 1; n <= 6; ++n) {
        Mirrored* self = nullptr;
        Mirrored host([&](Message& m) {
            self->segment->fail_nth(0);
            (void)self->call(m, "t_relay");
        });
        self = &host;
        host.segment->fail_nth(n);
        host.receive(Request("MESSAGE").branch("z9hG4bKm").str());
        std::string last;
        while (host.pending() != 0) last = host.next();
        CHECK(host.to == kCallee);
        host.advance(Ms(60000));
        host.discard_sent();
        INFO(n);
        CHECK(host.leaks().empty());
    }
}

}  // namespace fairlead::test
