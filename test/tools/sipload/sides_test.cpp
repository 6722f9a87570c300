// Both sides of the load tool, without a network: what they send, count and complain about.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <deque>

#include "tools/sipload/uac.h"
#include "tools/sipload/uas.h"

using namespace fairlead;
using namespace fairlead::sipload;
using namespace std::chrono_literals;

namespace {

/// Keeps what is sent.
class FakeSender final : public Sender {
public:
    std::span<char> room() override { return room_; }
    void commit(std::size_t size, const Peer&) override { sent.emplace_back(room_.data(), size); }
    std::string take() {
        REQUIRE_FALSE(sent.empty());
        std::string first = sent.front();
        sent.pop_front();
        return first;
    }
    std::deque<std::string> sent;

private:
    std::array<char, 4096> room_{};
};

struct Pair {
    explicit Pair(Mode mode) {
        options.mode = mode;
        options.method = "OPTIONS";
        options.uri = "sip:service@127.0.0.1:5070";
        options.target = *Address::parse("127.0.0.1", 5060);
        uac.emplace(*Uac::make(options, {{&from_uac, "127.0.0.1:4000"}}, "run"));
    }
    void to_uas(const std::string& text, Now now = 0s) { uas.receive({text, &peer}, now); }
    void to_uac(const std::string& text, Now now = 0s) { uac->receive(text, now); }

    Options options;
    Peer peer;
    FakeSender from_uac, from_uas;
    std::optional<Uac> uac;
    Uas uas{from_uas, "127.0.0.1:5070", {}};
};

}  // namespace

TEST_CASE("a call runs to its end", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    p.to_uas(p.from_uac.take());
    CHECK(p.from_uas.sent.at(0).starts_with("SIP/2.0 180"));
    p.to_uac(p.from_uas.take());
    p.to_uac(p.from_uas.take());
    const std::string ack = p.from_uac.take(), bye = p.from_uac.take();
    CHECK(ack.starts_with("ACK sip:uas@127.0.0.1:5070 SIP/2.0\r\n"));
    CHECK(ack.find("To: <sip:service@127.0.0.1:5070>;tag=uas\r\n") != std::string::npos);
    CHECK(bye.find("CSeq: 2 BYE\r\n") != std::string::npos);
    p.to_uas(ack);
    p.to_uas(bye);
    p.to_uac(p.from_uas.take());
    CHECK(p.uac->stats().completed == 1);
    CHECK(p.uas.stats().completed == 1);
    CHECK(p.uac->in_flight() == 0);
    CHECK(p.uac->stats().order_violations + p.uas.stats().order_violations == 0);
    p.uas.run_timers(40s);
    CHECK(p.uas.live() == 0);
    CHECK(p.from_uas.sent.empty());
}

TEST_CASE("an INVITE is sent again until something comes, then fails at the timeout", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    const std::string invite = p.from_uac.take();
    p.uac->run_timers(500ms);
    CHECK(p.from_uac.take() == invite);
    p.uac->run_timers(1499ms);
    CHECK(p.from_uac.sent.empty());
    p.uac->run_timers(1500ms);
    CHECK(p.from_uac.take() == invite);
    p.to_uas(invite);
    p.to_uac(p.from_uas.take());  // 180
    p.uac->run_timers(31s);
    CHECK(p.from_uac.sent.empty());
    p.uac->run_timers(32s);
    CHECK(p.uac->stats().reasons.at("no final answer to INVITE") == 1);
    CHECK(p.uac->stats().retransmitted == 2);
}

TEST_CASE("180 behind 200 is out of order", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    p.to_uas(p.from_uac.take());
    const std::string ringing = p.from_uas.take(), ok = p.from_uas.take();
    p.to_uac(ok);
    p.to_uac(ringing);
    CHECK(p.uac->stats().violations.at("180 after 200") == 1);
}

TEST_CASE("ACK behind BYE is out of order", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    p.to_uas(p.from_uac.take());
    p.to_uac(p.from_uas.take());
    p.to_uac(p.from_uas.take());
    const std::string ack = p.from_uac.take(), bye = p.from_uac.take();
    p.to_uas(bye);
    p.to_uas(ack);
    CHECK(p.uas.stats().violations.at("ACK after BYE") == 1);
}

TEST_CASE("a 200 that is not acknowledged is sent again, and every copy is acknowledged",
          "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    p.to_uas(p.from_uac.take());
    p.to_uac(p.from_uas.take());
    const std::string ok = p.from_uas.take();
    p.uas.run_timers(500ms);
    CHECK(p.from_uas.take() == ok);
    CHECK(p.uas.stats().retransmitted == 1);
    p.to_uac(ok);
    p.from_uac.sent.clear();
    p.to_uac(ok);
    CHECK(p.from_uac.take().starts_with("ACK "));
    CHECK(p.uac->stats().repeats_received == 1);
}

TEST_CASE("a refused call is acknowledged with the INVITE's branch and counted", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    const std::string invite = p.from_uac.take();
    p.to_uas(invite);
    std::string busy = p.from_uas.take();
    p.to_uac(busy.replace(8, 11, "486 Busy   "));
    const std::string ack = p.from_uac.take();
    CHECK(scan(ack)->branch == scan(invite)->branch);
    CHECK(ack.starts_with("ACK sip:service@127.0.0.1:5070 "));
    CHECK(p.uac->stats().reasons.at("486 to INVITE") == 1);
    CHECK(p.uac->in_flight() == 0);
}

TEST_CASE("a repeated INVITE gets the 200 again", "[sipload]") {
    Pair p(Mode::call);
    p.uac->start(0s);
    const std::string invite = p.from_uac.take();
    p.to_uas(invite);
    p.from_uas.take();
    const std::string ok = p.from_uas.take();
    p.to_uas(invite);
    CHECK(p.from_uas.take() == ok);
    CHECK(p.uas.stats().repeats_received == 1);
}

TEST_CASE("over TCP messages say so and are not sent again", "[sipload]") {
    FakeSender sender;
    Options options;
    options.mode = Mode::call;
    options.transport = Transport::tcp;
    options.uri = "sip:service@127.0.0.1:5070;transport=tcp";
    options.target = *Address::parse("127.0.0.1", 5060);
    auto uac = *Uac::make(options, {{&sender, "127.0.0.1:4000"}}, "run");
    uac.start(0s);
    const std::string invite = sender.take();
    CHECK(invite.contains("\r\nVia: SIP/2.0/TCP 127.0.0.1:4000;"));
    CHECK(invite.contains("\r\nContact: <sip:load@127.0.0.1:4000;transport=tcp>\r\n"));
    uac.run_timers(2s);
    CHECK(sender.sent.empty());
    uac.run_timers(33s);
    CHECK(uac.stats().failed == 1);
}

TEST_CASE("one request, one answer", "[sipload]") {
    Pair p(Mode::reply);
    p.uac->begin_measuring();
    p.uac->start(0s);
    p.to_uas(p.from_uac.take());
    const std::string ok = p.from_uas.take();
    p.to_uac(ok, 3ms);
    CHECK(p.uac->stats().completed == 1);
    CHECK(p.uac->stats().latency.max() == 3000);
    p.to_uac(ok);
    CHECK(p.uac->stats().late == 1);
}

TEST_CASE("another run's answers are not ours", "[sipload]") {
    Pair p(Mode::reply);
    p.uac->start(0s);
    std::string request = p.from_uac.take();
    p.to_uas(request.replace(request.find("run@"), 4, "xxx@"));
    p.to_uac(p.from_uas.take());
    CHECK(p.uac->stats().late == 1);
    CHECK(p.uac->stats().completed == 0);
}

TEST_CASE("a UAS rings as long as asked, then refuses if asked", "[sipload]") {
    FakeSender sender;
    Uas uas(sender, "127.0.0.1:5070", {true, 486, 3s});
    Pair p(Mode::call);
    p.uac->start(0s);
    const std::string invite = p.from_uac.take();
    uas.receive({invite, &p.peer}, 0s);
    CHECK(sender.take().starts_with("SIP/2.0 180"));
    uas.receive({invite, &p.peer}, 1s);
    uas.run_timers(2999ms);
    CHECK(sender.sent.empty());
    uas.run_timers(3s);
    const std::string busy = sender.take();
    CHECK(busy.starts_with("SIP/2.0 486"));
    p.to_uac(busy, 3s);
    const std::string ack = p.from_uac.take();
    uas.receive({ack, &p.peer}, 3s);
    CHECK(uas.stats().completed == 1);
    uas.run_timers(4s);
    CHECK(sender.sent.empty());
}
