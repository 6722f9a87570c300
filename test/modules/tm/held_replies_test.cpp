// Replies that an onreply_route suspends: they go on later, once, as if they had just come.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {
namespace {

/// A 183 or a final reply is suspended; an OPTIONS resumes what was suspended last.
class Held : public Routed {
public:
    explicit Held(const std::string& behind = {}, const std::string& go = {},
                  const std::string& parameters = {})
        : Routed(parameters + R"cfg(
modparam("pv", "shvset", "i=s:0")
modparam("pv", "shvset", "l=s:0")
modparam("tm", "fr_timer", 3000)
request_route {
    if (is_method("OPTIONS")) {
        if (t_continue("$shv(i)", "$shv(l)", "GO")) sl_send_reply("299", "resumed");
        else sl_send_reply("498", "stale");
        exit;
    }
    t_on_reply("R");
    t_relay();
}
onreply_route[R] {
    if (t_is_retr_async_reply()) {
        xlog("L_NOTICE", "again\n");
        exit;
    }
    if ($rs != 183 && $rs < 200) exit;
    append_hf("X-Before: $rs\r\n");
    setflag(5);
    $avp(kept) = "value";
    $shv(i) = $T(id_index);
    $shv(l) = $T(id_label);
    if (!t_suspend()) append_hf("X-Refused: yes\r\n");
    )cfg" + behind +
                 R"cfg(
}
route[GO] {
    append_hf("X-After: $rs $avp(kept)\r\n");
    if (isflagset(5)) append_hf("X-Flag: yes\r\n");
    )cfg" + go + "\n}\n") {}
    /// Start lines of what a request to go on sent, the answer to it last.
    std::string go_on() {
        receive(Request("OPTIONS").branch("z9hG4bKgo" + std::to_string(++asked_)).str());
        return all();
    }
    void end() {
        discard_sent();
        advance(Ms(400000));
        CHECK(leaks() == "");
    }

private:
    int asked_ = 0;
};
constexpr auto kStale = "SIP/2.0 498 stale|";

}  // namespace

TEST_CASE("a reply is suspended, and goes on with what both routes did") {
    Held call;
    call.request();
    (void)call.all();
    call.answer(200, "OK");
    call.advance(Ms(900));
    CHECK(call.all() == "");  // nothing went up, and the INVITE is not repeated
    call.answer(200, "OK");
    CHECK(call.all() == "");
    CHECK(call.go_on() == "SIP/2.0 200 OK|SIP/2.0 299 resumed|");
    CHECK(call.go_on() == kStale);
    call.receive(Request("INVITE").branch("z9hG4bKe").str());
    CHECK(call.all() == "SIP/2.0 200 OK|");
    CHECK(header(call.up, "X-Before") == "200");
    CHECK(header(call.up, "X-After") == "200 value");
    CHECK(header(call.up, "X-Flag") == "yes");
    call.end();
}

TEST_CASE("a negative reply waits too, and is acknowledged when it goes on") {
    Held call;
    call.request();
    (void)call.all();
    call.answer(486, "Busy Here");
    CHECK(call.all() == "");
    CHECK(call.go_on() ==
          "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Busy Here|SIP/2.0 299 resumed|");
    call.end();
}

TEST_CASE("a provisional reply that waits is overtaken, or dropped when it goes on") {
    Held overtaken;
    overtaken.request("MESSAGE");
    (void)overtaken.all();
    overtaken.answer(183, "Progress");
    CHECK(overtaken.all() == "");
    overtaken.answer(200, "OK");  // only one waits
    CHECK(overtaken.all() == "SIP/2.0 200 OK|");
    CHECK(header(overtaken.up, "X-Refused") == "yes");
    CHECK(overtaken.go_on() == "SIP/2.0 299 resumed|");
    overtaken.end();

    Held dropped("", "drop;");
    dropped.request();
    (void)dropped.all();
    dropped.answer(183, "Progress");
    CHECK(dropped.go_on() == "SIP/2.0 299 resumed|");
    dropped.answer(180, "Ringing");
    CHECK(dropped.all() == "SIP/2.0 180 Ringing|");
    dropped.end();
}

TEST_CASE("a reply that nobody resumes counts as not come: fr_timer, and the CANCEL") {
    Held late;
    late.request();
    (void)late.all();
    late.answer(200, "OK");
    late.advance(Ms(3100));
    CHECK(late.all() == "SIP/2.0 408 Request Timeout|");
    // RFC 3261 16.7 step 5: a 2xx goes up whatever went before.
    CHECK(late.go_on() == "SIP/2.0 200 OK|SIP/2.0 299 resumed|");
    late.end();

    Held never;
    never.request();
    (void)never.all();
    never.answer(486, "Busy Here");
    never.end();
    never.discard_sent();
    CHECK(never.go_on() == kStale);
}

TEST_CASE("a CANCEL while a reply waits: the callee gets it, and what waited goes its way") {
    Held failed;
    failed.request();
    (void)failed.all();
    failed.answer(180, "Ringing");
    CHECK(failed.all() == "SIP/2.0 180 Ringing|");
    failed.answer(486, "Busy Here");
    CHECK(failed.all() == "");
    failed.request("CANCEL");
    CHECK(failed.all() == "CANCEL sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 200 canceling|");
    CHECK(failed.go_on() ==
          "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Busy Here|SIP/2.0 299 resumed|");
    CHECK(failed.go_on() == kStale);
    failed.end();

    Held answered;  // RFC 3261 9.1: the 2xx has overtaken the CANCEL
    answered.request();
    (void)answered.all();
    answered.answer(180, "Ringing");
    (void)answered.all();
    answered.answer(200, "OK");
    answered.request("CANCEL");
    CHECK(answered.all() == "CANCEL sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 200 canceling|");
    CHECK(answered.go_on() == "SIP/2.0 200 OK|SIP/2.0 299 resumed|");
    answered.end();

    Held forgotten;  // nobody resumes it in time, and the callee repeats itself
    forgotten.request();
    (void)forgotten.all();
    forgotten.answer(180, "Ringing");
    (void)forgotten.all();
    forgotten.answer(486, "Busy Here");
    forgotten.request("CANCEL");
    (void)forgotten.all();
    forgotten.advance(Ms(1000));
    CHECK(forgotten.all() == "CANCEL sip:bob@192.0.2.2 SIP/2.0|");
    forgotten.answer(486, "Busy Here");
    CHECK(forgotten.all() == "");
    forgotten.advance(Ms(40000));
    CHECK(forgotten.all().find("SIP/2.0 487 Request Terminated|") != std::string::npos);
    CHECK(forgotten.go_on() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 299 resumed|");
    CHECK(forgotten.go_on() == kStale);
    forgotten.end();
}

TEST_CASE("reply_relay_mode: what the request that comes again gets behind an overtaken 2xx") {
    for (const bool replaces : {false, true}) {
        Held late("", "", replaces ? "modparam(\"tm\", \"reply_relay_mode\", 0)\n" : "");
        late.request();
        (void)late.all();
        late.answer(200, "OK");
        late.advance(Ms(3100));
        CHECK(late.all() == "SIP/2.0 408 Request Timeout|");
        CHECK(late.go_on() == "SIP/2.0 200 OK|SIP/2.0 299 resumed|");
        late.request();
        CHECK(late.all() == (replaces ? "SIP/2.0 200 OK|" : "SIP/2.0 408 Request Timeout|"));
        late.end();
    }
}

TEST_CASE("resumed before its route has ended: it goes on right behind it, with all of it") {
    Held call(R"cfg(if (t_continue("$shv(i)", "$shv(l)", "GO")) append_hf("X-Late: yes\r\n");
        if (t_continue("$shv(i)", "$shv(l)", "GO")) append_hf("X-Twice: yes\r\n");)cfg");
    call.request();
    (void)call.all();
    call.answer(200, "OK");
    CHECK(call.all() == "SIP/2.0 200 OK|");
    CHECK(header(call.up, "X-Late") == "yes");
    CHECK(headers(call.up, "X-Twice").empty());
    CHECK(headers(call.up, "X-After").size() == 1);
    call.end();
}

TEST_CASE("resumed, a reply may be suspended once more") {
    Held call("", "if (!isflagset(6)) { setflag(6); t_suspend(); }");
    call.request();
    (void)call.all();
    call.answer(200, "OK");
    CHECK(call.go_on() == "SIP/2.0 299 resumed|");
    CHECK(call.go_on() == "SIP/2.0 200 OK|SIP/2.0 299 resumed|");
    call.receive(Request("INVITE").branch("z9hG4bKe").str());
    (void)call.all();
    CHECK(headers(call.up, "X-After").size() == 2);
    call.end();
}

TEST_CASE("without memory a reply is not suspended but goes up") {
    for (std::uint64_t n = 1; n <= 2; ++n) {
        Held call;
        call.request();
        (void)call.all();
        call.segment->fail_nth(n);
        call.answer(486, "Busy Here");
        call.segment->fail_nth(0);
        CHECK(call.all().ends_with("SIP/2.0 486 Busy Here|"));
        CHECK(header(call.up, "X-Refused") == "yes");
        call.end();
    }
}

}  // namespace fairlead::test
