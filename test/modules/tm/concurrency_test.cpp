// What happens while a script runs for a transaction: other messages of the same call, or the end
// of the process. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// A call whose first branch fails with 404; `during` happens inside failure_route.
class Failing : public TmHost {
public:
    void begin(std::function<void(Message&)> during) {
        on_request([this](Message& m) {
            if (m.sip.method() == sip::Method::invite) call(m, "t_on_failure", {"f"sv});
            call(m, "t_relay");
        });
        route(Route::failure, "f", [this, during = std::move(during)](Message& m) {
            ++runs;
            during(m);
            (void)m.append_branch({.uri = "sip:bob@192.0.2.15"});
            last = call(m, "t_relay");
            return RouteResult{};
        });
        start();
        invite = Request("INVITE").branch("z9hG4bKf").str();
        receive(invite);
        (void)next();
        sent = next();
        answer(sent, 404, "Not Found");
        CHECK(next_line().starts_with("ACK "));
    }
    /// The process in this slot died where it is now, and is back.
    void die() {
        REQUIRE(module<Module>("tm")->start(
            {Process::Kind::worker, engine().process().slot, 0, true, "worker"}));
    }
    std::string invite, sent;
    int runs = 0;
};

}  // namespace

TEST_CASE("a CANCEL while failure_route runs ends the call") {
    Failing call;
    call.begin([&](Message&) { call.receive(cancel(call.invite)); });
    CHECK(call.next_line() == "SIP/2.0 487 Request canceled");
    CHECK(call.next_line() == "SIP/2.0 200 ok -- no more pending branches");
    CHECK(call.last == -1);
    CHECK(call.pending() == 0);
    call.advance(Ms(40000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

TEST_CASE("the INVITE again while failure_route runs is absorbed") {
    Failing call;
    call.begin([&](Message&) { call.receive(call.invite); });
    CHECK(call.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(call.next_line().starts_with("INVITE "));
    CHECK(call.pending() == 0);
    CHECK(call.runs == 1);
}

TEST_CASE("a late 2xx while failure_route runs goes up, and the route relays no more") {
    TmHost host;
    host.param("tm", "fr_timer", 1000);
    std::string sent;
    host.on_request([&](Message& m) {
        host.call(m, "t_on_failure", {"f"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::failure, "f", [&](Message& m) {
        host.answer(sent, 200, "OK");
        (void)m.append_branch({.uri = "sip:bob@192.0.2.15"});
        host.last = host.call(m, "t_relay");
        return RouteResult{};
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKl").str());
    (void)host.next();
    sent = host.next();
    host.advance(Ms(400));
    host.discard_sent();
    host.advance(Ms(700));
    while (host.pending() > 1) CHECK(host.next_line().starts_with("INVITE sip:bob@192.0.2.2 "));
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.last == -1);
    host.advance(Ms(33000));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("new branches that fail while failure_route still runs wait for its end") {
    TmHost host;
    int runs = 0;
    host.on_request([&](Message& m) {
        host.call(m, "t_on_failure", {"f"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::failure, "f", [&](Message& m) {
        if (++runs == 2) return RouteResult{};
        host.call(m, "t_on_failure", {"f"sv});
        (void)m.append_branch({.uri = "sip:bob@192.0.2.15"});
        host.call(m, "t_relay");
        std::string second;
        while (host.pending() != 0) second = host.next();
        host.answer(second, 486, "Busy Here");
        CHECK(runs == 1);
        CHECK(host.next_line().starts_with("ACK sip:bob@192.0.2.15"));
        CHECK(host.pending() == 0);
        return RouteResult{};
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKw").str());
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 404, "Not Found");
    CHECK(runs == 2);
    CHECK(host.next_line() == "SIP/2.0 486 Busy Here");
    CHECK(host.pending() == 0);
}

TEST_CASE("a script that throws: the request is answered and nothing is lost") {
    TmHost host;
    host.route(Route::request, "", [&](Message& m) -> RouteResult {
        host.call(m, "t_newtran");
        return {.code = -1, .threw = true};
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKx").str());
    CHECK(host.next_line().starts_with("SIP/2.0 500 "));
    host.advance(Ms(33000));
    host.discard_sent();
    CHECK(host.leaks().empty());
}

TEST_CASE("the process dies inside request_route: whoever takes its place answers") {
    Failing call;
    call.on_request([&](Message& m) {
        call.call(m, "t_newtran");
        call.die();
    });
    call.start();
    call.receive(Request("INVITE").branch("z9hG4bKx").str());
    CHECK(call.next_line().starts_with("SIP/2.0 500 "));
    CHECK(call.pending() == 0);
    CHECK(call.count("recovered") == 1);
    call.advance(Ms(33000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

TEST_CASE("the process dies inside failure_route: the winner goes up") {
    Failing call;
    call.begin([&](Message&) { call.die(); });
    CHECK(call.next_line() == "SIP/2.0 404 Not Found");
    CHECK(call.pending() == 0);
    CHECK(call.last == -1);
    call.advance(Ms(33000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

}  // namespace fairlead::test
