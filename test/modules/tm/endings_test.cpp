// How a script ends a transaction, and what the transaction keeps of the message.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {
TEST_CASE("t_drop: nothing goes upstream, and the code is the last status") {
    Routed call(
        "request_route { t_on_failure(\"F\"); t_relay(); }\n"
        "failure_route[F] { t_drop(\"486\"); }");
    call.request();
    (void)call.all();
    call.answer(404, "Not Found");
    CHECK(call.all().starts_with("ACK"));
    call.request();  // absorbed, and not answered
    CHECK(call.pending() == 0);
    call.advance(Ms(6000));
    CHECK(call.pending() == 0);
    CHECK(call.leaks().empty());

    Routed at_once("request_route { t_newtran(); t_drop(); t_reply(\"200\", \"$T_reply_code\"); }");
    at_once.request("MESSAGE");
    CHECK(at_once.all() == "SIP/2.0 200 500|");
    Routed none("request_route { t_drop(); sl_send_reply(\"200\", \"$rc\"); }");
    none.request("MESSAGE");
    CHECK(none.all() == "SIP/2.0 200 -1|");
}

TEST_CASE("t_flush_xflags: what comes while the script still runs sees the extended flags") {
    for (const bool flushed : {false, true}) {
        TmHost host;
        host.load("corex");
        host.on_request([&](Message& m) {
            host.call(m, "t_on_reply", {"r"sv});
            host.call(m, "t_relay");
            host.call(m, "setxflag", {40});
            if (flushed) CHECK(host.call(m, "t_flush_xflags") == 1);
            host.receive(reply(host.next(), 180, "Ringing", "t"), kCallee);
        });
        host.route(Route::tm_reply, "r", [&](Message& m) {
            host.last = host.call(m, "isxflagset", {40});
            return RouteResult{};
        });
        host.start();
        host.receive(Request("MESSAGE").branch("z9hG4bKx").str());
        CHECK(host.last == (flushed ? 1 : -1));
    }
}

TEST_CASE("a failure_route starts two branches at once") {
    Routed call(R"(request_route { t_on_failure("F"); t_relay(); }
        failure_route[F] {
            append_branch("sip:two@192.0.2.3"); append_branch("sip:three@192.0.2.4"); t_relay();
        })");
    call.request();
    (void)call.all();
    call.answer(404, "Not Found");
    CHECK(call.all() ==
          "ACK sip:bob@192.0.2.2 SIP/2.0|INVITE sip:two@192.0.2.3 SIP/2.0|"
          "INVITE sip:three@192.0.2.4 SIP/2.0|");
    call.answer(486, "Busy", "192.0.2.4:5060");
    CHECK(call.all() == "ACK sip:three@192.0.2.4 SIP/2.0|");
    call.answer(486, "Busy", "192.0.2.3:5060");
    CHECK(call.all() == "ACK sip:two@192.0.2.3 SIP/2.0|SIP/2.0 486 Busy|");
}

TEST_CASE("t_uac_send: a request of our own from the script") {
    Routed call(R"(request_route {
        t_uac_send("OPTIONS", "sip:carol@192.0.2.3", "", "",
            "From: bob@192.0.2.1;tag=2w3e\r\nTo: bob@192.0.2.1\r\ni: mine\r\nX-More: yes", "");
        t_uac_send("MESSAGE", "sip:carol@192.0.2.3", "sip:192.0.2.4", "",
            "f: <sip:a@b>\r\nt: <sip:c@d>\r\nCSeq: 77 MESSAGE\r\nContent-Type: text/plain\r\n",
            "words");
        if (t_uac_send("OPTIONS", "sip:carol@192.0.2.3", "", "", "From: <sip:a@b>\r\n", ""))
            xlog("L_ERR", "without To\n");
        else if (t_uac_send("OPTIONS", "sip:carol@192.0.2.3", "", "", "no field", ""))
            xlog("L_ERR", "no field\n");
        else if (t_uac_send("ACK", "sip:carol@192.0.2.3", "", "", "From: <a:b>\r\nTo: <a:b>", ""))
            xlog("L_ERR", "ACK\n");
        else sl_send_reply("200", "refused");
    })");
    call.request("MESSAGE");
    CHECK(call.all() ==
          "OPTIONS sip:carol@192.0.2.3 SIP/2.0|MESSAGE sip:carol@192.0.2.3 SIP/2.0|"
          "SIP/2.0 200 refused|");
    const std::string options = call.sent.at("192.0.2.3:5060");
    CHECK(header(options, "From") == "<sip:bob@192.0.2.1>;tag=2w3e");
    CHECK(header(options, "To") == "<sip:bob@192.0.2.1>");
    CHECK(header(options, "Call-ID") == "mine");
    CHECK(header(options, "CSeq") == "10 OPTIONS");
    CHECK(header(options, "X-More") == "yes");
    const std::string message = call.sent.at("192.0.2.4:5060");
    CHECK(header(message, "CSeq") == "77 MESSAGE");
    CHECK(body(message) == "words");
}

TEST_CASE("t_drop_replies: all, those of the last step, or none take part in the pick") {
    const auto second_step = [](const std::string& mode, const std::string& parameter) {
        Routed call("modparam(\"tm\", \"failure_reply_mode\", " + parameter +
                    ")\n"
                    "request_route { t_on_failure(\"F\"); t_relay(); }\n"
                    "failure_route[F] { t_drop_replies(\"" +
                    mode + "\"); $ru = \"sip:bob@192.0.2.2\"; append_branch(); t_relay(); }");
        call.request();
        (void)call.all();
        call.answer(302, "Moved");
        (void)call.all();
        call.answer(404, "Not Found");
        const std::string lines = call.all();
        return lines.substr(lines.find("|SIP/2.0") + 1);
    };
    CHECK(second_step("a", "0") == "SIP/2.0 404 Not Found|");
    CHECK(second_step("l", "0") == "SIP/2.0 404 Not Found|");
    CHECK(second_step("n", "0") == "SIP/2.0 302 Moved|");
    CHECK(second_step("n", "3") == "SIP/2.0 302 Moved|");
}

TEST_CASE("t_drop_replies without a new branch: 500, for there is no reply left") {
    for (const char* const mode : {"\"a\"", "", "\"l\""}) {
        Routed call(
            "request_route { t_on_failure(\"F\"); t_relay(); }\nfailure_route[F] { "
            "t_drop_replies(" +
            std::string(mode) + "); }");
        call.request();
        (void)call.all();
        call.answer(404, "Not Found");
        CHECK(call.all().find("SIP/2.0 500 I'm terribly sorry, server error occurred (1/TM)|") !=
              std::string::npos);
    }
}

TEST_CASE("t_save_lumps: what is changed behind it is not in later branches") {
    Routed call(
        "request_route { t_newtran(); append_hf(\"X-One: 1\\r\\n\"); t_save_lumps();\n"
        "  append_hf(\"X-Two: 2\\r\\n\"); t_on_failure(\"F\"); t_relay(); }\n"
        "failure_route[F] { append_hf(\"X-Three: 3\\r\\n\"); $ru = \"sip:eve@192.0.2.2\"; "
        "t_relay(); }");
    call.request();
    (void)call.all();
    CHECK(header(call.down, "X-One"));
    CHECK(header(call.down, "X-Two"));
    call.answer(404, "Not Found");
    (void)call.all();
    CHECK(header(call.down, "X-One"));
    CHECK_FALSE(header(call.down, "X-Two"));
    CHECK(header(call.down, "X-Three"));
}

TEST_CASE("t_release: the branches end in silence and the INVITE is not sent again") {
    Routed call("request_route { t_relay(); t_release(); }");
    call.request();
    (void)call.all();
    call.advance(Ms(4000));
    CHECK(call.pending() == 0);
    call.advance(Ms(200000));
    CHECK(call.pending() == 0);
    CHECK(call.leaks().empty());
}

TEST_CASE("t_retransmit_reply: the last reply again, or -1") {
    Routed call(
        "request_route { t_newtran(); t_retransmit_reply(); append_to_reply(\"X-Code: "
        "$rc\\r\\n\"); "
        "t_reply(\"183\", \"One\"); t_retransmit_reply(); }");
    call.request();
    const Packet first = call.take();
    CHECK(header(first.bytes, "X-Code") == "-1");
    CHECK(call.take().bytes == first.bytes);
}

TEST_CASE("t_flush_flags: flags set behind t_newtran are seen in failure_route") {
    Routed call(
        "request_route { t_newtran(); t_on_failure(\"F\"); t_relay(); setflag(7); t_flush_flags(); "
        "}\n"
        "failure_route[F] { if (isflagset(7)) t_reply(\"480\", \"Set\"); }");
    call.request();
    (void)call.all();
    call.answer(404, "Not Found");
    CHECK(call.all().find("SIP/2.0 480 Set|") != std::string::npos);
}

TEST_CASE("t_reply sends the code of the users' guide, 999") {
    Routed call(
        "request_route { if (t_newtran()) { t_reply(\"999\", \"hello\"); } else sl_reply_error(); "
        "}");
    call.request("MESSAGE");
    CHECK(call.all() == "SIP/2.0 999 hello|");
}

}  // namespace fairlead::test
