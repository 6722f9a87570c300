// What transactions cost, that every step survives without memory, and that nothing is lost when a
// process dies. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdio>

#include "modules/tm/transaction.h"
#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

std::string sdp(std::string_view address) {
    return "v=0\r\no=user1 53655765 2353687637 IN IP4 " + std::string(address) +
           "\r\ns=-\r\nc=IN IP4 " + std::string(address) +
           "\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
}

/// As long as sipp's.
std::string usual_invite() {
    return Request("INVITE", "sip:service@192.0.2.2:5060")
        .branch("z9hG4bK-12345-1-0")
        .from_tag("12345SIPpTag001")
        .call_id("1-12345@192.0.2.1")
        .header("Contact", "<sip:sipp@192.0.2.1:5060>")
        .header("Subject", "Performance Test")
        .body(sdp("192.0.2.1"))
        .str();
}

std::size_t tm_bytes(const TmHost& host) {
    std::size_t sum = 0;
    for (const shm::Usage& u : host.segment->top())
        if (u.tag.starts_with("tm:") && u.tag != "tm:table") sum += u.bytes;
    return sum;
}

/// A whole call, whatever fails on the way.
void whole_call(TmHost& host, int code) {
    const std::string invite = usual_invite();
    host.receive(invite);
    std::string sent;
    while (host.pending() != 0)
        if (const std::string bytes = host.next(); bytes.starts_with("INVITE")) sent = bytes;
    if (sent.empty()) return;
    host.answer(sent, 180, "Ringing");
    host.answer(sent, code, "Final");
}

}  // namespace

TEST_CASE("an INVITE costs at most 3 KB while it lives and 1 KB while it waits") {
    TmHost host;
    host.relay_all();
    const std::string invite = usual_invite();
    host.receive(invite);
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 180, "Ringing", "callee", "Contact: <sip:192.0.2.2:5060;transport=UDP>\r\n");
    const std::size_t live = tm_bytes(host);
    std::string ok = reply(sent, 200, "OK", "callee", "Contact: <sip:192.0.2.2:5060>\r\n");
    ok.replace(ok.find("Content-Length: 0\r\n\r\n"), 21,
               "Content-Type: application/sdp\r\nContent-Length: " +
                   std::to_string(sdp("192.0.2.2").size()) + "\r\n\r\n" + sdp("192.0.2.2"));
    host.receive(ok, kCallee);
    const std::size_t waiting = tm_bytes(host);
    std::printf(
        "INVITE of %zu bytes: %zu bytes while it rings, %zu while it waits (cell %zu, branch "
        "%zu)\n",
        invite.size(), live, waiting, sizeof(tm::Cell), sizeof(tm::Branch));
    CHECK(live <= 3072);
    CHECK(waiting <= 1024);
    CHECK(host.count("waiting_transactions") == 1);
    CHECK(host.count("active_transactions") == 0);
    host.advance(Ms(33000));
    CHECK(tm_bytes(host) == 0);
    CHECK(host.count("inuse_transactions") == 0);
}

TEST_CASE("each allocation of a call can fail: there is an answer, and nothing leaks") {
    for (const int code : {200, 486}) {
        for (std::uint64_t n = 1; n <= 14; ++n) {
            TmHost host;
            host.relay_all();
            host.segment->fail_nth(n);
            whole_call(host, code);
            host.segment->fail_nth(0);
            std::string lines;
            while (host.pending() != 0) lines += host.next_line() + "\n";
            host.advance(Ms(200000));
            while (host.pending() != 0) lines += host.next_line() + "\n";
            INFO(n << ": " << lines);
            // (The 503 of the first allocations was taken by whole_call.)
            CHECK((lines.find("SIP/2.0 " + std::to_string(code)) != std::string::npos ||
                   host.count("refused") == 1 || lines.find("(2/TM)") != std::string::npos ||
                   host.last == -2));
            CHECK(host.leaks().empty());
        }
    }
}

TEST_CASE("t_reply without memory: it is sent once and nothing leaks") {
    for (std::uint64_t n = 1; n <= 5; ++n) {
        TmHost host;
        host.on_request(
            [&](Message& m) { host.last = host.call(m, "t_send_reply", {486, "Busy"sv}); });
        host.start();
        host.segment->fail_nth(n);
        host.receive(usual_invite());
        host.segment->fail_nth(0);
        const std::string line = host.next_line();
        CHECK((line == "SIP/2.0 486 Busy" || line == "SIP/2.0 503 Service Unavailable"));
        host.advance(Ms(40000));
        host.discard_sent();
        CHECK(host.leaks().empty());
    }
}

}  // namespace fairlead::test
