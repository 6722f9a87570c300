// RFC 3261 17.1, client transactions: a test for each sentence that demands something. The timeouts
// that parameters shorten (fr_timer: Timers B and F, wt_timer: Timers D, J and K) are given the
// RFC's values here. SPDX-License-Identifier: Apache-2.0
#include "test/modules/tm/wire.h"

namespace fairlead::test {
namespace {

const Times kTimerA{500, 1500, 3500, 7500, 15500, 31500};
constexpr int k64T1 = 32000;

/// Bob is reached over TCP, alice comes over UDP.
struct OverTcp : Wire {
    explicit OverTcp(int fr_timer) {
        net.listen("udp:127.0.0.1:5060");
        net.listen("tcp:127.0.0.1:5060");
        with("fr_timer", fr_timer).with("remap_503_500", 0).script([this](Message& m) {
            m.target.dst_uri = "sip:192.0.2.2;transport=tcp";
            call(m, "t_relay");
        });
    }
};

std::string branch_of(std::string_view message) {
    return parameter(*header(message, "Via"), "branch");
}

}  // namespace

// ---- 17.1.1.2: INVITE

TEST_CASE("17.1.1.2: Timer A SHOULD NOT be started on a reliable transport, B still is") {
    OverTcp w(k64T1);
    w.invite().up("100").down("INVITE");
    CHECK_THAT(*header(w.got_down, "Via"), Catch::StartsWith("SIP/2.0/TCP "));
    CHECK(w.times("INVITE", 31900).empty());
    w.wait(100).up("408").silent().over();
}

TEST_CASE("17.1.2.2: Timer E is not started on a reliable transport") {
    OverTcp w(k64T1);
    w.message().down("MESSAGE");
    CHECK(w.times("MESSAGE", 31900).empty());
    w.over();
}

TEST_CASE("8.1.3.1: a connection that fails is a 503 of its branch") {
    OverTcp w(k64T1);
    w.invite().up("100");
    w.fail(w.take());
    w.up("503").silent().over();
}

TEST_CASE("17.1.1.2: Calling MUST be entered, and the INVITE MUST be passed to the transport") {
    Wire w;
    w.proxy().invite().up("100").down("INVITE").silent();
    CHECK(headers(w.got_down, "Via").size() == 2);
    w.over();
}

TEST_CASE("17.1.1.2: Timer A MUST be started with T1") {
    Wire w;
    w.call_bob().wait(490).silent().wait(10).down("INVITE").silent();
    w.over();
}

TEST_CASE("17.1.1.2: when Timer A fires the INVITE MUST be retransmitted as it was") {
    Wire w;
    w.call_bob();
    const std::string first = w.got_down;
    w.wait(500).down("INVITE");
    CHECK(w.got_down == first);
}

TEST_CASE("17.1.1.2: Timer A MUST be reset to double its value each time") {
    Wire w;
    w.with("fr_timer", k64T1).call_bob();
    CHECK(w.times("INVITE", 31900) == kTimerA);
}

TEST_CASE("17.1.1.2: the backoff MUST be used whatever the value of T1") {
    Wire w;
    w.with("retr_timer1", 200).call_bob();
    CHECK(w.times("INVITE", 13000) == Times{200, 600, 1400, 3000, 6200, 12600});
}

TEST_CASE("17.1.1.2: Timer B MUST be 64*T1, the time of seven requests") {
    Wire w;
    w.with("fr_timer", k64T1).call_bob();
    CHECK(w.times("INVITE", 31900).size() + 1 == 7);
    w.silent().wait(100).up("408").silent();
    w.over();
}

TEST_CASE("17.1.1.2: when Timer B fires the TU SHOULD be told, and there MUST NOT be an ACK") {
    Wire w;
    w.with("fr_timer", 1000).call_bob().wait(500).down("INVITE").wait(500).up("408").silent();
    w.over();
}

TEST_CASE("17.1.1.2: in Proceeding the INVITE SHOULD NOT be retransmitted any longer") {
    Wire w;
    w.call_bob().bob(100);
    CHECK(w.times("INVITE", 60000).empty());
}

TEST_CASE("17.1.1.2: the provisional reply MUST be passed to the TU") {
    Wire w;
    w.call_bob().bob(183).up("183").silent();
}

TEST_CASE("17.1.1.2: any further provisional replies MUST be passed up in Proceeding") {
    Wire w;
    w.call_bob().bob(183).up("183").bob(180).up("180").bob(180).up("180").bob(199).up("199");
    w.silent().over();
}

TEST_CASE("17.1.1.2: 300-699 in Calling MUST be passed up and MUST be acknowledged") {
    for (const int code : {300, 404, 503, 699}) {
        Wire w;
        w.with("remap_503_500", 0).call_bob().bob(code).down("ACK").up(std::to_string(code));
        w.silent().over();
    }
}

TEST_CASE("17.1.1.2: 300-699 in Proceeding MUST be passed up and MUST be acknowledged") {
    Wire w;
    w.call_bob().bob(180).up("180").bob(486).down("ACK").up("486").silent().over();
}

TEST_CASE("17.1.1.2: the ACK MUST go where the INVITE went") {
    Wire w;
    w.script([&w](Message& m) {
        m.target.dst_uri = "sip:192.0.2.3";
        w.call(m, "t_relay");
    });
    w.invite().up("100").down("INVITE", kCarol).carol(404).down("ACK", kCarol).up("404").silent();
}

TEST_CASE("17.1.1.2: Timer D SHOULD be at least 32 s, which wt_timer can be") {
    Wire w;
    w.with("wt_timer", k64T1).call_bob().bob(486).down("ACK").up("486").ack();
    w.wait(31900).bob(486).down("ACK").silent().wait(200);
    CHECK(w.leaks() == "");
}

TEST_CASE("17.1.1.2: a retransmitted final reply MUST cause the ACK to be sent again") {
    Wire w;
    w.call_bob().bob(486).down("ACK").up("486");
    const std::string first = w.got_down;
    w.bob(486).down("ACK");
    CHECK(w.got_down == first);
    w.ack().bob(486).down("ACK");
    CHECK(w.got_down == first);
}

TEST_CASE("17.1.1.2: … and MUST NOT be passed up to the TU") {
    Wire w;
    w.call_bob().bob(486).down("ACK").up("486").ack().bob(486).down("ACK").silent();
    w.over();
}

TEST_CASE("17.1.1.2: any reply that matches is a retransmission, whatever its status") {
    Wire w;
    w.call_bob().bob(486).down("ACK").up("486").ack().bob(500).down("ACK").silent();
    w.bob(180).silent().over();
}

TEST_CASE("17.1.1.2: 2xx in Calling MUST be passed up, and is not acknowledged here") {
    Wire w;
    w.call_bob().bob(200).up("200").silent().over();
}

TEST_CASE("17.1.1.2: 2xx in Proceeding MUST be passed up, and is not acknowledged here") {
    Wire w;
    w.call_bob().bob(180).up("180").bob(202).up("202").silent().over();
}

TEST_CASE("17.1.1.2: behind a final reply nothing is retransmitted any more") {
    for (const int code : {200, 486}) {
        Wire w;
        w.call_bob().bob(code);
        CHECK(w.times("INVITE", 40000).empty());
    }
}

// ---- 17.1.1.3: the ACK

namespace {

/// The ACK for bob's 486 to an INVITE with all that matters; `w` has the INVITE as it was sent.
std::string ack_of(Wire& w) {
    w.proxy().send(Request("INVITE", "sip:bob@192.0.2.2;x=1")
                       .branch("z9hG4bKwire")
                       .set("From", "\"Alice\" <sip:alice@192.0.2.1>;tag=a;x=\"1\"")
                       .set("CSeq", "4711 INVITE")
                       .header("Route", "<sip:192.0.2.2;lr>")
                       .header("Route", "<sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>")
                       .header("Subject", "not in an ACK")
                       .body("v=0\r\n"));
    w.down("INVITE").bob(486, "Contact: <sip:elsewhere@192.0.2.77>\r\n").down("ACK");
    return w.got_down;
}

}  // namespace

TEST_CASE("17.1.1.3: Call-ID, From and Request-URI of the ACK MUST equal the INVITE's") {
    Wire w;
    const std::string ack = ack_of(w), &invite = w.sent_to(kCallee);
    CHECK(header(ack, "Call-ID") == header(invite, "Call-ID"));
    CHECK(header(ack, "From") == header(invite, "From"));
    CHECK(start_line(ack) == "ACK sip:bob@192.0.2.2;x=1 SIP/2.0");
}

TEST_CASE("17.1.1.3: the To of the ACK MUST equal that of the reply") {
    Wire w;
    CHECK(header(ack_of(w), "To") == "<sip:bob@192.0.2.2;x=1>;tag=bobs");
}

TEST_CASE("17.1.1.3: the ACK MUST have a single Via, equal to the topmost of the INVITE") {
    Wire w;
    const std::string ack = ack_of(w);
    REQUIRE(headers(ack, "Via").size() == 1);
    CHECK(header(ack, "Via") == header(w.sent_to(kCallee), "Via"));
}

TEST_CASE("17.1.1.3: the CSeq of the ACK MUST have the INVITE's number and the method ACK") {
    Wire w;
    CHECK(header(ack_of(w), "CSeq") == "4711 ACK");
}

TEST_CASE("17.1.1.3: the Route fields of the INVITE MUST appear in the ACK") {
    Wire w;
    const std::string ack = ack_of(w);
    CHECK(headers(ack, "Route") == headers(w.sent_to(kCallee), "Route"));
    CHECK_FALSE(headers(w.sent_to(kCallee), "Route").empty());
}

TEST_CASE("17.1.1.3: a body in the ACK is NOT RECOMMENDED") {
    Wire w;
    const std::string ack = ack_of(w);
    CHECK(body(ack).empty());
    CHECK_FALSE(header(ack, "Content-Type"));
    CHECK_FALSE(header(ack, "Subject"));
}

// ---- 17.1.2.2: other methods

TEST_CASE("17.1.2.2: Trying MUST pass the request to the transport") {
    Wire w;
    w.proxy().message().down("MESSAGE").silent().over();
}

TEST_CASE("17.1.2.2: Timer F SHOULD be 64*T1") {
    Wire w;
    w.with("rfc4320", 0).with("fr_timer", k64T1).ask_bob();
    CHECK(w.times("SIP/2.0 408", 33000) == Times{32000});
}

TEST_CASE("17.1.2.2: Timer E MUST be set to T1") {
    Wire w;
    w.ask_bob().wait(490).silent().wait(10).down("MESSAGE").silent();
}

TEST_CASE("17.1.2.2: Timer E is reset to MIN(2*T1, T2) until T2 is reached") {
    Wire w;
    w.with("fr_timer", k64T1).ask_bob();
    CHECK(w.times("MESSAGE", 31900) ==
          Times{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
}

TEST_CASE("17.1.2.2: when Timer F fires in Trying the TU SHOULD be told, and that is the end") {
    Wire w;
    w.with("rfc4320", 0).with("fr_timer", 2000).ask_bob().wait(2000).up("408");
    w.discard_sent();
    CHECK(w.times("MESSAGE", 20000).empty());
    w.over();
}

TEST_CASE("17.1.2.2: a provisional reply in Trying MUST be passed to the TU") {
    Wire w;
    w.with("rfc4320", 0).ask_bob().bob(183).up("183").silent();
}

TEST_CASE("17.1.2.2: a final reply in Trying MUST be passed to the TU, and ends retransmission") {
    for (const int code : {200, 302, 404, 603}) {
        Wire w;
        w.ask_bob().bob(code).up(std::to_string(code)).silent();
        CHECK(w.times("MESSAGE", 20000).empty());
    }
}

TEST_CASE("17.1.2.2: in Proceeding Timer E MUST be reset to T2, and retransmits") {
    Wire w;
    w.with("fr_timer", k64T1).ask_bob().bob(100);
    CHECK(w.times("MESSAGE", 31900) == Times{4000, 8000, 12000, 16000, 20000, 24000, 28000});
}

TEST_CASE("17.1.2.2: when Timer F fires in Proceeding the TU MUST be told") {
    Wire w;
    w.with("rfc4320", 0).with("fr_timer", 3000).ask_bob().bob(100).wait(3000).up("408").silent();
    w.over();
}

TEST_CASE("17.1.2.2: a final reply in Proceeding MUST be passed to the TU") {
    Wire w;
    w.ask_bob().bob(100).bob(404).up("404").silent().over();
}

TEST_CASE("17.1.2.2: in Completed, for Timer K of T4, replies that come again are absorbed") {
    Wire w;
    w.ask_bob().bob(200).up("200").wait(4900).bob(200).silent().bob(500).silent().wait(200);
    CHECK(w.leaks() == "");  // … and then the transaction MUST be destroyed immediately
}

TEST_CASE("17.1.2.2: no ACK for what is no INVITE") {
    Wire w;
    w.ask_bob().bob(404).up("404").silent();
}

// ---- 17.1.3: matching replies

TEST_CASE("17.1.3: a reply matches by the branch of its topmost Via") {
    Wire w;
    w.call_bob();
    const std::string invite = w.sent_to(kCallee), branch = branch_of(invite);
    for (const std::string& other :
         {branch + "0", branch.substr(0, branch.size() - 1) + "1", "z9hG4bK0" + branch.substr(7)}) {
        std::string changed = invite;
        changed.replace(changed.find(branch), branch.size(), other);
        w.receive(reply(changed, 180, "Ringing"), kCallee);
        w.discard_sent();
        w.again().up("100").silent();  // the transaction does not know of it
    }
    w.bob(180).up("180").again().up("180");
}

TEST_CASE("17.1.3: … and by the method of its CSeq, which tells INVITE from CANCEL") {
    Wire w;
    w.call_bob().bob(180).up("180").cancel().down("CANCEL").up("200").bob_ends_cancel().silent();
    CHECK(branch_of(w.got_down) == branch_of(w.sent_to(kCallee)));
    w.bob(487).down("ACK").up("487").silent().over();
}

TEST_CASE(
    "17.1.3: the method of a reply that is neither the request's nor CANCEL matches nothing") {
    Wire w;
    w.ask_bob();
    std::string other = reply(w.sent_to(kCallee), 200, "OK");
    other.replace(other.find("1 MESSAGE"), 9, "1 OPTIONS");
    w.receive(other, kCallee);
    w.silent().bob(200).up("200");
}

// ---- 17.1.4: transport errors

TEST_CASE("17.1.4: the TU SHOULD be told of a failure to send, and that is the end") {
    for (const std::string_view method : {"INVITE", "MESSAGE"}) {
        Wire w;
        w.with("remap_503_500", 0).proxy().send(Request(method).branch("z9hG4bKwire"));
        const auto to_bob = std::ranges::find_if(
            w.net.sent, [](const Packet& p) { return p.target.address.text() == kCallee; });
        REQUIRE(to_bob != w.net.sent.end());
        const Packet lost = *to_bob;
        w.discard_sent();
        w.fail(lost);
        w.up("503").silent();
        CHECK(w.times(method, 20000).empty());
        w.over();
    }
}

}  // namespace fairlead::test
