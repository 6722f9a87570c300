// Every moment of a transaction that other modules may be told of, and what they may shape.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>

#include "modules/tm/api.h"
#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

using tm::Moment;
using tm::Moments;
using tm::Notice;
using tm::TransactionId;

constexpr std::string_view kNames[] = {"request_in",
                                       "request_again",
                                       "request_pending",
                                       "request_built",
                                       "request_out",
                                       "request_sent",
                                       "response_in",
                                       "response_forwarded",
                                       "response_out",
                                       "response_sent",
                                       "failed",
                                       "branch_failed",
                                       "ack_in",
                                       "e2e_ack_in",
                                       "e2e_ack_again",
                                       "e2e_cancel_in",
                                       "local_request_in",
                                       "local_response_in",
                                       "local_response_out",
                                       "local_completed",
                                       "destroyed"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Moment::count));

/// Writes down what it is told: name, status, branch, "again", "here", first word of the message.
class Watcher : public tm::Observer {
public:
    std::string told;
    TransactionId id;
    bool throws = false;
    void noticed(const Notice& n) override {
        id = n.id;
        told += std::string(kNames[static_cast<std::size_t>(n.moment)]);
        if (n.code != 0) told += " " + std::to_string(n.code);
        if (n.branch >= 0) told += " #" + std::to_string(n.branch);
        if (n.again) told += " again";
        if (n.made_here) told += " here";
        if (n.param != 0) told += " p" + std::to_string(n.param);
        if (!n.message.empty()) told += " " + std::string(n.message.substr(0, n.message.find(' ')));
        told += "|";
        if (throws) throw std::runtime_error("an observer");
    }
    std::string take() { return std::exchange(told, {}); }
};

class Spy final : public Module, public tm::Shaper {
public:
    tm::Api* tm = nullptr;
    tm::ObserveApi* observe = nullptr;
    tm::UacApi* uac = nullptr;
    Watcher all, flagged, single;
    tm::ObserverId single_id = tm::ObserverId::none;
    static inline constexpr std::uint32_t kEverything =
        (std::uint32_t{1} << static_cast<unsigned>(Moment::count)) - 1;
    static Moments everything() {
        Moments m;
        m.bits = kEverything;
        return m;
    }
    std::function<void(Message&, TransactionId)> at_request = [](Message&, TransactionId) {};
    std::function<bool(Message&, int)> at_branch = [](Message&, int) { return true; };

    Result<void> prepare(Core&) override {
        (void)observe->observe(all, everything());
        (void)observe->observe(flagged, {Moment::request_in, Moment::response_out}, 4);
        single_id = observe->observe(single, {});
        observe->shape(*this);
        return {};
    }
    void request_in(Message& m, TransactionId id) override { at_request(m, id); }
    bool branch_out(Message& m, TransactionId, int branch) override { return at_branch(m, branch); }
};
constexpr Need needed[] = {needs<&Spy::tm>(), needs<&Spy::observe>(), needs<&Spy::uac>()};
constexpr Descriptor spy{
    .name = "spy", .summary = "looks on", .create = make_module<Spy>, .needs = needed};

class ObserveHost : public TmHost {
public:
    ObserveHost() {
        add(spy);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "ACK" || m.sip.method_text() == "CANCEL")
                return void(last = call(m, "t_relay"));
            first(m);
        });
    }
    Spy& begin() {
        start();
        user = module<Spy>("spy");
        receive(invite);
        return *user;
    }
    std::string told() {
        while (pending() != 0) {
            const Packet p = take();
            if (p.bytes.starts_with("INVITE")) sent[p.target.address.text()] = p.bytes;
            if (p.bytes.starts_with("SIP/2.0")) up = p.bytes;
        }
        return user->all.take();
    }
    void answer(int code, std::string_view from = kCallee, std::string_view tag = "t") {
        receive(reply(sent.at(std::string(from)), code, "Said", tag), from);
    }
    void end() {
        discard_sent();
        advance(Ms(400000));
        CHECK(user->all.take().ends_with("destroyed|"));
        CHECK(leaks() == "");
    }
    std::string invite = Request("INVITE").branch("z9hG4bKo1").str(), up;
    std::map<std::string, std::string> sent;
    std::function<void(Message&)> first = [this](Message& m) { last = call(m, "t_relay"); };
    Spy* user = nullptr;
};

}  // namespace

TEST_CASE("a call that is answered, from its request to its destruction") {
    ObserveHost host;
    host.begin();
    CHECK(host.told() ==
          "request_in INVITE|request_pending 100 here SIP/2.0|response_sent 100 here SIP/2.0|"
          "request_built #0 INVITE|request_out #0 INVITE|request_sent #0 INVITE|");
    host.receive(host.invite);
    CHECK(host.told() ==
          "request_again again INVITE|request_pending 100 here SIP/2.0|response_sent 100 here "
          "SIP/2.0|");
    host.advance(Ms(600));
    CHECK(host.told() == "request_sent #0 again INVITE|");
    host.answer(180);
    CHECK(host.told() ==
          "response_in 180 #0 SIP/2.0|response_forwarded 180 #0 SIP/2.0|"
          "response_out 180 #0 SIP/2.0|response_sent 180 #0 SIP/2.0|");
    host.answer(200);
    CHECK(host.told() ==
          "response_in 200 #0 SIP/2.0|response_forwarded 200 #0 SIP/2.0|"
          "response_out 200 #0 SIP/2.0|response_sent 200 #0 SIP/2.0|");
    const auto ack_of = [](std::string_view tag) {
        return Request("ACK").branch("z9hG4bKack").to_tag(tag).str();
    };
    host.receive(ack_of("t"));
    CHECK(host.told() == "e2e_ack_in ACK|");
    host.receive(ack_of("t"));
    CHECK(host.told() == "e2e_ack_again again ACK|");
    host.answer(200, kCallee, "other");
    CHECK(host.told() ==
          "response_in 200 #0 SIP/2.0|response_forwarded 200 #0 again SIP/2.0|"
          "response_sent 200 #0 again SIP/2.0|");
    host.receive(ack_of("other"));
    CHECK(host.told() == "e2e_ack_in ACK|");
    host.end();
}

TEST_CASE("a fork that fails: each branch, all of them, and the ACK") {
    ObserveHost host;
    host.first = [&](Message& m) {
        CHECK(m.append_branch({.uri = "sip:two@192.0.2.3"}));
        host.last = host.call(m, "t_relay");
    };
    host.param("tm", "fr_timer", 2000);
    host.begin();
    CHECK(host.told().ends_with(
        "request_built #0 INVITE|request_out #0 INVITE|request_sent #0 INVITE|"
        "request_built #1 INVITE|request_out #1 INVITE|request_sent #1 INVITE|"));
    host.answer(486);
    CHECK(host.told() == "response_in 486 #0 SIP/2.0|branch_failed 486 #0|request_sent #0 ACK|");
    host.advance(Ms(2100));
    const std::string timeout = host.told();
    CHECK(
        timeout.ends_with("branch_failed 408 #1 here|failed 408 #1 here|"
                          "response_out 408 here SIP/2.0|response_sent 408 here SIP/2.0|"));
    host.receive(ack(host.invite, host.up));
    CHECK(host.told() == "ack_in ACK|");
    host.end();
}

TEST_CASE("a reply that was kept is told when it goes up") {
    ObserveHost host;
    host.begin();
    host.told();
    host.answer(404);
    CHECK(host.told() ==
          "response_in 404 #0 SIP/2.0|branch_failed 404 #0|request_sent #0 ACK|"
          "failed 404 #0 SIP/2.0|response_forwarded 404 #0 SIP/2.0|response_out 404 #0 SIP/2.0|"
          "response_sent 404 #0 SIP/2.0|");
    host.advance(Ms(600));
    CHECK(host.told() == "response_sent 404 again SIP/2.0|");
    host.end();
}

TEST_CASE("the client cancels") {
    ObserveHost host;
    host.begin();
    host.told();
    host.answer(180);
    host.told();
    host.receive(cancel(host.invite));
    const std::string told = host.told();
    CHECK(told.find("e2e_cancel_in CANCEL|request_sent #0 CANCEL|") != std::string::npos);
    host.receive(reply(host.sent.at(std::string(kCallee)), 487, "Terminated", "t"), kCallee);
    CHECK(host.told().starts_with("response_in 487 #0 SIP/2.0|branch_failed 487 #0|"));
    host.end();
}

TEST_CASE("replies of a script") {
    ObserveHost host;
    host.first = [&](Message& m) {
        host.call(m, "t_newtran");
        host.call(m, "t_reply", {183, "Wait"sv});
        host.call(m, "t_reply", {404, "Gone"sv});
    };
    host.begin();
    CHECK(host.told() ==
          "request_in INVITE|response_out 183 here SIP/2.0|response_sent 183 here SIP/2.0|"
          "response_out 404 here SIP/2.0|response_sent 404 here SIP/2.0|");
    host.end();
}

TEST_CASE("by flags, and of one transaction only") {
    ObserveHost host;
    host.first = [&](Message& m) {
        m.flags = m.sip.call_id() == "one" ? 4 : 8;
        host.call(m, "t_newtran");
        TransactionId id;
        REQUIRE(host.user->observe->id_of(m, id));
        if (m.sip.call_id() == "one")
            CHECK(host.user->observe->attach(id, host.user->single_id,
                                             {Moment::response_out, Moment::destroyed}, 77));
        host.call(m, "t_reply", {404, "Gone"sv});
    };
    host.invite = Request("INVITE").branch("z9hG4bKo1").call_id("one").str();
    Spy& user = host.begin();
    host.receive(Request("INVITE").branch("z9hG4bKo2").call_id("two").str());
    host.told();
    CHECK(user.flagged.take() == "request_in INVITE|response_out 404 here SIP/2.0|");
    CHECK(user.single.take() == "response_out 404 here p77 SIP/2.0|");
    const TransactionId gone = user.single.id;
    host.end();
    CHECK(user.single.take() == "destroyed p77|");
    CHECK_FALSE(user.observe->attach(gone, user.single_id, {Moment::destroyed}, 1));
    CHECK_FALSE(user.observe->attach({1U << 30U, 1}, user.single_id, {Moment::destroyed}, 1));
}

TEST_CASE("a bounded number observes one transaction, and memory may fail") {
    ObserveHost host;
    int attached = 0;
    host.first = [&](Message& m) {
        host.call(m, "t_newtran");
        TransactionId id;
        REQUIRE(host.user->observe->id_of(m, id));
        host.segment->fail_nth(1);
        CHECK_FALSE(host.user->observe->attach(id, host.user->single_id, {Moment::destroyed}, 1));
        host.segment->fail_nth(0);
        for (std::uint64_t i = 1; i <= 20; ++i)
            attached +=
                host.user->observe->attach(id, host.user->single_id, {Moment::response_out}, i);
        host.call(m, "t_reply", {404, "Gone"sv});
    };
    host.begin();
    CHECK(attached == tm::ObserveApi::kMostAttached);
    const std::string told = host.user->single.take();
    CHECK(std::count(told.begin(), told.end(), '|') == tm::ObserveApi::kMostAttached);
    CHECK(told.find(" p1 ") != std::string::npos);
    host.end();
}

TEST_CASE("an observer may throw") {
    ObserveHost host;
    host.start();
    host.module<Spy>("spy")->all.throws = true;
    host.user = host.module<Spy>("spy");
    host.receive(host.invite);
    CHECK(host.told().ends_with("request_sent #0 INVITE|"));
    host.end();
}

TEST_CASE("what is shaped: the request as it becomes a transaction, and each branch") {
    ObserveHost host;
    host.first = [&](Message& m) {
        CHECK(m.append_branch({.uri = "sip:two@192.0.2.3"}));
        CHECK(m.append_branch({.uri = "sip:three@192.0.2.4"}));
        host.last = host.call(m, "t_relay");
    };
    host.start();
    host.user = host.module<Spy>("spy");
    bool throws = false;
    host.user->at_request = [](Message& m, TransactionId) {
        m.edits.insert_before(m.sip.headers().back(), "X-All: yes\r\n");
    };
    host.user->at_branch = [&](Message& m, int branch) {
        if (throws) throw std::runtime_error("a shaper");
        if (m.uri() == "sip:two@192.0.2.3") return false;
        m.edits.insert_before(
            m.sip.headers().back(),
            m.arena.concat({"X-Branch: ", branch == 0 ? "first" : "second", "\r\n"}));
        if (branch == 1) m.target.uri = "sip:other@192.0.2.4";
        return true;
    };
    host.receive(host.invite);
    host.told();
    REQUIRE(host.sent.size() == 2);
    const std::string& one = host.sent.at(std::string(kCallee));
    const std::string& three = host.sent.at("192.0.2.4:5060");
    CHECK(header(one, "X-All") == "yes");
    CHECK(header(one, "X-Branch") == "first");
    CHECK(headers(three, "X-Branch") == std::vector<std::string>{"second"});
    CHECK(start_line(three) == "INVITE sip:other@192.0.2.4 SIP/2.0");
    throws = true;
    host.sent.clear();
    host.receive(Request("INVITE").branch("z9hG4bKo3").call_id("x").str());
    host.told();
    CHECK(host.sent.size() == 3);
    host.end();
}

TEST_CASE("requests of our own") {
    ObserveHost host;
    host.start();
    host.user = host.module<Spy>("spy");
    REQUIRE(host.user->uac->request(
        {.method = "INVITE", .request_uri = "sip:bob@192.0.2.2", .provisional = true}));
    CHECK(host.told() ==
          "local_request_in INVITE|request_built #0 INVITE|request_out #0 INVITE|"
          "request_sent #0 INVITE|");
    host.answer(180);
    CHECK(host.told() == "local_response_in 180 #0 SIP/2.0|local_response_out 180 #0 SIP/2.0|");
    host.answer(200);
    CHECK(host.told() == "local_response_in 200 #0 SIP/2.0|local_completed 200 #0 SIP/2.0|");
    host.end();
    REQUIRE(host.user->uac->request({.method = "OPTIONS", .request_uri = "sip:bob@192.0.2.2"}));
    host.advance(Ms(40000));
    const std::string told = host.told();
    CHECK(told.find("local_completed 408 #0 here|destroyed|") != std::string::npos);
    CHECK(host.leaks() == "");
}

}  // namespace fairlead::test
