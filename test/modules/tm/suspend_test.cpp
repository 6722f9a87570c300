// Suspension through tm's interface: every order of what may happen to a transaction that waits.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/tm/api.h"
#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

using tm::Resumed;
using tm::SuspendToken;

/// A module that suspends, wakes and unpacks, and writes down what it sees.
class Sleeper final : public Module, public tm::Waker, public tm::Unpacker {
public:
    tm::SuspendApi* tm = nullptr;
    tm::WakerId waker = tm::WakerId::none;
    std::vector<SuspendToken> woken;
    std::string unpacked;
    bool takes_mail = true;

    Result<void> prepare(Core&) override {
        waker = tm->on_wake(*this);
        return {};
    }
    bool wake(const SuspendToken& token, std::uint64_t param) override {
        CHECK(param == 77);
        woken.push_back(token);
        return takes_mail;
    }
    void unpack(Message&, std::string_view luggage) override { unpacked = luggage; }
};
constexpr Need needed[] = {needs<&Sleeper::tm>()};
constexpr Descriptor sleeper{
    .name = "sleeper", .summary = "sleeps", .create = make_module<Sleeper>, .needs = needed};

/// request_route suspends and ends; route[GO] says what follows.
class SuspendHost : public TmHost {
public:
    SuspendHost() {
        add(sleeper);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "CANCEL") {
                last = call(m, "t_relay");
                return;
            }
            before(m);
            const auto made = user->tm->suspend(m, how);
            error = made ? ScriptError::none : made.error();
            if (made) token = *made;
            behind(m);
        });
        route(Route::request, "GO", [this](Message& m) {
            ++runs;
            seen_uri = m.uri();
            go(m);
            return RouteResult{};
        });
    }
    void begin() {
        start();
        user = module<Sleeper>("sleeper");
        receive(invite);
    }
    Resumed resume() { return user->tm->resume(token, go_route(), user); }
    RouteId go_route() { return engine().script().find(Route::request, "GO"); }
    std::string lines() {
        std::string all;
        while (pending() != 0) all += (all.empty() ? "" : "|") + next_line();
        return all;
    }
    void end() {
        discard_sent();
        advance(Ms(400000));
        CHECK(leaks().empty());
        CHECK(count("created") == count("freed"));
    }
    /// The process dies in the script that runs, and another one takes its place.
    void die() { REQUIRE(engine().start({Process::Kind::worker, 1, 0, true, "worker 0"})); }

    std::string invite = Request("INVITE").branch("z9hG4bKa1").str();
    tm::Suspend how;
    std::function<void(Message&)> before = [](Message&) {}, behind = [](Message&) {};
    std::function<void(Message&)> go = [this](Message& m) {
        call(m, "t_reply", {486, "Gone on"sv});
    };
    Sleeper* user = nullptr;
    SuspendToken token;
    ScriptError error = ScriptError::none;
    int runs = 0;
    std::string seen_uri;
};

const std::string kTrying = "SIP/2.0 100 trying -- your call is important to us";

}  // namespace

TEST_CASE("resumed once: it goes on; a second time it is stale") {
    SuspendHost host;
    host.how.luggage = "bytes";
    host.begin();
    CHECK(host.lines() == kTrying);
    CHECK(host.user->tm->suspended() == 1);
    CHECK(host.user->tm->waiting(host.token.slot, host.token.label) == host.token);
    CHECK(host.resume() == Resumed::resumed);
    CHECK(host.user->unpacked == "bytes");
    CHECK(host.lines() == "SIP/2.0 486 Gone on");
    CHECK(host.resume() == Resumed::stale);
    CHECK(host.runs == 1);
    CHECK(host.user->tm->suspended() == 0);
    CHECK(host.user->tm->waiting(host.token.slot, host.token.label).ticket == 0);
    host.end();
    CHECK(host.resume() == Resumed::stale);
    CHECK(host.user->tm->resume({1U << 30U, 1, 1}, host.go_route()) == Resumed::stale);
}

TEST_CASE("cancelled, then resumed") {
    SuspendHost host;
    host.begin();
    host.lines();
    host.receive(cancel(host.invite));
    CHECK(host.lines() ==
          "SIP/2.0 487 Request canceled|SIP/2.0 200 ok -- no more pending branches");
    CHECK(host.resume() == Resumed::cancelled);
    CHECK(host.runs == 0);
    host.end();
}

TEST_CASE("expired, then resumed: 408, by failure_route when there is one") {
    for (const bool with_route : {false, true}) {
        SuspendHost host;
        host.param("tm", "fr_timer", 2000);
        int status = 0;
        host.route(Route::failure, "F", [&](Message& m) {
            status = host.call(m, "t_branch_timeout");
            host.call(m, "t_reply", {480, "Too late"sv});
            return RouteResult{};
        });
        if (with_route) host.before = [&](Message& m) { host.call(m, "t_on_failure", {"F"sv}); };
        host.begin();
        host.lines();
        host.advance(Ms(1990));
        CHECK(host.pending() == 0);
        host.advance(Ms(40));
        CHECK(host.lines() ==
              (with_route ? "SIP/2.0 480 Too late" : "SIP/2.0 408 Request Timeout"));
        CHECK(status == (with_route ? 1 : 0));
        CHECK(host.resume() == Resumed::expired);
        CHECK(host.runs == 0);
        host.end();
    }
}

TEST_CASE("until bounds the wait, whatever the timers of the transaction") {
    SuspendHost host;
    host.how.until = Ms(500000);
    host.begin();
    host.lines();
    host.advance(Ms(499000));
    CHECK(host.pending() == 0);
    CHECK(host.resume() == Resumed::resumed);
    CHECK(host.lines() == "SIP/2.0 486 Gone on");
    host.end();
}

TEST_CASE("answered by somebody else, then resumed") {
    SuspendHost host;
    host.load("tmx");
    host.begin();
    host.lines();
    Message& m = host.engine().borrow_message();
    CHECK(host.call(m, "t_reply_callid",
                    {Value(*header(host.invite, "Call-ID")), "1"sv, "603"sv, "Decline"sv}) == 1);
    host.engine().give_back(m);
    CHECK(host.lines() == "SIP/2.0 603 Decline");
    CHECK(host.resume() == Resumed::final);
    CHECK(host.runs == 0);
    host.end();
}

TEST_CASE("withdrawn by its script: it is stale, and the script answers") {
    SuspendHost host;
    host.behind = [&](Message& m) {
        CHECK_FALSE(host.user->tm->cancel_suspend(
            m, {host.token.slot, host.token.label, host.token.ticket + 1}));
        CHECK(host.user->tm->cancel_suspend(m, host.token));
        CHECK_FALSE(host.user->tm->cancel_suspend(m, host.token));
        host.call(m, "t_reply", {480, "Itself"sv});
    };
    host.begin();
    CHECK(host.lines() == kTrying + "|SIP/2.0 480 Itself");
    CHECK(host.resume() == Resumed::stale);
    host.end();
}

TEST_CASE("withdrawn and relayed: a transaction as any other, and nothing is left of the wait") {
    SuspendHost host;
    host.behind = [&](Message& m) {
        CHECK(host.user->tm->cancel_suspend(m, host.token));
        CHECK(host.call(m, "t_relay") == 1);
    };
    host.begin();
    CHECK(host.next_line() == kTrying);
    const std::string sent = host.next();
    CHECK(start_line(sent) == "INVITE sip:bob@192.0.2.2 SIP/2.0");
    host.answer(sent, 180, "Ringing");
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    host.advance(Ms(60000));  // longer than a suspension lasts
    CHECK(host.lines() == "");
    CHECK(host.resume() == Resumed::stale);
    host.answer(sent, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.user->tm->suspended() == 0);
    host.end();
}

TEST_CASE(
    "resumed before its script has ended: it goes on right behind it, with all of its changes") {
    SuspendHost host;
    host.load("textops");
    host.behind = [&](Message& m) {
        CHECK(host.resume() == Resumed::resumed);
        CHECK(host.resume() == Resumed::stale);
        CHECK_FALSE(host.user->tm->cancel_suspend(m, host.token));
        CHECK(host.runs == 0);
        m.target.uri = "sip:changed@192.0.2.3";
        host.call(m, "append_hf", {"X-Late: yes\r\n"sv});
    };
    host.go = [&](Message& m) { host.call(m, "t_relay"); };
    host.begin();
    CHECK(host.runs == 1);
    CHECK(host.seen_uri == "sip:changed@192.0.2.3");
    CHECK(host.next_line() == kTrying);
    CHECK(header(host.next(), "X-Late") == "yes");
    host.end();
}

TEST_CASE("relayed beside: a failure waits for who goes on, a success does not") {
    for (const int code : {404, 200}) {
        SuspendHost host;
        host.behind = [&](Message& m) { host.call(m, "t_relay"); };
        host.go = [](Message&) {};
        host.begin();
        CHECK(host.next_line() == kTrying);
        const std::string sent = host.next();
        host.answer(sent, code, "Word");
        if (code == 200) {
            CHECK(host.lines() == "SIP/2.0 200 Word");
            CHECK(host.resume() == Resumed::final);
        } else {
            CHECK(host.lines().starts_with("ACK"));
            CHECK(host.resume() == Resumed::resumed);
            CHECK(host.lines() == "SIP/2.0 404 Word");
        }
        host.end();
    }
}

TEST_CASE("suspended again and again; each ticket is good once") {
    SuspendHost host;
    std::vector<SuspendToken> tokens;
    host.go = [&](Message& m) {
        if (host.runs < 4) {
            const auto next = host.user->tm->suspend(m, {});
            REQUIRE(next);
            CHECK_FALSE(host.user->tm->suspend(m, {}));
            host.token = *next;
            tokens.push_back(*next);
        } else {
            host.call(m, "t_reply", {486, "At last"sv});
        }
    };
    host.begin();
    const SuspendToken first = host.token;
    host.lines();
    for (int i = 0; i < 3; ++i) {
        CHECK(host.resume() == Resumed::resumed);
        CHECK(host.pending() == 0);
        CHECK(host.user->tm->resume(first, host.go_route()) == Resumed::stale);
    }
    CHECK(host.resume() == Resumed::resumed);
    CHECK(host.lines() == "SIP/2.0 486 At last");
    host.end();
}

TEST_CASE("woken when its time has come, again while it is not resumed, sooner when refused") {
    SuspendHost host;
    host.how.wake = Ms(300);
    host.how.param = 77;
    host.before = [&](Message&) { host.how.waker = host.user->waker; };
    host.begin();
    host.advance(Ms(290));
    CHECK(host.user->woken.empty());
    host.user->takes_mail = false;
    host.advance(Ms(100));
    CHECK(host.user->woken.size() >= 3);
    host.user->takes_mail = true;
    host.advance(Ms(30));
    const std::size_t before = host.user->woken.size();
    host.advance(Ms(1100));
    CHECK(host.user->woken.size() == before + 1);
    CHECK(host.user->woken.back() == host.token);
    CHECK(host.resume() == Resumed::resumed);
    host.end();
}

TEST_CASE("the process dies: one that waits waits on, one whose script died is answered 500") {
    SECTION("while it waits") {
        SuspendHost host;
        host.begin();
        host.lines();
        host.die();
        CHECK(host.resume() == Resumed::resumed);
        CHECK(host.lines() == "SIP/2.0 486 Gone on");
        host.end();
    }
    SECTION("in the script that suspended it") {
        SuspendHost host;
        host.behind = [&](Message& m) {
            host.die();
            m.slots.fill(0);  // nothing follows in a dead process
        };
        host.begin();
        host.lines();
        CHECK(host.resume() == Resumed::resumed);
        CHECK(host.lines() == "SIP/2.0 486 Gone on");
        host.end();
    }
    SECTION("in the script that went on") {
        SuspendHost host;
        host.go = [&](Message& m) {
            host.die();
            m.slots.fill(0);
        };
        host.begin();
        host.lines();
        CHECK(host.resume() == Resumed::resumed);
        CHECK(host.lines() == "SIP/2.0 500 I'm terribly sorry, server error occurred (1/TM)");
        CHECK(host.resume() == Resumed::stale);
        host.end();
    }
}

TEST_CASE("what cannot be suspended") {
    SuspendHost host;
    host.before = [&](Message& m) { host.call(m, "t_reply", {404, "Done"sv}); };
    host.begin();
    // t_reply without a transaction did nothing; one is made and waits.
    CHECK(host.error == ScriptError::none);
    CHECK(host.resume() == Resumed::resumed);
    host.before = [&](Message& m) {
        host.call(m, "t_newtran");
        host.call(m, "t_reply", {404, "Done"sv});
    };
    host.receive(Request("INVITE").branch("z9hG4bKb").call_id("b").str());
    CHECK(host.error == ScriptError::unspecified);
    host.before = [&](Message& m) { m.route_type = Route::core_reply; };
    host.receive(Request("INVITE").branch("z9hG4bKc").call_id("c").str());
    CHECK(host.error == ScriptError::script);
    host.before = [&](Message&) { host.how.keep_way = true; };  // no statement runs
    host.receive(Request("INVITE").branch("z9hG4bKd").call_id("d").str());
    CHECK(host.error == ScriptError::script);
    host.end();
}

TEST_CASE("every allocation of a suspension may fail") {
    for (std::uint64_t n = 1; n < 16; ++n) {
        SuspendHost host;
        host.how.luggage = "bytes";
        host.before = [&](Message& m) {
            host.call(m, "t_newtran");
            host.segment->fail_nth(n);
        };
        host.behind = [&](Message& m) {
            host.segment->fail_nth(0);
            if (host.error != ScriptError::none) host.call(m, "t_reply", {480, "No room"sv});
        };
        host.begin();
        if (host.error == ScriptError::none) {
            CHECK(host.resume() == Resumed::resumed);
            CHECK(host.lines() == kTrying + "|SIP/2.0 486 Gone on");
        } else {
            CHECK(host.error == ScriptError::out_of_memory);
            CHECK(host.lines() == kTrying + "|SIP/2.0 480 No room");
        }
        host.end();
    }
}

TEST_CASE("t_suspend and t_continue in scripts") {
    TmHost host;
    for (const char* name : {"sl", "pv", "tmx"}) host.load(name);
    host.config(R"x(
request_route {
    if ($rm == "OPTIONS") {
        t_continue("$shv(index)", "$shv(label)", "GO");
        sl_send_reply("200", "$rc");
        exit;
    }
    t_suspend();
    $shv(index) = $T(id_index);
    $shv(label) = $T(id_label);
}
route[GO] { t_reply("486", "Gone on"); }
)x");
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKa1").str());
    CHECK(host.next_line() == kTrying);
    CHECK(host.pending() == 0);
    const std::string options = Request("OPTIONS").call_id("o").str();
    host.receive(options);
    CHECK(host.next_line() == "SIP/2.0 486 Gone on");
    CHECK(host.next_line() == "SIP/2.0 200 1");
    host.receive(options);
    CHECK(host.next_line() == "SIP/2.0 200 -1");
    host.advance(Ms(60000));
    CHECK(host.leaks().empty());
}

TEST_CASE("the process that suspended a reply dies: who has the token resumes it") {
    TmHost host;
    host.add(sleeper);
    Sleeper* user = nullptr;
    int resumed = 0;
    host.on_request([&](Message& m) {
        host.call(m, "t_on_reply", {"r"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::request, "GO", [&](Message& m) {
        resumed += m.sip.status() == 200 ? 1 : 0;
        return RouteResult{};
    });
    host.route(Route::tm_reply, "r", [&](Message& m) {
        const auto token = user->tm->suspend(m, {});
        REQUIRE(token);
        CHECK_FALSE(user->tm->suspend(m, {.luggage = "more"}));
        REQUIRE(host.engine().start({Process::Kind::worker, 1, 0, true, "worker 0"}));
        CHECK(user->tm->waiting(token->slot, token->label) == *token);
        const RouteId go = host.engine().script().find(Route::request, "GO");
        CHECK(user->tm->resume(*token, go) == Resumed::resumed);
        return RouteResult{};
    });
    host.start();
    user = host.module<Sleeper>("sleeper");
    host.receive(Request("MESSAGE").branch("z9hG4bKdie").str());
    host.answer(host.next(), 200, "OK");
    CHECK(resumed == 1);
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.pending() == 0);
    host.advance(Ms(40000));
    CHECK(host.leaks() == "");
}

TEST_CASE("t_cancel_suspend of a reply: it goes on as if nobody had asked") {
    TmHost host;
    host.add(sleeper);
    Sleeper* user = nullptr;
    host.on_request([&](Message& m) {
        host.call(m, "t_on_reply", {"r"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::tm_reply, "r", [&](Message& m) {
        const auto token = user->tm->suspend(m, {});
        REQUIRE(token);
        CHECK(user->tm->cancel_suspend(m, *token));
        CHECK_FALSE(user->tm->cancel_suspend(m, *token));
        CHECK(user->tm->resume(*token, RouteId::none) == Resumed::stale);
        return RouteResult{};
    });
    host.start();
    user = host.module<Sleeper>("sleeper");
    host.receive(Request("MESSAGE").branch("z9hG4bKno").str());
    host.answer(host.next(), 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    host.advance(Ms(40000));
    CHECK(host.leaks() == "");
}

}  // namespace fairlead::test
