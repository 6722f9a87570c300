// RFC 6026 (the Accepted state) and RFC 4320 (methods other than INVITE): a test for each sentence
// that demands something. SPDX-License-Identifier: Apache-2.0
#include "test/modules/tm/wire.h"

namespace fairlead::test {
namespace {

/// The ACK for a 2xx: a transaction of its own.
Request own_ack(std::string_view tag) {
    return Request("ACK").branch("z9hG4bKack").to_tag(tag);
}

}  // namespace

// ---- RFC 6026 7.1: the server side

TEST_CASE("RFC 6026 7.1: 2xx in Proceeding MUST be sent, and Accepted MUST be entered") {
    Wire w;
    w.call_bob().bob(180).up("180").bob(200).up("200").silent();
    CHECK(w.count("live") == 1);
}

TEST_CASE("RFC 6026 7.1: an INVITE that comes again in Accepted is absorbed") {
    Wire w;
    w.call_bob().bob(200).up("200").wait(31000);
    // The answer is sent again, which spares bob a retransmission; nothing goes to bob.
    w.again().up("200").silent();
    CHECK(w.count("created") == 1);
}

TEST_CASE("RFC 6026 7.1: each 2xx of the TU in Accepted MUST be sent") {
    Wire w;
    w.call_bob().bob(200).up("200").wait(20000).bob(200).up("200").wait(11000).bob(200).up("200");
    w.silent();
}

TEST_CASE("RFC 6026 7.1: Timer L MUST be 64*T1, and its end MUST be that of the transaction") {
    Wire w;
    w.call_bob().bob(200).up("200").wait(31900);
    CHECK(w.count("live") == 1);
    w.wait(200);
    CHECK(w.leaks() == "");
}

TEST_CASE("RFC 6026 7.1: an ACK in Accepted MUST be passed to the TU, which forwards it") {
    Wire w;
    w.call_bob().bob(200).up("200").send(own_ack("bobs")).down("ACK").silent();
    w.send(own_ack("bobs")).down("ACK").silent();
}

TEST_CASE("RFC 6026 7.1: an ACK with the INVITE's branch is passed on in Accepted too") {
    Wire w;
    w.call_bob().bob(200).up("200").ack().down("ACK").silent();
}

TEST_CASE("RFC 6026 7.1: nothing but 2xx goes up in Accepted") {
    Wire w;
    w.call_both().bob(200).up("200").carol(183).silent_but("CANCEL");
    w.carol(404).silent_but("ACK").over();
}

// ---- RFC 6026 7.2: the client side

TEST_CASE("RFC 6026 7.2: 2xx MUST be passed to the TU, and Accepted MUST be entered") {
    Wire w;
    w.call_bob().bob(200).up("200").bob(200).up("200").silent();
}

TEST_CASE("RFC 6026 7.2: Timer M MUST be 64*T1") {
    Wire w;
    w.call_bob().bob(200).up("200").wait(31900).bob(200).up("200").wait(200).bob(200).silent();
}

TEST_CASE("RFC 6026 7.2: 2xx of another callee of the branch MUST be passed to the TU") {
    Wire w;
    w.call_bob().bob(200).up("200").bob(200, {}, "other").up("200").silent();
    CHECK(parameter(*header(w.got_up, "To"), "tag") == "other");
}

TEST_CASE("RFC 6026 7.2: there MUST NOT be an ACK of the transaction's own for 2xx") {
    Wire w;
    w.call_bob().bob(200).up("200").bob(200).up("200").wait(32000).silent();
}

TEST_CASE("RFC 6026 7.2: other replies in Accepted are not passed to the TU") {
    Wire w;
    w.call_bob().bob(200).up("200").bob(180).silent().bob(486).silent().over();
}

// ---- RFC 6026 7.3: what matches nothing

TEST_CASE("RFC 6026 7.3: a reply that matches no transaction MUST NOT be forwarded") {
    for (const int code : {180, 200, 486}) {
        Wire w;
        w.call_bob().bob(200).up("200").wait(33000).bob(code).silent();
        CHECK(w.count("stray_replies") == 1);
    }
}

TEST_CASE("RFC 6026 7.3: … unless the configuration wants it") {
    Wire w;
    w.with("forward_stray_replies", 1).call_bob().bob(200).up("200").wait(33000).bob(200).up("200");
}

// ---- RFC 4320 4.1: provisional replies

TEST_CASE("RFC 4320 4.1: no provisional reply but 100 MUST be sent to a non-INVITE request") {
    Wire w;
    w.ask_bob().bob(180).silent().bob(183).silent().bob(200).up("200").silent();
}

TEST_CASE("RFC 4320 4.1: 100 MUST NOT be sent before Timer E reaches T2, and MUST be then") {
    Wire w;
    w.ask_bob().bob(100);
    CHECK(w.times("SIP/2.0 100", 3400).empty());
    w.wait(100).up("100").silent_but("MESSAGE");
    w.again().up("100");
}

TEST_CASE("RFC 4320 4.1: no 100 when another reply was sent") {
    Wire w;
    w.ask_bob().bob(404).up("404");
    CHECK(w.times("SIP/2.0 100", 20000).empty());
}

// ---- RFC 4320 4.2: 408

TEST_CASE("RFC 4320 4.2: 408 MUST NOT be sent when nobody answers a non-INVITE request") {
    Wire w;
    w.ask_bob();
    CHECK(w.times("SIP/2.0 4", 100000).empty());
    CHECK(w.leaks() == "");
}

TEST_CASE("RFC 4320 4.2: 408 MUST NOT be sent when the callee says so either") {
    Wire w;
    w.ask_bob().bob(408).silent();
    CHECK(w.times("SIP/2.0 4", 100000).empty());
    CHECK(w.leaks() == "");
}

TEST_CASE("RFC 4320 4.2: a 408 is never better than another reply to a non-INVITE request") {
    for (const int code : {486, 500}) {
        Wire w;
        w.with("fr_timer", 400).fork().message().down("MESSAGE").down("MESSAGE", kCarol);
        w.bob(code).silent().wait(400).up(std::to_string(code)).silent().over();
    }
}

TEST_CASE("RFC 4320 4.2: an INVITE gets its 408 all the same") {
    Wire w;
    w.call_bob().bob(408).down("ACK").up("408").silent();
}

TEST_CASE("RFC 4320 4.2: no reply to a non-INVITE request without a living transaction") {
    Wire w;
    w.with("fr_timer", 400).ask_bob().wait(10000).bob(200).silent();
    CHECK(w.count("stray_replies") == 1);
}

}  // namespace fairlead::test
