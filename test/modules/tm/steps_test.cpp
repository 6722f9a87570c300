// Relaying in steps through tm's interface, on the virtual clock: what a handler is told, what it
// may do, and everything that may come between. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <stdexcept>

#include "modules/tm/api.h"
#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

using tm::Step;
using tm::StepFailure;

constexpr std::string_view kSecond = "192.0.2.3:5060", kThird = "192.0.2.4:5060";
const std::string kTrying = "SIP/2.0 100 trying -- your call is important to us";

/// A module that relays in steps and writes down what it is told.
class Walker final : public Module, public tm::StepHandler {
public:
    tm::Api* tm = nullptr;
    tm::StepsApi* steps = nullptr;
    tm::SuspendApi* suspend = nullptr;
    tm::StepId id = tm::StepId::none;
    std::function<void(Message&, const StepFailure&)> then = [](Message&, const StepFailure&) {};
    std::string told;

    Result<void> prepare(Core&) override {
        id = steps->on_failure(*this);
        return {};
    }
    void failed(Message& m, const StepFailure& f) override {
        told += std::to_string(f.code) + (f.timed_out ? " timeout" : "") +
                (f.unreachable ? " unreachable" : "") + " " + std::string(f.luggage);
        for (const tm::StepContact& c : f.contacts)
            told += " " + std::string(c.uri) + "=" + std::to_string(c.q) + (c.of_best ? "!" : "");
        told += "|";
        then(m, f);
    }
    int relay(Message& m, std::string_view to, std::string_view luggage, Ms timeout = Ms(0)) {
        if (!to.empty()) m.target.uri = m.arena.copy(to);
        return steps->relay(m, {.handler = id, .luggage = luggage, .timeout = timeout});
    }
};
constexpr Need needed[] = {needs<&Walker::tm>(), needs<&Walker::steps>(),
                           needs<&Walker::suspend>()};
constexpr Descriptor walker{
    .name = "walker", .summary = "walks", .create = make_module<Walker>, .needs = needed};

class StepHost : public TmHost {
public:
    StepHost() {
        add(walker);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "CANCEL") return void(call(m, "t_relay"));
            first(m);
        });
    }
    void begin(std::string_view method = "INVITE") {
        if (user == nullptr) start();
        user = module<Walker>("walker");
        request = Request(method).branch("z9hG4bKs1").str();
        receive(request);
    }
    /// Start lines of what was sent, the last request to each address in `sent`.
    std::string lines() {
        std::string all;
        while (pending() != 0) {
            const Packet p = take();
            if (p.bytes.starts_with("INVITE") || p.bytes.starts_with("MESSAGE"))
                sent[p.target.address.text()] = p;
            all += (all.empty() ? "" : "|") + start_line(p.bytes);
        }
        return all;
    }
    void answer(int code, std::string_view from = kCallee, std::string_view headers = {}) {
        receive(reply(sent.at(std::string(from)).bytes, code, "Said", "t", headers), from);
    }
    std::string told() { return std::exchange(user->told, {}); }
    /// The process dies in what runs, and another one takes its place.
    void die() { REQUIRE(engine().start({Process::Kind::worker, 1, 0, true, "worker 0"})); }
    void end() {
        discard_sent();
        advance(Ms(400000));
        CHECK(leaks() == "");
        CHECK(count("created") == count("freed"));
    }

    std::function<void(Message&)> first = [this](Message& m) {
        last = user->relay(m, "", luggage, timeout);
    };
    Walker* user = nullptr;
    std::string request, luggage = "one";
    Ms timeout{0};
    std::map<std::string, Packet> sent;
};

/// The next step goes to the second callee, unless it was that one.
void to_second(StepHost& host) {
    host.user->then = [&host](Message& m, const StepFailure& f) {
        if (f.luggage == "one") host.last = host.user->relay(m, "sip:two@192.0.2.3", "two");
    };
}

}  // namespace

TEST_CASE("each step that fails is reported with its luggage, and the next one follows") {
    StepHost host;
    host.begin();
    CHECK(host.last == 1);
    CHECK(host.lines() == kTrying + "|INVITE sip:bob@192.0.2.2 SIP/2.0");
    to_second(host);
    host.answer(180);
    host.answer(486);
    CHECK(host.told() == "486 one|");
    CHECK(host.last == 1);
    CHECK(host.lines() ==
          "SIP/2.0 180 Said|ACK sip:bob@192.0.2.2 SIP/2.0|INVITE sip:two@192.0.2.3 SIP/2.0");
    SECTION("and is answered") {
        host.answer(200, kSecond);
        CHECK(host.lines() == "SIP/2.0 200 Said");
        CHECK(host.told().empty());
    }
    SECTION("and fails: only its own replies are told, but the best of all goes up") {
        host.answer(503, kSecond);
        CHECK(host.told() == "503 two|");
        CHECK(host.lines() == "ACK sip:two@192.0.2.3 SIP/2.0|SIP/2.0 500 Said");
    }
    host.end();
}

TEST_CASE("failure_reply_mode=0: a step is told of its own replies, the best of all goes up") {
    StepHost host;
    host.param("tm", "failure_reply_mode", 0);
    host.begin();
    host.lines();
    to_second(host);
    host.answer(486);
    host.lines();
    host.answer(503, kSecond);
    CHECK(host.told() == "486 one|503 two|");
    CHECK(host.lines() == "ACK sip:two@192.0.2.3 SIP/2.0|SIP/2.0 486 Said");
    host.end();
}

TEST_CASE("a handler that does nothing: failure_route, then the client") {
    for (const bool with_route : {false, true}) {
        StepHost host;
        std::string seen;
        host.route(Route::failure, "F", [&](Message& m) {
            seen = std::string(m.uri()) + " " + std::to_string(m.flags) + " " +
                   std::string(m.avps.get("a").string());
            host.call(m, "t_reply", {480, "By the route"sv});
            return RouteResult{};
        });
        host.first = [&](Message& m) {
            m.flags = 2;
            m.avps.add("a", "x"sv);
            if (with_route) host.call(m, "t_on_failure", {"F"sv});
            host.user->relay(m, "sip:one@192.0.2.2", "one");
        };
        std::string known;
        host.begin();
        host.user->then = [&](Message& m, const StepFailure&) {
            known = std::string(m.uri()) + " " + std::to_string(m.flags) + " " +
                    std::string(m.avps.get("a").string());
            m.flags |= 4;
            m.avps.add("a", "y"sv);
        };
        host.lines();
        host.answer(404);
        CHECK(known == "sip:bob@192.0.2.2 2 x");  // the Request-URI as it was received
        CHECK(seen == (with_route ? "sip:one@192.0.2.2 6 y" : ""));
        CHECK(host.lines() ==
              "ACK sip:one@192.0.2.2 SIP/2.0|" +
                  std::string(with_route ? "SIP/2.0 480 By the route" : "SIP/2.0 404 Said"));
        host.end();
    }
}

TEST_CASE("failure_route runs behind the last step only") {
    StepHost host;
    int runs = 0;
    host.route(Route::failure, "F", [&](Message&) {
        ++runs;
        return RouteResult{};
    });
    host.first = [&](Message& m) {
        host.call(m, "t_on_failure", {"F"sv});
        host.user->relay(m, "", "one");
    };
    host.begin();
    to_second(host);
    host.lines();
    host.answer(486);
    CHECK(runs == 0);
    host.lines();
    host.answer(603, kSecond);
    CHECK(runs == 1);
    CHECK(host.told() == "486 one|603 two|");
    host.end();
}

TEST_CASE("a step that takes too long is ended: cancelled, 408, and what rings later too") {
    StepHost host;
    host.first = [&](Message& m) {
        CHECK(m.append_branch({.uri = "sip:two@192.0.2.3"}));
        host.user->relay(m, "", "one", Ms(5000));
    };
    host.begin();
    host.lines();
    host.answer(180);
    host.user->then = [&](Message& m, const StepFailure&) {
        host.user->relay(m, "sip:three@192.0.2.4", "two", Ms(5000));
    };
    host.advance(Ms(4900));
    CHECK(host.told().empty());
    host.lines();
    host.advance(Ms(200));
    CHECK(host.told() == "408 timeout one|");
    CHECK(host.lines() == "CANCEL sip:bob@192.0.2.2 SIP/2.0|INVITE sip:three@192.0.2.4 SIP/2.0");
    host.answer(487);
    CHECK(host.lines() == "ACK sip:bob@192.0.2.2 SIP/2.0");
    // RFC 3261 9.1: no CANCEL before a provisional reply; then at once.
    host.answer(180, kSecond);
    CHECK(host.lines() == "CANCEL sip:two@192.0.2.3 SIP/2.0");
    host.answer(487, kSecond);
    CHECK(host.lines() == "ACK sip:two@192.0.2.3 SIP/2.0");
    CHECK(host.told().empty());
    host.user->then = [](Message&, const StepFailure&) {};
    host.answer(180, kThird);
    host.advance(Ms(5100));
    CHECK(host.told() == "408 timeout two|");
    const std::string sent = host.lines();
    CHECK(sent.find("CANCEL sip:three@192.0.2.4 SIP/2.0") != std::string::npos);
    CHECK(sent.find("SIP/2.0 408 ") != std::string::npos);
    host.end();
}

TEST_CASE("the time of a step does not outlive its end") {
    StepHost host;
    host.timeout = Ms(5000);
    host.begin();
    host.lines();
    SECTION("answered") {
        host.answer(200);
        host.lines();
        host.advance(Ms(10000));
        CHECK(host.told().empty());
        CHECK(host.lines().empty());
    }
    SECTION("the next one has no time of its own") {
        to_second(host);
        host.answer(486);
        host.lines();
        host.answer(180, kSecond);
        host.lines();
        host.advance(Ms(100000));
        CHECK(host.told() == "486 one|");
        CHECK(host.lines().empty());
    }
    SECTION("a 2xx that crosses the CANCEL wins") {
        to_second(host);
        host.answer(180);
        host.advance(Ms(5100));
        CHECK(host.told() == "408 timeout one|");
        host.lines();
        host.answer(200);
        CHECK(host.lines() == "SIP/2.0 200 Said");
        host.answer(180, kSecond);
        CHECK(host.lines() == "CANCEL sip:two@192.0.2.3 SIP/2.0");
    }
    host.end();
}

TEST_CASE("tm's own timers end a step without a time") {
    StepHost host;
    host.param("tm", "fr_timer", 3000);
    host.begin();
    host.lines();
    host.advance(Ms(3100));
    CHECK(host.told() == "408 timeout one|");
    host.end();
}

TEST_CASE("a step of another method ends, too") {
    StepHost host;
    host.timeout = Ms(2000);
    host.begin("MESSAGE");
    to_second(host);
    CHECK(host.lines() == "MESSAGE sip:bob@192.0.2.2 SIP/2.0");
    host.advance(Ms(2100));
    CHECK(host.told() == "408 timeout one|");
    CHECK(host.lines().ends_with("|MESSAGE sip:two@192.0.2.3 SIP/2.0"));
    host.answer(200);
    CHECK(host.lines().empty());  // it was given up
    host.answer(202, kSecond);
    CHECK(host.lines() == "SIP/2.0 202 Said");
    host.end();
}

TEST_CASE("where redirections point") {
    StepHost host;
    host.first = [&](Message& m) {
        CHECK(m.append_branch({.uri = "sip:two@192.0.2.3"}));
        CHECK(m.append_branch({.uri = "sip:three@192.0.2.4"}));
        host.user->relay(m, "", "");
    };
    host.begin();
    host.lines();
    host.answer(302, kCallee,
                "Contact: <sip:a@192.0.2.9>;q=0.25, \"B, C\" <sip:b@192.0.2.9>\r\n"
                "Contact: sip:c@192.0.2.9;q=1.000\r\nContact: <>;q=0.1\r\n");
    host.answer(301, kSecond, "m: <sip:d@192.0.2.9>;q=0\r\nContact: <sip:e@192.0.2.9>;q=x\r\n");
    CHECK(host.told().empty());
    host.answer(486, kThird, "Contact: <sip:no@192.0.2.9>\r\n");
    CHECK(host.told() ==
          "301  sip:a@192.0.2.9=250 sip:b@192.0.2.9=1000 sip:c@192.0.2.9=1000 "
          "sip:d@192.0.2.9=0! sip:e@192.0.2.9=1000!|");
    host.end();
}

TEST_CASE("the client cancels: the handler is not asked, failure_route is") {
    for (const bool with_route : {false, true}) {
        StepHost host;
        int runs = 0;
        host.route(Route::failure, "F", [&](Message&) {
            ++runs;
            return RouteResult{};
        });
        host.first = [&](Message& m) {
            if (with_route) host.call(m, "t_on_failure", {"F"sv});
            host.user->relay(m, "", "one", Ms(5000));
        };
        host.begin();
        to_second(host);
        host.lines();
        host.answer(180);
        host.receive(cancel(host.request));
        host.answer(487);
        const std::string sent = host.lines();
        CHECK(sent.find("CANCEL sip:bob@192.0.2.2 SIP/2.0") != std::string::npos);
        CHECK(sent.ends_with("SIP/2.0 487 Said"));
        CHECK(sent.find("192.0.2.3") == std::string::npos);
        host.advance(Ms(6000));
        CHECK(host.told().empty());
        CHECK(runs == (with_route ? 1 : 0));
        host.end();
    }
}

TEST_CASE("cancelled while the handler works: its next step is refused") {
    StepHost host;
    host.begin();
    host.lines();
    host.user->then = [&](Message& m, const StepFailure&) {
        host.receive(cancel(host.request));
        host.last = host.user->relay(m, "sip:two@192.0.2.3", "two");
    };
    host.answer(486);
    CHECK(host.last < 0);
    CHECK(host.lines().find("192.0.2.3") == std::string::npos);
    host.end();
}

TEST_CASE("it replies itself") {
    StepHost host;
    host.begin();
    host.lines();
    host.user->then = [&](Message& m, const StepFailure&) {
        CHECK(host.user->tm->reply(m, 480, "Elsewhere") == 1);
    };
    host.answer(486);
    CHECK(host.lines() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 480 Elsewhere");
    host.end();
}

TEST_CASE("a plain relay ends the steps") {
    StepHost host;
    host.begin();
    host.lines();
    host.user->then = [&](Message& m, const StepFailure&) {
        m.target.uri = "sip:two@192.0.2.3";
        CHECK(host.user->tm->relay(m) == 1);
    };
    host.answer(486);
    CHECK(host.told() == "486 one|");
    host.lines();
    host.answer(404, kSecond);
    CHECK(host.told().empty());
    CHECK(host.lines() == "ACK sip:two@192.0.2.3 SIP/2.0|SIP/2.0 404 Said");
    host.end();
}

TEST_CASE("a second relay joins the step and replaces what was said of it") {
    StepHost host;
    host.first = [&](Message& m) {
        CHECK(host.user->relay(m, "", "one", Ms(1000)) == 1);
        CHECK(host.user->relay(m, "sip:two@192.0.2.3", "both") == 1);
    };
    host.begin();
    host.lines();
    host.answer(180);
    host.answer(180, kSecond);
    host.advance(Ms(3000));
    host.answer(486);
    CHECK(host.told().empty());
    host.answer(404, kSecond);
    CHECK(host.told() == "404 both|");
    host.end();
}

TEST_CASE("what cannot be sent") {
    StepHost host;
    SECTION("at once: the relay says so, and nobody is told") {
        host.first = [&](Message& m) {
            host.last = host.user->relay(m, "sip:bob@192.0.2.2:5070;transport=sctp", "one");
        };
        host.begin();
        CHECK(host.last < 0);
        CHECK(host.told().empty());
    }
    SECTION("as it turns out later: 503 made here") {
        host.begin();
        host.lines();
        to_second(host);
        host.fail(host.sent.at(std::string(kCallee)));
        CHECK(host.told() == "503 unreachable one|");
        CHECK(host.lines() == "INVITE sip:two@192.0.2.3 SIP/2.0");
    }
    SECTION("in the handler: the failure before it goes on") {
        host.begin();
        host.lines();
        host.user->then = [&](Message& m, const StepFailure&) {
            host.last = host.user->relay(m, "sip:x@192.0.2.2:5070;transport=sctp", "two");
        };
        host.answer(486);
        CHECK(host.last < 0);
        CHECK(host.lines() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Said");
    }
    host.end();
}

TEST_CASE("luggage is bytes, up to its bound") {
    StepHost host;
    host.luggage = std::string(Step::kMaxLuggage, '\0') + "x";
    host.begin();
    CHECK(host.last == static_cast<int>(ScriptError::bad_request));
    CHECK(host.lines().find("INVITE") == std::string::npos);
    host.advance(Ms(60000));
    host.discard_sent();
    host.luggage.pop_back();
    host.begin();
    CHECK(host.last == 1);
    host.lines();
    host.answer(404);
    CHECK(host.told() == "404 " + host.luggage + "|");
    host.end();
}

TEST_CASE("a handler may not suspend, and may throw") {
    StepHost host;
    host.begin();
    host.lines();
    host.user->then = [&](Message& m, const StepFailure&) {
        const auto made = host.user->suspend->suspend(m, {.until = Ms(1000)});
        CHECK((!made && made.error() == ScriptError::script));
        throw std::runtime_error("of its own");
    };
    host.answer(486);
    CHECK(host.lines() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Said");
    host.end();
}

TEST_CASE("a process dies") {
    StepHost host;
    host.timeout = Ms(5000);
    host.begin();
    host.lines();
    SECTION("while the step is pending: whoever completes it asks") {
        host.die();
        to_second(host);
        host.answer(486);
        CHECK(host.told() == "486 one|");
        CHECK(host.lines().ends_with("INVITE sip:two@192.0.2.3 SIP/2.0"));
    }
    SECTION("while the step is pending: its time ends it") {
        host.die();
        host.answer(180);
        host.advance(Ms(5100));
        CHECK(host.told() == "408 timeout one|");
    }
    SECTION("in the handler: the best reply goes up") {
        host.user->then = [&](Message& m, const StepFailure&) {
            host.die();
            m.slots.fill(0);  // nothing follows in a dead process
        };
        host.answer(486);
        CHECK(host.lines() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Said");
        CHECK(host.told() == "486 one|");
    }
    host.end();
}

TEST_CASE("each allocation of a call in two steps can fail") {
    std::uint64_t n = 1;
    for (bool failed = true; failed; ++n) {
        REQUIRE(n < 100);
        StepHost host;
        host.start();
        host.user = host.module<Walker>("walker");
        to_second(host);
        host.segment->fail_nth(n);
        host.begin();
        std::string all = host.lines();
        if (host.sent.contains(std::string(kCallee))) host.answer(486);
        all += host.lines();
        if (host.sent.contains(std::string(kSecond))) host.answer(603, kSecond);
        all += host.lines();
        void* const probe = host.segment->allocate(16, host.segment->tag("test", "probe"));
        failed = n > 1 && probe != nullptr && host.count("memory_failures") != 0;
        if (n == 1) failed = true;
        if (probe != nullptr) host.segment->free(probe);
        host.segment->fail_nth(0);
        INFO(n << ": " << all << " told " << host.user->told);
        const bool answered = all.find("SIP/2.0 603 ") != std::string::npos ||
                              all.find("SIP/2.0 486 Said") != std::string::npos ||
                              all.find("SIP/2.0 500 ") != std::string::npos ||
                              all.find("SIP/2.0 503 ") != std::string::npos;
        CHECK(answered);
        if (!failed) CHECK(all.find("SIP/2.0 603 Said") != std::string::npos);
        host.end();
    }
    CHECK(n > 8);
}

}  // namespace fairlead::test
