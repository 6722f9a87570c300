// Parameters that change what scripts see, and the event routes of tm.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {
namespace {

std::string with(const std::string& name, const std::string& value) {
    return "modparam(\"tm\", \"" + name + "\", " + value + ")\n";
}

/// A reply with two Vias to no transaction of ours.
std::string stray_reply() {
    return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKother\r\n"
           "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\n"
           "To: <sip:b@x>;tag=2\r\nCall-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

TEST_CASE("on_sl_reply: drop and return 0 keep a stray reply, anything else lets it pass") {
    const auto passed = [](const std::string& body) {
        Routed server(with("on_sl_reply", "\"stray\"") +
                      "request_route { }\nonreply_route[stray] { " + body + " }");
        server.receive(stray_reply(), kCallee);
        return server.all();
    };
    CHECK(passed("drop;").empty());
    CHECK(passed("return 0;").empty());
    CHECK(passed("$var(x) = 1;") == "SIP/2.0 200 OK|");
    CHECK(passed("exit;") == "SIP/2.0 200 OK|");
    CHECK_THROWS(Routed(with("on_sl_reply", "\"none\"") + "request_route { }"));
}

TEST_CASE("on_sl_reply does not see the replies of transactions") {
    Routed call(with("on_sl_reply", "\"stray\"") +
                "request_route { t_relay(); }\nonreply_route[stray] { drop; }");
    call.request();
    (void)call.all();
    call.answer(200, "OK");
    CHECK(call.all() == "SIP/2.0 200 OK|");
}

TEST_CASE("event_route[tm:local-response] sees the reply that was made here") {
    Routed call(
        "request_route { $avp(x) = 1; t_newtran(); t_reply(\"404\", \"Gone\"); }\n"
        "event_route[tm:local-response] { xlog(\"L_NOTICE\", \"x\"); $shv(last) = $rs; $shv(text) "
        "= $rr; }");
    call.request("MESSAGE");
    CHECK(call.all() == "SIP/2.0 404 Gone|");
    Routed seen(
        "request_route { if ($rm == \"OPTIONS\") { sl_send_reply(\"200\", \"$shv(last) "
        "$shv(text)\"); exit; }\n"
        " t_relay(); }\n"
        "event_route[tm:local-response] { $shv(last) = $rs; $shv(text) = $rr; }");
    seen.request("INVITE");
    (void)seen.all();
    seen.advance(Ms(31000));
    (void)seen.all();
    seen.request("OPTIONS", "z9hG4bKo");
    CHECK(seen.all() == "SIP/2.0 200 408 Request Timeout|");
}

TEST_CASE("event_route[tm:local-response] does not see replies that are passed on") {
    Routed seen(
        "request_route { if ($rm == \"OPTIONS\") { sl_send_reply(\"200\", \"seen $shv(last)\"); "
        "exit; }\n"
        " t_relay(); }\nevent_route[tm:local-response] { $shv(last) = $rs; }");
    seen.request("INVITE");
    (void)seen.all();
    seen.answer(486, "Busy Here");
    (void)seen.all();
    seen.request("OPTIONS", "z9hG4bKo");
    CHECK(seen.all().find("486") == std::string::npos);
}

TEST_CASE("check_trans_exits=0: a retransmission is known, and nothing happens") {
    const std::string script =
        "request_route { if (t_check_trans()) { sl_send_reply(\"202\", \"Again\"); exit; } "
        "t_newtran(); t_reply(\"183\", \"One\"); }";
    Routed now(script);
    now.request();
    now.request();
    CHECK(now.all() == "SIP/2.0 183 One|SIP/2.0 183 One|");
    Routed then(with("check_trans_exits", "0") + script);
    then.request();
    then.request();
    CHECK(then.all() == "SIP/2.0 183 One|SIP/2.0 202 Again|");
}

TEST_CASE("noisy_ctimer=0: a callee who rings too long goes on ringing, and nobody is told") {
    const auto after_fr_inv = [](const std::string& more, bool rings) {
        Routed call(with("noisy_ctimer", "0") + with("fr_inv_timer", "\"20s\"") +
                    with("fr_timer", "\"20s\"") + more + "request_route { t_relay(); }");
        call.request();
        (void)call.all();
        if (rings) call.answer(180, "Ringing");
        (void)call.all();
        call.advance(Ms(40000));
        std::string lines = call.all();
        while (lines.starts_with("INVITE")) lines.erase(0, lines.find('|') + 1);
        call.advance(Ms(40000));
        CHECK(call.leaks().empty());
        return lines;
    };
    CHECK(after_fr_inv("", true).empty());
    CHECK(after_fr_inv("", false).starts_with("SIP/2.0 408 Request Timeout|"));
    // In Kamailio 5 it is the other way round.
    const std::string newer = with("silent_when_unanswered", "1");
    CHECK(after_fr_inv(newer, false).empty());
    CHECK(after_fr_inv(newer, true).find("SIP/2.0 408 Request Timeout|") != std::string::npos);
}

TEST_CASE("noisy_ctimer=0: forking, failure_route and CANCEL make the end heard") {
    const auto end = [](const std::string& routes, bool cancel) {
        Routed call(with("noisy_ctimer", "0") + with("fr_inv_timer", "\"20s\"") + routes);
        call.request();
        (void)call.all();
        call.answer(180, "Ringing");
        if (cancel) call.request("CANCEL");
        (void)call.all();
        call.advance(Ms(40000));
        return call.all();
    };
    CHECK(
        end("request_route { t_on_failure(\"F\"); t_relay(); }\nfailure_route[F] { $avp(x) = 1; }",
            false)
            .find("SIP/2.0 408") != std::string::npos);
    CHECK(end("request_route { append_branch(\"sip:two@192.0.2.9\"); t_relay(); }", false)
              .find("SIP/2.0 408") != std::string::npos);
    CHECK(end("request_route { t_relay(); }", true).find("SIP/2.0 487") != std::string::npos);
}

TEST_CASE("failure_uri_of_winner=0: failure_route has the Request-URI of the first branch") {
    const auto uri = [](const std::string& parameter) {
        Routed call(parameter +
                    "request_route { append_branch(\"sip:two@192.0.2.9\"); t_on_failure(\"F\"); "
                    "t_relay(); }\nfailure_route[F] { t_reply(\"480\", \"$ru\"); }");
        call.request();
        (void)call.all();
        call.answer(486, "Busy Here");
        call.answer(404, "Not Found", "192.0.2.9:5060");
        const std::string lines = call.all();
        return lines.substr(lines.find("SIP/2.0 480"));
    };
    CHECK(uri("") == "SIP/2.0 480 sip:two@192.0.2.9|");
    CHECK(uri(with("failure_uri_of_winner", "0")) == "SIP/2.0 480 sip:bob@192.0.2.2|");
}

TEST_CASE("failure_exec_mode: a relay that could send nothing leads to failure_route") {
    const std::string script =
        "request_route { $ru = \"sip:x@no.such.host\"; t_on_failure(\"F\"); t_relay(); "
        "$avp(rc) = $rc; }\n"
        "failure_route[F] { t_reply(\"480\", \"$T_reply_code\"); }";
    Routed off(script);
    off.request();
    CHECK(off.all().ends_with("SIP/2.0 478 Unresolvable destination (478/TM)|"));
    Routed on(with("failure_exec_mode", "1") + script);
    on.request();
    on.advance(Ms(100));
    CHECK(on.all().ends_with("SIP/2.0 480 408|"));
    on.advance(Ms(40000));
    on.discard_sent();
    CHECK(on.leaks().empty());
}

TEST_CASE("t_reply and send_reply in onreply_route answer the request instead of the callee") {
    for (const char* const function : {"t_reply", "send_reply", "t_send_reply"}) {
        Routed call(
            "request_route { t_on_reply(\"R\"); t_relay(); }\nonreply_route[R] { if (status == "
            "\"486\") { " +
            std::string(function) + "(\"480\", \"Elsewhere\"); } }");
        call.request();
        (void)call.all();
        call.answer(486, "Busy Here");
        INFO(function);
        CHECK(call.all() == "SIP/2.0 480 Elsewhere|ACK sip:bob@192.0.2.2 SIP/2.0|");
        call.advance(Ms(40000));
        call.discard_sent();
        CHECK(call.leaks().empty());
    }
}

TEST_CASE("branch flags that onreply_route sets are there in the next reply of the branch") {
    Routed call(
        "request_route { t_on_reply(\"R\"); t_relay(); }\nonreply_route[R] { if (isbflagset(3)) "
        "append_hf(\"X-Again: 1\\r\\n\"); setbflag(3); }");
    call.request();
    (void)call.all();
    call.answer(180, "Ringing");
    (void)call.all();
    CHECK_FALSE(header(call.up, "X-Again"));
    call.answer(183, "Progress");
    (void)call.all();
    CHECK(header(call.up, "X-Again") == "1");
}

TEST_CASE("an AVP of fr_inv_timer that onreply_route sets holds from that reply on") {
    Routed call(
        with("fr_inv_timer_avp", "\"ring\"") +
        "request_route { t_on_reply(\"R\"); t_relay(); }\nonreply_route[R] { $avp(ring) = 3; }");
    call.request();
    (void)call.all();
    call.answer(180, "Ringing");
    (void)call.all();
    call.advance(Ms(3100));
    CHECK(call.all().find("SIP/2.0 408 Request Timeout|") != std::string::npos);
}

TEST_CASE("restart_fr_on_each_reply=0: the same reply again does not give more time") {
    const auto code_after = [](const std::string& value) {
        Routed call(with("restart_fr_on_each_reply", value) + with("fr_inv_timer", "\"4s\"") +
                    with("fr_timer", "\"30s\"") + "request_route { t_relay(); }");
        call.request();
        (void)call.all();
        for (int i = 0; i < 3; ++i) {
            call.answer(180, "Ringing");
            (void)call.all();
            call.advance(Ms(1900));
        }
        return call.all();
    };
    CHECK(code_after("1").empty());
    CHECK(code_after("0").find("SIP/2.0 408 Request Timeout|") != std::string::npos);
}

TEST_CASE("branch_flag_mask takes three bases and nothing else") {
    for (const char* const good : {"0xff000000", "b11111111000000000000000000000000", "4278190080"})
        CHECK_NOTHROW(
            Routed(with("branch_flag_mask", '"' + std::string(good) + '"') + "request_route { }"));
    for (const char* const bad : {"", "0x", "b2", "ff", "0x1ffffffff", "-1", "b"})
        CHECK_THROWS(
            Routed(with("branch_flag_mask", '"' + std::string(bad) + '"') + "request_route { }"));
}

TEST_CASE("callid_cseq_matching: a request that comes again another way is known") {
    for (const bool on : {false, true}) {
        TmHost host;
        host.param("tm", "callid_cseq_matching", on ? 1 : 0);
        host.relay_all();
        host.receive(Request("INVITE").branch("z9hG4bKway1").str());
        (void)host.next();
        const std::string sent = host.next();
        host.receive(Request("INVITE").branch("z9hG4bKway2").str());
        CHECK(host.pending() == (on ? 1U : 2U));
        host.discard_sent();
        host.receive(Request("INVITE").branch("z9hG4bKway3").cseq(77).str());
        CHECK(host.pending() == 2);
        host.discard_sent();
        host.answer(sent, 200, "OK");
        CHECK(host.next_line() == "SIP/2.0 200 OK");
        host.receive(Request("ACK").branch("z9hG4bKack").to_tag("totag").str());
        CHECK(host.next_line().starts_with("ACK "));
    }
}

}  // namespace fairlead::test
