// sl on replies, and beside tm: who answers when there is a transaction.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/tm/api.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

/// Stands for tm: has a transaction when the test says so, and remembers what it was to answer.
class FakeTm final : public Module, public fairlead::tm::Api {
public:
    bool is_there = false;
    std::string answered;

    bool has_transaction(const Message&) const noexcept override { return is_there; }
    int new_transaction(Message&) override { return 1; }
    int reply(Message&, int code, std::string_view reason) override {
        answered = std::to_string(code) + " " + std::string(reason);
        return 1;
    }
    int relay(Message&) override { return 1; }
    std::string_view reply_to_tag(const Message&) const noexcept override { return "tm-tag"; }
    void watch(fairlead::tm::Watcher&, std::uint32_t, bool) override {}
    bool cancel_branches(Message&, Which) override { return false; }
    bool cancel_call(std::string_view, std::uint32_t, std::uint32_t, std::uint16_t) override {
        return false;
    }
    bool reply_to_call(std::string_view, std::uint32_t, int, std::string_view) override {
        return false;
    }
    bool answer_call(std::string_view, std::uint32_t, const fairlead::tm::OwnReply&) override {
        return false;
    }
    bool answer(std::uint32_t, std::uint32_t, const fairlead::tm::OwnReply&) override {
        return false;
    }
};

constexpr Offer offered[] = {offers<FakeTm, fairlead::tm::Api>()};
constexpr Descriptor fake_tm{
    .name = "tm", .summary = "stands for tm", .create = make_module<FakeTm>, .offers = offered};

std::string relayed(int code) {
    return "SIP/2.0 " + std::to_string(code) +
           " Busy\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours\r\n"
           "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1\r\n"
           "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
           "Content-Length: 0\r\n\r\n";
}

}  // namespace

TEST_CASE("send_reply answers through the transaction when there is one") {
    ModuleHost host;
    host.load("sl");
    host.add(fake_tm);
    std::string ltt;
    host.on_request([&](Message& m) {
        host.call(m, "send_reply", {404, "Nope"sv});
        ltt = host.variable(m, "ltt", "x").string();
    });
    bool bound = true;
    SECTION("bind_tm is on by default") {}
    SECTION("with bind_tm 0 it never does") {
        host.param("sl", "bind_tm", 0);
        bound = false;
    }
    host.start();
    host.receive(Request("INVITE").str());
    CHECK(host.pending() == 1);  // no transaction yet
    host.discard_sent();

    auto* const tm = host.module<FakeTm>("tm");
    tm->is_there = true;
    host.receive(Request("INVITE").str());
    CHECK(tm->answered == (bound ? "404 Nope" : ""));
    CHECK(host.pending() == (bound ? 0 : 1));
    CHECK((ltt == "tm-tag") == bound);
}

TEST_CASE("an error reply does not cross the transaction's") {
    ModuleHost host;
    host.load("sl");
    host.add(fake_tm);
    host.on_request([&](Message& m) {
        m.error = ScriptError::send;
        host.call(m, "sl_reply_error");
    });
    host.start();
    auto* const tm = host.module<FakeTm>("tm");
    tm->is_there = true;
    host.receive(Request("INVITE").str());
    CHECK(host.pending() == 0);
    CHECK(tm->answered == "477 Unfortunately error on sending to next hop occurred (477/SL)");
}

TEST_CASE("send_reply on a reply without transaction fails") {
    ModuleHost host;
    host.load("sl");
    int code = 0;
    host.route(Route::core_reply, "", [&](Message& m) {
        code = host.call(m, "send_reply", {404, "x"sv});
        return RouteResult{.dropped = true};
    });
    host.start();
    host.receive(relayed(486));
    CHECK(code == -1);
    CHECK(host.pending() == 0);
}

TEST_CASE("sl_forward_reply passes the reply on with another code of its class") {
    ModuleHost host;
    host.load("sl");
    int code = 0;
    std::vector<Value> args;
    host.route(Route::core_reply, "", [&](Message& m) {
        code = host.call(m, "sl_forward_reply", args);
        return RouteResult{.dropped = true};
    });
    host.start();
    SECTION("both given") {
        args = {480, "Gone"sv};
        host.receive(relayed(486));
        REQUIRE(code == 1);
        const Packet packet = host.take();
        CHECK(start_line(packet.bytes) == "SIP/2.0 480 Gone");
        CHECK(headers(packet.bytes, "Via").size() == 1);
        CHECK(packet.target.address == address("192.0.2.1:5070"));
    }
    SECTION("none given") {
        host.receive(relayed(486));
        CHECK(start_line(host.take().bytes) == "SIP/2.0 486 Busy");
    }
    SECTION("another class is refused") {
        args = {200, "OK"sv};
        host.receive(relayed(486));
        CHECK(code == -1);
    }
    CHECK(host.pending() == 0);
}
