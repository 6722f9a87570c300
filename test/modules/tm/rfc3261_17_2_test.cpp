// RFC 3261 17.2, server transactions: a test for each sentence that demands something.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/server_fsm.h"
#include "modules/tm/server_invite_fsm.h"
#include "modules/tm/steps.h"
#include "test/modules/tm/wire.h"

namespace fairlead::test {
namespace {

const Times kTimerG{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

Request old(std::string_view method) {
    return Request(method).set("Via", "SIP/2.0/UDP 192.0.2.1:5060");
}

/// A server transaction by itself, on a transport of the test's choice, that was answered.
struct Alone {
    Alone(sip::Method method, Proto proto, int code) {
        cell.method = method;
        cell.upstream.proto = proto;
        tm::begin(cell, policy);
        (void)tm::local_reply(cell, code, turn);
    }
    /// The actions of the next time at which something is due, which is returned.
    tm::Due next() {
        actions.clear();
        const tm::Due due = tm::next_due(cell);
        if (due == tm::kNever) return due;
        tm::Turn then{Ms(due), policy, actions};
        tm::time_passed(cell, then);
        return due;
    }
    tm::Policy policy;
    tm::Actions actions;
    tm::Turn turn{Ms(0), policy, actions};
    tm::Cell cell;
};

}  // namespace

// ---- 17.2.1: INVITE

TEST_CASE("17.2.1: 100 MUST be generated unless the TU answers within 200 ms") {
    Wire w;
    w.proxy().invite().up("100");
}

TEST_CASE("17.2.1: no 100 is needed when the TU answers at once") {
    Wire w;
    w.server({180}).invite().up("180").silent();
}

TEST_CASE("17.2.1: a To-tag in the 100 SHOULD NOT be inserted") {
    Wire w;
    w.proxy().invite().up("100");
    CHECK(header(w.got_up, "To") == "<sip:bob@192.0.2.2>");
}

TEST_CASE("17.2.1: the 100 is made as 8.2.6 says: Via, From, Call-ID, CSeq and Timestamp") {
    Wire w;
    w.proxy().send(Request("INVITE").branch("z9hG4bKwire").header("Timestamp", "54")).up("100");
    for (const std::string_view name : {"Via", "From", "Call-ID", "CSeq"})
        CHECK(headers(w.got_up, name) == headers(w.request, name));
    CHECK(header(w.got_up, "Timestamp").value_or("").starts_with("54"));
}

TEST_CASE("17.2.1: the request MUST be passed to the TU") {
    Wire w;
    w.server({486}).invite().up("486");
    CHECK(w.runs == 1);
}

TEST_CASE("17.2.1: each provisional reply of the TU MUST be passed to the transport") {
    Wire w;
    w.server({180, 183, 182}).invite().up("180").up("183").up("182").silent();
}

TEST_CASE("17.2.1: provisional replies are not retransmitted by the transaction") {
    Wire w;
    w.call_bob().bob(180).up("180");
    CHECK(w.times("SIP/2.0 180", 60000).empty());
}

TEST_CASE("17.2.1: an INVITE that comes again gets the most recent provisional reply") {
    Wire w;
    w.call_bob().again().up("100").silent().bob(183).up("183").again().up("183").silent();
    w.bob(180).up("180");
    const std::string last = w.got_up;
    w.again().up("180").silent();
    CHECK(w.got_up == last);
}

TEST_CASE("17.2.1: what matches is a retransmission: nothing else happens because of it") {
    Wire w;
    w.call_bob().again().up("100").again().up("100").silent();
    CHECK(w.count("created") == 1);
}

TEST_CASE("17.2.1: 2xx of the TU MUST be passed to the transport, and is not repeated for it") {
    Wire w;
    w.call_bob().bob(200).up("200");
    CHECK(w.times("SIP/2.0 200", 60000).empty());
    w.over();
}

TEST_CASE("17.2.1: 300-699 of the TU MUST be passed to the transport") {
    for (const int code : {300, 404, 500, 603}) {
        Wire w;
        w.server({code}).invite().up(std::to_string(code)).silent();
    }
}

TEST_CASE("17.2.1: Timer G is T1, then MIN(2*T1, T2), each time the reply again") {
    Wire w;
    w.server({486}).invite().up("486");
    CHECK(w.times("SIP/2.0 486 Own", 31900) == kTimerG);
}

TEST_CASE("17.2.1: Timer G is not set on reliable transports") {
    Alone udp(sip::Method::invite, Proto::udp, 486), tcp(sip::Method::invite, Proto::tcp, 486);
    CHECK(udp.next() == 500);
    CHECK(tcp.next() == 32000);
}

TEST_CASE("17.2.1: Timer H MUST be 64*T1 on all transports") {
    for (const Proto proto : {Proto::udp, Proto::tcp}) {
        Alone a(sip::Method::invite, proto, 486);
        tm::Due due = 0;
        while (!tm::is_ended(a.cell) && due != tm::kNever) due = a.next();
        CHECK(due == 32000);
    }
}

TEST_CASE("17.2.1: when Timer H fires the transaction MUST end") {
    Wire w;
    w.server({486}).invite().up("486");
    (void)w.times("SIP/2.0 486", 31900);
    CHECK(w.count("live") == 1);
    w.wait(200).silent();
    CHECK(w.leaks() == "");
    CHECK(has(step(tm::ServerInviteState::completed, tm::ServerInviteEvent::timer_h).actions,
              tm::Do::inform));
}

TEST_CASE("17.2.1: in Completed an INVITE that comes again SHOULD get the reply again") {
    Wire w;
    w.server({486}).invite().up("486");
    const std::string first = w.got_up;
    w.again().up("486").silent();
    CHECK(w.got_up == first);
    CHECK(w.runs == 1);
}

TEST_CASE("17.2.1: an ACK in Completed MUST end the retransmission of the reply") {
    Wire w;
    w.server({486}).invite().up("486").wait(500).up("486").ack();
    CHECK(w.times("SIP/2.0 486", 60000).empty());
    w.over();
}

TEST_CASE("17.2.1: an ACK is absorbed: it goes neither to the TU nor downstream") {
    Wire w;
    w.call_bob().bob(486).down("ACK").up("486");
    w.ack().silent();
}

TEST_CASE("17.2.1: in Confirmed, for Timer I of T4, more ACKs and INVITEs are absorbed") {
    Wire w;
    w.server({486}).invite().up("486").ack().wait(4900).ack().again().silent();
    CHECK(w.count("created") == 1);
    w.wait(200);
    CHECK(w.leaks() == "");  // … and then it MUST be destroyed immediately
}

TEST_CASE("17.2.1: Timer I is zero on reliable transports") {
    Alone a(sip::Method::invite, Proto::tcp, 486);
    CHECK(tm::ack_received(a.cell, a.turn));
    CHECK(a.next() == 0);
    CHECK(tm::is_ended(a.cell));
}

// ---- 17.2.2: other methods

TEST_CASE("17.2.2: in Trying a request that comes again is discarded") {
    Wire w;
    w.ask_bob().again().again().silent();
    CHECK(w.count("created") == 1);
}

TEST_CASE("17.2.2: the first provisional reply of the TU MUST be passed to the transport") {
    Wire w;
    w.with("rfc4320", 0).ask_bob().bob(180).up("180").silent();
}

TEST_CASE("17.2.2: any further provisional replies MUST be passed to the transport") {
    Wire w;
    w.with("rfc4320", 0).ask_bob().bob(180).up("180").bob(183).up("183").silent();
}

TEST_CASE("17.2.2: in Proceeding a request that comes again gets the last provisional reply") {
    Wire w;
    w.with("rfc4320", 0).ask_bob().bob(180).up("180").bob(183).up("183").again().up("183").silent();
}

TEST_CASE("17.2.2: a final reply in Proceeding MUST be passed to the transport") {
    Wire w;
    w.with("rfc4320", 0).ask_bob().bob(180).up("180").bob(404).up("404").silent();
}

TEST_CASE("17.2.2: a final reply is never retransmitted without a request") {
    Wire w;
    w.server({404}).message().up("404");
    CHECK(w.times("SIP/2.0 404", 60000).empty());
}

TEST_CASE("17.2.2: Timer J MUST be 64*T1, which wt_timer can be") {
    Wire w;
    w.with("wt_timer", 32000).server({404}).message().up("404").wait(31900).again().up("404");
    CHECK(w.runs == 1);
    w.wait(200);
    CHECK(w.leaks() == "");  // … and then it MUST be destroyed immediately
}

TEST_CASE("17.2.2: Timer J is zero on reliable transports") {
    Alone a(sip::Method::message, Proto::tcp, 404);
    CHECK(a.next() == 0);
    CHECK(tm::is_ended(a.cell));
}

TEST_CASE("17.2.2: in Completed the final reply MUST be sent again for each request again") {
    Wire w;
    w.ask_bob().bob(200).up("200");
    const std::string first = w.got_up;
    for (int i = 0; i < 3; ++i) {
        w.again().up("200").silent();
        CHECK(w.got_up == first);
    }
}

TEST_CASE("17.2.2: other final replies of the TU MUST be discarded in Completed") {
    Wire w;
    w.server({404, 200}).message().up("404").silent();
    CHECK(w.last == -1);
    w.again().up("404").silent();
}

// ---- 17.2.3: matching requests

TEST_CASE("17.2.3: the branch and the sent-by tell transactions apart") {
    Wire w;
    w.proxy().message().down("MESSAGE");
    w.send(Request("MESSAGE").branch("z9hG4bKother")).down("MESSAGE");
    w.send(Request("MESSAGE").via("SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bKwire")).down("MESSAGE");
    w.send(Request("MESSAGE").via("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKwire")).down("MESSAGE");
    CHECK(w.count("created") == 4);
    w.again().silent();
    CHECK(w.count("created") == 4);
}

TEST_CASE("17.2.3: a sent-by without port is that with 5060") {
    Wire w;
    w.proxy().message().down("MESSAGE");
    w.send(Request("MESSAGE").via("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKwire")).silent();
}

TEST_CASE("17.2.3: the method must match, but for ACK") {
    Wire w;
    w.server({486}).invite().up("486");
    w.send(Request("MESSAGE").branch("z9hG4bKwire")).up("486");
    CHECK(w.count("created") == 2);
    w.ack();
    CHECK(w.count("created") == 2);
    CHECK(w.times("SIP/2.0 486", 20000).empty());
}

TEST_CASE("17.2.3: a CANCEL is a transaction of its own, with the INVITE's branch") {
    Wire w;
    w.call_bob().cancel().up("200").silent();
    CHECK(w.count("created") == 2);
    w.cancel().up("200").silent();
    CHECK(w.count("created") == 2);
}

TEST_CASE("17.2.3: without the cookie, all of these tell requests apart") {
    const auto different = [](const Request& other) {
        Wire w;
        w.proxy().send(old("INVITE").to_tag("t")).up("100").down("INVITE");
        w.send(other);
        return w.count("created") == 2;
    };
    CHECK_FALSE(different(old("INVITE").to_tag("t")));
    CHECK(different(Request("INVITE", "sip:bob@192.0.2.2;x=1")
                        .set("Via", "SIP/2.0/UDP 192.0.2.1:5060")
                        .set("To", "<sip:bob@192.0.2.2>;tag=t")));
    CHECK(different(old("INVITE").to_tag("other")));
    CHECK(different(old("INVITE")));
    CHECK(different(old("INVITE").to_tag("t").from_tag("other")));
    CHECK(different(old("INVITE").to_tag("t").call_id("other")));
    CHECK(different(old("INVITE").to_tag("t").cseq(2)));
    CHECK(different(old("INVITE").to_tag("t").set("Via", "SIP/2.0/UDP 192.0.2.1:5061")));
    CHECK(different(old("MESSAGE").to_tag("t")));
}

TEST_CASE("17.2.3: without the cookie, the ACK matches with the To-tag of the reply") {
    Wire w;
    w.with("ack_tag_matching", 1).server({486}).send(old("INVITE")).up("486");
    w.send(old("ACK").to_tag("other"));
    CHECK(w.times("SIP/2.0 486", 600) == Times{500});
    w.send(old("ACK").to_tag(parameter(*header(w.got_up, "To"), "tag")));
    CHECK(w.times("SIP/2.0 486", 20000).empty());
}

TEST_CASE("17.2.3: without the cookie, a CANCEL finds its INVITE") {
    Wire w;
    w.proxy().send(old("INVITE")).up("100").down("INVITE").bob(180).up("180");
    w.send(old("CANCEL")).down("CANCEL").up("200").silent();
}

// ---- 17.2.4: transport errors

TEST_CASE("17.2.4: a failure to send a reply SHOULD end the transaction and tell the TU") {
    const auto invite =
        step(tm::ServerInviteState::completed, tm::ServerInviteEvent::transport_error);
    CHECK(invite.next == tm::ServerInviteState::terminated);
    CHECK(has(invite.actions, tm::Do::inform));
    const auto other = step(tm::ServerState::completed, tm::ServerEvent::transport_error);
    CHECK(other.next == tm::ServerState::terminated);
    CHECK(has(other.actions, tm::Do::inform));
}

}  // namespace fairlead::test
