// A branch to a name whose places fail one after the other (RFC 3263 4.3): each is tried, and the
// script hears of the end only. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>

#include "modules/tm/late_branch.h"
#include "test/modules/tm/call.h"
#include "test/support/fake_finder.h"

namespace fairlead::test {

namespace {

constexpr std::string_view kName = "sip:bob@host.example";
constexpr std::string_view kFirst = "192.0.2.2:5060", kSecond = "192.0.2.3:5060",
                           kThird = "192.0.2.4:5060";

/// Relays all requests with a failure_route; the name has three places, known at once.
class Places : public TmHost {
public:
    explicit Places(std::size_t memory = 16 << 20) : TmHost(memory) {
        on_request([this](Message& m) {
            (void)call(m, "t_on_failure", {"failed"sv});
            if (!also.empty()) m.append_branch({.uri = m.arena.copy(also)});
            last = call(m, "t_relay");
        });
        route(Route::failure, "failed", [this](Message& m) {
            ++failures;
            status = variable(m, "T_reply_code").integer();
            if (on_failure) on_failure(m);
            return RouteResult{};
        });
        finder.fails = true;
        finder.known[std::string(kName)] = {"sip:192.0.2.2", "sip:192.0.2.3", "sip:192.0.2.4"};
    }
    void begin() {
        start();
        engine().set_finder(finder);
    }
    /// A request; what it becomes for the first place.
    std::string request(std::string_view method = "INVITE") {
        receive(Request(method, kName).branch("z9hG4bKa1").str());
        if (method == "INVITE") (void)next();  // 100
        return next();
    }
    /// What was sent until now, retransmissions left out.
    std::vector<std::string> drain() {
        std::vector<std::string> all;
        while (pending() != 0) {
            const std::string bytes = next();
            if (std::ranges::find(all, bytes) == all.end()) all.push_back(bytes);
        }
        return all;
    }
    static std::string id(const std::string& request) {
        return parameter(headers(request, "Via")[0], "branch");
    }
    /// Where everything has ended, and nothing is left.
    std::string end() {
        advance(Ms(250'000));
        discard_sent();
        return leaks();
    }

    FakeFinder finder{net};
    std::function<void(Message&)> on_failure;
    std::string also;  ///< a second branch
    int failures = 0;
    std::int64_t status = 0;
};

std::string without_branch(std::string request, const std::string& id) {
    request.replace(request.find(id), id.size(), "…");
    return request;
}

/// It answers 503, and that is the end.
void check_that_one_place_is_tried(Places& host) {
    host.begin();
    host.answer(host.request(), 503, "Service Unavailable");
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
    CHECK(host.failures == 1);
    CHECK(host.end().empty());
}

}  // namespace

TEST_CASE("the next place is tried when one says nothing") {
    Places host;
    host.begin();
    const std::string first = host.request();
    CHECK(host.to == kFirst);
    host.advance(Ms(29'000));
    for (const std::string& again : host.drain()) CHECK(again == first);
    host.advance(Ms(1500));
    const std::string second = host.next();
    CHECK(host.to == kSecond);
    // The same request under a new branch (RFC 3263 4.3).
    CHECK(Places::id(second) != Places::id(first));
    CHECK(without_branch(second, Places::id(second)) == without_branch(first, Places::id(first)));
    CHECK(host.failures == 0);
    // It is a branch as any other: repeated, and answered.
    host.advance(Ms(600));
    CHECK(host.next() == second);
    host.answer(second, 200, "OK", "totag", {}, kSecond);
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.to == kCaller);
    CHECK(host.failures == 0);
    CHECK(host.count("failovers") == 1);
    CHECK(host.end().empty());
}

TEST_CASE("when no place says anything the script hears of it once") {
    Places host;
    host.begin();
    (void)host.request();
    host.advance(Ms(95'000));
    std::vector<std::string> ids;
    for (const std::string& sent : host.drain())
        if (sent.starts_with("INVITE")) ids.push_back(Places::id(sent));
    CHECK(ids.size() == 3);
    CHECK(host.failures == 1);
    CHECK(host.status == 408);
    CHECK(host.end().empty());
}

TEST_CASE("all of it ends with the transaction's lifetime") {
    Places host;
    host.param("tm", "max_inv_lifetime", 40'000);
    host.begin();
    (void)host.request();
    host.advance(Ms(41'000));
    std::size_t requests = 0, answers = 0;
    for (const std::string& sent : host.drain()) {
        requests += sent.starts_with("INVITE") ? 1 : 0;
        answers += sent.starts_with("SIP/2.0 408") ? 1 : 0;
    }
    CHECK(requests == 2);
    CHECK(answers == 1);
    CHECK(host.end().empty());
}

TEST_CASE("a request other than INVITE goes on as well") {
    Places host;
    host.param("tm", "fr_timer", 5000);
    host.begin();
    const std::string first = host.request("OPTIONS");
    host.advance(Ms(5500));
    std::string second;
    for (const std::string& sent : host.drain())
        if (sent != first && !sent.starts_with("SIP/2.0 100")) second = sent;
    REQUIRE_FALSE(second.empty());
    host.answer(second, 200, "OK", "totag", {}, kSecond);
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.end().empty());
}

TEST_CASE("the next place is tried when one answers 503") {
    Places host;
    host.begin();
    const std::string first = host.request();
    host.answer(first, 503, "Service Unavailable");
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.to == kFirst);
    const std::string second = host.next();
    CHECK(host.to == kSecond);
    CHECK(host.pending() == 0);
    // The 503 comes again: it is acknowledged again, and that is all.
    host.answer(first, 503, "Service Unavailable");
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.pending() == 0);
    SECTION("and answers") {
        host.answer(second, 200, "OK", "totag", {}, kSecond);
        CHECK(host.next_line() == "SIP/2.0 200 OK");
        CHECK(host.failures == 0);
    }
    SECTION("and refuses the call: that is the answer, not the 503 before") {
        host.answer(second, 486, "Busy Here", "totag", {}, kSecond);
        CHECK(host.next_line().starts_with("ACK "));
        CHECK(host.next_line() == "SIP/2.0 486 Busy Here");
        CHECK(host.pending() == 0);
        CHECK(host.failures == 1);
        CHECK(host.status == 486);
    }
    SECTION("and so do all") {
        host.answer(second, 503, "Service Unavailable", "totag", {}, kSecond);
        CHECK(host.next_line().starts_with("ACK "));
        const std::string third = host.next();
        CHECK(host.to == kThird);
        host.answer(third, 503, "Service Unavailable", "totag", {}, kThird);
        CHECK(host.next_line().starts_with("ACK "));
        CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
        CHECK(host.failures == 1);
        CHECK(host.status == 503);
    }
    CHECK(host.end().empty());
}

TEST_CASE("any other answer, and silence behind a provisional one, are final") {
    Places host;
    host.begin();
    const std::string first = host.request();
    SECTION("500") {
        host.answer(first, 500, "Server Error");
        CHECK(host.next_line().starts_with("ACK "));
        CHECK(host.next_line() == "SIP/2.0 500 Server Error");
    }
    SECTION("it rang") {
        host.answer(first, 180, "Ringing");
        CHECK(host.next_line() == "SIP/2.0 180 Ringing");
        host.advance(Ms(121'000));
        bool cancelled = false;
        for (const std::string& sent : host.drain()) {
            CHECK_FALSE(sent.starts_with("INVITE"));
            cancelled = cancelled || sent.starts_with("CANCEL");
        }
        CHECK(cancelled);
    }
    CHECK(host.pending() == 0);
    CHECK(host.failures == 1);
    CHECK(host.count("failovers") == 0);
    CHECK(host.end().empty());
}

TEST_CASE("without use_dns_failover there is one place") {
    Places host;
    host.finder.fails = false;
    check_that_one_place_is_tried(host);
}

TEST_CASE("the next place is tried when a request could not be sent after all") {
    Places host;
    host.begin();
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    (void)host.next();
    for (const std::string_view place : {kFirst, kSecond}) {
        const Packet sent = host.take();
        CHECK(sent.target.address.text() == place);
        host.fail(sent);
        host.fail(sent);  // told twice
    }
    const Packet third = host.take();
    CHECK(host.pending() == 0);
    host.fail(third);
    CHECK(host.next_line() == "SIP/2.0 500 Service Unavailable");
    CHECK(host.failures == 1);
    CHECK(host.end().empty());
}

TEST_CASE("no place can be sent to") {
    Places host;
    host.begin();
    host.net.verdict = Sent::queue_full;
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    CHECK(host.failures == 1);
    CHECK(host.status == 503);
    CHECK(host.count("failovers") == 2);
    CHECK(host.end().empty());
}

TEST_CASE("an onsend_route that drops a request is passed on the way to the next place") {
    Places host;
    host.route(Route::onsend, "", [](Message& m) {
        RouteResult result;
        result.dropped = m.leaving->to.address.text() == kFirst;
        return result;
    });
    host.begin();
    (void)host.request();
    CHECK(host.to == kSecond);
    CHECK(host.end().empty());
}

TEST_CASE("a call that is cancelled goes on to no other place") {
    Places host;
    host.begin();
    const std::string first = host.request();
    SECTION("before anything was heard") {
        host.receive(Request("CANCEL", kName).branch("z9hG4bKa1").str());
        host.advance(Ms(70'000));
    }
    SECTION("and the place answers 503 to it") {
        host.receive(Request("CANCEL", kName).branch("z9hG4bKa1").str());
        host.answer(first, 503, "Service Unavailable");
        host.advance(Ms(1000));
    }
    std::size_t answers = 0;
    for (const std::string& sent : host.drain()) {
        if (sent.starts_with("INVITE")) CHECK(Places::id(sent) == Places::id(first));
        answers += sent.starts_with("SIP/2.0 487") || sent.starts_with("SIP/2.0 503") ||
                           sent.starts_with("SIP/2.0 500")
                       ? 1
                       : 0;
    }
    CHECK(answers == 1);
    CHECK(host.count("failovers") == 0);
    CHECK(host.end().empty());
}

TEST_CASE("a call that is cancelled at its second place") {
    Places host;
    host.begin();
    host.answer(host.request(), 503, "Service Unavailable");
    (void)host.next();
    const std::string second = host.next();
    host.answer(second, 180, "Ringing", "totag", {}, kSecond);
    (void)host.next();
    host.receive(Request("CANCEL", kName).branch("z9hG4bKa1").str());
    bool cancelled = false;
    for (const std::string& sent : host.drain())
        if (sent.starts_with("CANCEL")) {
            cancelled = true;
            CHECK(Places::id(sent) == Places::id(second));
        }
    CHECK(cancelled);
    host.answer(second, 487, "Request Terminated", "totag", {}, kSecond);
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.next_line() == "SIP/2.0 487 Request Terminated");
    CHECK(host.count("failovers") == 1);
    CHECK(host.end().empty());
}

TEST_CASE("the first place answers when the second rings already") {
    Places host;
    host.begin();
    const std::string first = host.request();
    host.advance(Ms(30'500));
    const std::string second = host.drain().back();
    host.answer(second, 180, "Ringing", "second", {}, kSecond);
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    host.answer(first, 200, "OK", "first");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    const std::string cancel = host.next();
    CHECK(host.to == kSecond);
    CHECK(cancel.starts_with("CANCEL"));
    CHECK(host.end().empty());
}

TEST_CASE("what is found out at one branch does not touch another") {
    Places host;
    host.also = "sip:carol@192.0.2.9";
    host.begin();
    const std::string first = host.request();
    const std::string other = host.next();
    CHECK(host.to == "192.0.2.9:5060");
    host.answer(other, 404, "Not Found", "carol", {}, host.to);
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.pending() == 0);
    host.answer(first, 503, "Service Unavailable");
    CHECK(host.next_line().starts_with("ACK "));
    const std::string second = host.next();
    CHECK(host.to == kSecond);
    CHECK(host.failures == 0);
    host.answer(second, 486, "Busy Here", "bob", {}, kSecond);
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.failures == 1);
    CHECK(host.next_line() == "SIP/2.0 404 Not Found");
    CHECK(host.pending() == 0);
    CHECK(host.end().empty());
}

TEST_CASE("a failure_route behind the last place makes branches of its own") {
    Places host;
    host.on_failure = [&](Message& m) {
        if (host.failures > 1) return;
        m.target.uri = m.arena.copy("sip:carol@192.0.2.9");
        (void)host.call(m, "t_on_failure", {"failed"sv});
        host.last = host.call(m, "t_relay");
    };
    host.begin();
    std::string sent = host.request();
    std::vector<std::string> ids{Places::id(sent)};
    for (const std::string_view place : {kFirst, kSecond, kThird}) {
        CHECK(host.to == place);
        host.answer(sent, 503, "Service Unavailable", "totag", {}, place);
        CHECK(host.next_line().starts_with("ACK "));
        sent = host.next();
        CHECK(std::ranges::find(ids, Places::id(sent)) == ids.end());
        ids.push_back(Places::id(sent));
    }
    CHECK(host.to == "192.0.2.9:5060");
    CHECK(sent.starts_with("INVITE sip:carol@192.0.2.9"));
    host.answer(sent, 486, "Busy Here", "totag", {}, "192.0.2.9:5060");
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.next_line() == "SIP/2.0 486 Busy Here");
    CHECK(host.failures == 2);
    CHECK(host.end().empty());
}

TEST_CASE("no more than eight places, and never the numbers of scripts") {
    Places host;
    auto& places = host.finder.known[std::string(kName)];
    places.clear();
    for (int i = 2; i < 10; ++i) places.push_back("sip:192.0.2." + std::to_string(i));
    host.begin();
    std::string sent = host.request();
    CHECK(Places::id(sent).ends_with(".0"));
    std::size_t places_tried = 1;
    for (;; ++places_tried) {
        host.answer(sent, 503, "Service Unavailable", "totag", {}, host.to);
        CHECK(host.next_line().starts_with("ACK "));
        sent = host.next();
        if (!sent.starts_with("INVITE")) break;
        const std::string id = Places::id(sent);
        CHECK(std::stoul(id.substr(id.rfind('.') + 1), nullptr, 16) >=
              static_cast<unsigned>(host.globals.max_branches));
    }
    CHECK(places_tried == 8);
    CHECK(start_line(sent) == "SIP/2.0 500 Service Unavailable");
    CHECK(host.end().empty());
}

TEST_CASE("without a number for it the next place is not tried") {
    Places host;
    host.globals.max_branches = kMaxBranches;
    check_that_one_place_is_tried(host);
}

TEST_CASE("places of a name that was looked up") {
    Places host;
    host.finder.known.clear();
    host.begin();
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    (void)host.next();
    host.finder.answer(1, {"sip:192.0.2.2", "sip:192.0.2.3"});
    host.answer(host.next(), 503, "Service Unavailable");
    CHECK(host.next_line().starts_with("ACK "));
    (void)host.next();
    CHECK(host.to == kSecond);
    CHECK(host.end().empty());
}

TEST_CASE("memory that ends on the way to the next place") {
    for (std::size_t nth = 1; nth <= 4; ++nth) {
        Places host;
        host.begin();
        const std::string first = host.request();
        host.segment->fail_nth(nth);
        host.answer(first, 503, "Service Unavailable");
        host.segment->fail_nth(0);
        CHECK(host.end().empty());
    }
}

TEST_CASE("a process that died while a name was looked up, or on the way to the next place") {
    Places host;
    host.finder.known.clear();
    host.begin();
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").str());
    (void)host.next();
    REQUIRE(host.finder.asked.size() == 1);
    // The one that takes its place knows nothing of the question.
    host.finder.asked.clear();
    Process heir = host.engine().process();
    heir.reborn = true;
    REQUIRE(host.engine().start(heir));
    REQUIRE(host.finder.asked.size() == 1);
    CHECK(host.finder.asked.begin()->second.uri == kName);
    host.finder.answer(host.finder.last, {"sip:192.0.2.2"});
    const std::string sent = host.next();
    CHECK(host.to == kFirst);
    host.answer(sent, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.end().empty());
}

}  // namespace fairlead::test
