// RFC 3261 16.7 to 16.10, what a stateful proxy does with replies, timeouts, failures and CANCEL:
// a test for each sentence that demands something of tm. SPDX-License-Identifier: Apache-2.0
#include "test/modules/tm/wire.h"

namespace fairlead::test {
namespace {

constexpr std::string_view kProxyChallenge =
    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\"\r\n";
constexpr std::string_view kServerChallenge =
    "WWW-Authenticate: Digest realm=\"w\", nonce=\"2\"\r\n";

/// As a callee's answer would see it that copied nothing but the topmost Via.
std::string with_one_via(std::string request) {
    const std::size_t second = request.find("\r\nVia:", request.find("Via:")) + 2;
    return request.erase(second, request.find("\r\n", second) + 2 - second);
}

/// Both branches fail with these; the status that goes up.
int best_of(int bob, int carol) {
    Wire w;
    w.call_both().bob(bob).carol(carol).discard_sent();
    w.again();
    return std::stoi(start_line(w.next()).substr(8));
}

}  // namespace

// ---- 16.7, in the order of its steps

TEST_CASE("16.7 step 1: a reply without context is forwarded without state") {
    Wire w;
    w.proxy().receive(reply(Request("OPTIONS")
                                .via("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKnone, SIP/2.0/UDP "
                                     "192.0.2.1:5060;branch=z9hG4bKa")
                                .str(),
                            200, "OK"),
                      kCallee);
    w.up("200").silent();
}

TEST_CASE("16.7 step 2: a provisional reply from 101 to 199 MUST reset Timer C") {
    Wire w;
    w.with("fr_inv_timer", "4s"sv).call_bob();
    for (const int code : {180, 183, 180, 199})
        w.bob(code).up(std::to_string(code)).wait(3900).silent();
    w.wait(200).down("CANCEL").up("408");
}

TEST_CASE("16.7 step 3: the topmost Via is removed") {
    Wire w;
    w.call_bob().bob(180).up("180");
    CHECK(headers(w.got_up, "Via") == headers(w.request, "Via"));
}

TEST_CASE("16.7 step 3: a reply without another Via MUST NOT be forwarded") {
    Wire w;
    w.call_bob();
    w.receive(reply(with_one_via(w.sent_to(kCallee)), 180, "Ringing"), kCallee);
    w.receive(reply(with_one_via(w.sent_to(kCallee)), 200, "OK"), kCallee);
    w.silent();
}

TEST_CASE("17.1.1.3: a failure without another Via is acknowledged, and a reply of ours goes up") {
    Wire w;
    w.call_bob().bob(180).up("180").cancel().up("200 canceling").down("CANCEL");
    const std::string bare = with_one_via(w.sent_to(kCallee));
    w.receive(reply(bare, 487, "Gone", "t"), kCallee);
    w.down("ACK").up("487 Request Terminated");
    CHECK(headers(w.got_up, "Via") == headers(w.request, "Via"));
    w.receive(reply(bare, 487, "Gone", "t"), kCallee);
    w.down("ACK").silent();
    w.over();
}

TEST_CASE("16.7 step 4: final replies are kept until one was chosen") {
    Wire w;
    w.call_both().bob(486).down("ACK").silent().carol(404).down("ACK", kCarol).up("404").silent();
    w.over();
}

TEST_CASE("16.7 step 5: provisional replies but 100 MUST be forwarded immediately") {
    Wire w;
    w.call_both().carol(183).up("183").bob(180).up("180").silent();
}

TEST_CASE("16.7 step 5: 2xx MUST be forwarded immediately, though another branch is open") {
    Wire w;
    w.call_both().bob(200).up("200").silent();
}

TEST_CASE("16.7 step 5: 6xx is not forwarded immediately, other branches SHOULD be cancelled") {
    Wire w;
    w.call_both().carol(180).up("180").bob(603).down("ACK").down("CANCEL", kCarol).silent();
    w.carol(487).down("ACK", kCarol).up("603").silent().over();
}

TEST_CASE("16.7 step 5: behind a 2xx each other 2xx to INVITE MUST be forwarded") {
    Wire w;
    w.call_both().bob(200).up("200").carol(200).up("200").bob(200).up("200").carol(202).up("202");
    w.silent().over();
}

TEST_CASE("16.7 step 5: behind a 408 of ours a 2xx to INVITE MUST be forwarded") {
    Wire w;
    w.with("fr_timer", 400).call_bob().wait(400).up("408").bob(200).up("200").silent().over();
}

TEST_CASE("16.7 step 5: any other reply MUST NOT be forwarded behind a final one") {
    Wire w;
    w.call_both().bob(200).up("200").carol(180).down("CANCEL", kCarol).silent();
    w.carol(486).down("ACK", kCarol).silent().over();
}

TEST_CASE("16.7 step 5: a 100 MUST NOT be forwarded") {
    Wire w;
    w.call_bob().bob(100).silent();
}

TEST_CASE("16.7 step 6: when all branches ended a final reply MUST be sent") {
    Wire w;
    w.call_both().bob(486).down("ACK").silent().carol(486).down("ACK", kCarol).up("486").silent();
}

TEST_CASE("16.7 step 6: without any final reply it MUST be 408") {
    Wire w;
    w.with("fr_timer", 400).call_both().wait(400).up("408").silent().over();
}

TEST_CASE("16.7 step 6: it MUST be a 6xx if there is any") {
    CHECK(best_of(603, 302) == 603);
    CHECK(best_of(401, 600) == 600);
}

TEST_CASE("16.7 step 6: else it SHOULD be of the lowest class") {
    CHECK(best_of(486, 302) == 302);
    CHECK(best_of(500, 404) == 404);
    CHECK(best_of(504, 486) == 486);
}

TEST_CASE("16.7 step 6: of 4xx those SHOULD be preferred that tell how to try again") {
    for (const int code : {401, 407, 415, 420, 484}) {
        CHECK(best_of(404, code) == code);
        CHECK(best_of(code, 400) == code);
    }
}

TEST_CASE("16.7 step 6: a 503 SHOULD NOT be forwarded") {
    Wire w;
    w.call_bob().bob(503, "Retry-After: 60\r\n").down("ACK").up("500").silent();
    CHECK_FALSE(header(w.got_up, "Retry-After"));
    CHECK(best_of(503, 404) == 404);
}

TEST_CASE("16.7 step 6: a To-tag MUST NOT be put into 1xx and 2xx, and MUST NOT be changed") {
    Wire w;
    w.call_bob().bob(180, {}, "").up("180");
    CHECK(header(w.got_up, "To") == "<sip:bob@192.0.2.2>");
    w.bob(183, {}, "early").up("183").bob(200, {}, "late").up("200");
    CHECK(header(w.got_up, "To") == "<sip:bob@192.0.2.2>;tag=late");
}

TEST_CASE("16.7 step 6: the To-tag of 3xx to 6xx SHOULD be preserved") {
    for (const int code : {302, 404, 500, 603}) {
        Wire w;
        w.call_bob().bob(code, {}, "kept").up(std::to_string(code));
        CHECK(header(w.got_up, "To") == "<sip:bob@192.0.2.2>;tag=kept");
    }
}

TEST_CASE("16.7 step 6: the To-tag MUST NOT be changed when the request has one") {
    Wire w;
    w.with("fr_timer", 400).proxy();
    w.send(Request("INVITE").branch("z9hG4bKwire").to_tag("dialog")).up("100").down("INVITE");
    w.wait(400).up("408");
    CHECK(header(w.got_up, "To") == "<sip:bob@192.0.2.2>;tag=dialog");
}

TEST_CASE("16.7 step 7: a 401 or 407 MUST collect the challenges of all others") {
    for (const bool bob_first : {true, false}) {
        Wire w;
        w.call_both();
        if (bob_first) w.bob(407, kProxyChallenge).carol(401, kServerChallenge);
        if (!bob_first) w.carol(401, kServerChallenge).bob(407, kProxyChallenge);
        w.up("401").silent_but("ACK");
        CHECK(headers(w.got_up, "Proxy-Authenticate").size() == 1);
        CHECK(headers(w.got_up, "WWW-Authenticate").size() == 1);
    }
}

TEST_CASE("16.7 step 9: the body MUST NOT be changed, and no header field but Via removed") {
    Wire w;
    w.call_bob();
    std::string ok = reply(w.sent_to(kCallee), 200, "Fine", "bobs",
                           "Contact: <sip:bob@192.0.2.2>\r\nX-Odd:  two  blanks\r\n"
                           "Record-Route: <sip:192.0.2.9;lr>\r\nContent-Type: text/plain\r\n");
    ok.replace(ok.find("Content-Length: 0\r\n\r\n"), 21, "Content-Length: 6\r\n\r\na\r\n\nb\r");
    w.receive(ok, kCallee);
    w.up("200 Fine");
    CHECK(body(w.got_up) == body(ok));
    const std::size_t via = ok.find("Via:");
    ok.erase(via, ok.find("\r\n", via) + 2 - via);
    CHECK(w.got_up == ok);
}

TEST_CASE("16.7 step 9: received and rport of the next Via MUST NOT be removed") {
    Wire w;
    w.proxy().send(Request("INVITE").via("SIP/2.0/UDP 192.0.2.99:7;rport;branch=z9hG4bKwire"));
    w.up("100").down("INVITE").bob(180).up("180");
    CHECK(parameter(*header(w.got_up, "Via"), "received") == "192.0.2.1");
    CHECK(parameter(*header(w.got_up, "Via"), "rport") == "5060");
}

TEST_CASE("16.7 step 9: the reply goes where the topmost Via says") {
    Wire w;
    w.proxy().send(Request("INVITE").via("SIP/2.0/UDP 192.0.2.1:5099;branch=z9hG4bKwire"));
    w.discard_sent();
    w.receive(reply(Request("INVITE").str(), 180, "not ours"), kCallee);
    w.silent();
    w.again();
    (void)w.next();
    CHECK(w.to == "192.0.2.1:5099");
}

TEST_CASE("16.7 step 9: the context MUST be kept until all of its transactions have ended") {
    Wire w;
    w.call_both().carol(180).up("180").bob(200).up("200").down("CANCEL", kCarol);
    w.receive(reply(w.got_down, 200, "OK"), kCarol);
    w.carol(487).down("ACK", kCarol).silent().wait(20000).carol(487).down("ACK", kCarol).silent();
    w.over();
}

TEST_CASE("16.7 step 10: behind a final reply each pending branch MUST be cancelled") {
    Wire w;
    w.call_both().carol(180).up("180").bob(200).up("200").down("CANCEL", kCarol).silent();
    CHECK(header(w.got_down, "CSeq") == "1 CANCEL");
}

TEST_CASE("16.7 step 10: a branch is pending when it had a provisional reply, and not before") {
    Wire w;
    w.call_both().bob(200).up("200").silent().carol(100).down("CANCEL", kCarol).silent();
}

TEST_CASE("16.7 step 10: … and has no CANCEL yet") {
    Wire w;
    w.call_both().carol(180).up("180").bob(200).up("200").down("CANCEL", kCarol);
    w.bob(200).up("200").carol(183).silent();
}

// ---- 16.8: Timer C

TEST_CASE("16.8: when Timer C fires behind a provisional reply a CANCEL MUST be generated") {
    Wire w;
    w.with("fr_inv_timer", "2s"sv)
        .call_bob()
        .bob(180)
        .up("180")
        .wait(2000)
        .down("CANCEL")
        .up("408");
    w.silent().over();
}

TEST_CASE("16.8: … and without a provisional reply it MUST be as if a 408 had come") {
    Wire w;
    w.with("fr_timer", 400).call_both().bob(404).down("ACK").wait(400).up("404").silent().over();
}

// ---- 16.9: transport errors

TEST_CASE("16.9: an error when forwarding a request MUST be as if a 503 had come") {
    Wire w;
    w.call_both_losing_carol().bob(404).down("ACK").up("404").silent().over();
}

TEST_CASE("16.9: other branches SHOULD NOT be cancelled because of it") {
    Wire w;
    w.call_both_losing_carol().bob(180).up("180").silent().bob(200).up("200").silent();
}

TEST_CASE("16.9: what could not be sent upstream is dropped, and nothing else happens") {
    Wire w;
    w.call_bob();
    w.net.verdict = Sent::no_socket;
    w.bob(180);
    w.net.verdict = Sent::queued;
    w.silent().bob(200).up("200").silent().over();
}

// ---- 16.10: CANCEL

TEST_CASE("16.10: a CANCEL that matches MUST be answered 200 immediately") {
    Wire w;
    w.call_bob().cancel().up("200").silent();
    CHECK(header(w.got_up, "CSeq") == "1 CANCEL");
}

TEST_CASE("16.10: pending branches MUST be cancelled by a CANCEL that matches") {
    Wire w;
    w.call_both().bob(180).up("180").carol(180).up("180").cancel();
    w.down("CANCEL").down("CANCEL", kCarol).up("200").silent();
    w.bob(487).carol(487).down("ACK").down("ACK", kCarol).up("487").silent().over();
}

TEST_CASE("16.10: a CANCEL that matches nothing MUST be forwarded without state") {
    Wire w;
    w.with("unmatched_cancel", 1)
        .proxy()
        .send(Request("INVITE").branch("z9hG4bKother").call_id("o"));
    w.discard_sent();
    w.cancel();
    w.discard_sent();
    const std::int64_t before = w.count("created");
    w.receive(cancel(Request("INVITE").branch("z9hG4bKgone").str()));
    w.down("CANCEL").silent();
    CHECK(w.count("created") == before);
    CHECK(headers(w.got_down, "Via").size() == 2);
}

}  // namespace fairlead::test
