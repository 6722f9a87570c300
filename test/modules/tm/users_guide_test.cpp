// Every example of the users' guide of 2006, as it stands there: the configuration is read, and
// what it says happens. The lines of dots are left out. SPDX-License-Identifier: Apache-2.0

#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// append_rpid() of the example of t_on_branch, which no server has any more.
class Rpid final : public Module {
public:
    Verdict append_rpid(Message& m) {
        m.edits.append_header(m.sip, "Remote-Party-ID: <sip:1@gw>\r\n");
        return Verdict::yes;
    }
};
constexpr Function kRpidFunctions[] = {
    function<&Rpid::append_rpid>("append_rpid", "Adds Remote-Party-ID.", Route::any)};
constexpr Descriptor kRpid{.name = "rpid",
                           .summary = "Adds Remote-Party-ID.",
                           .create = make_module<Rpid>,
                           .functions = kRpidFunctions};

/// A server with a whole configuration.
class Guide : public ModuleHost {
public:
    explicit Guide(const std::string& routes) : ModuleHost(16 << 20) {
        add(kRpid);
        config(
            "loadmodule \"tm\"\nloadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"textops\"\n"
            "loadmodule \"corex\"\nloadmodule \"xlog\"\nloadmodule \"siputils\"\n" +
            routes);
        start();
    }
    void request(std::string_view method, std::string_view uri = "sip:bob@192.0.2.2") {
        receive(Request(std::string(method), std::string(uri)).branch("z9hG4bKg").str());
    }
    void answer(int code, std::string_view reason) {
        receive(reply(down, code, reason, "t"), kCallee);
    }
    /// Start lines of all that was sent, with a bar behind each; the last request stays in `down`.
    std::string all() {
        std::string lines;
        while (pending() != 0) {
            const std::string bytes = take().bytes;
            if (bytes.starts_with("INVITE") || bytes.starts_with("MESSAGE")) down = bytes;
            lines += start_line(bytes) + "|";
        }
        return lines;
    }
    std::string down;
};

const std::string kTrying = "SIP/2.0 100 trying -- your call is important to us|";
const std::string kInvite = "INVITE sip:bob@192.0.2.2 SIP/2.0|";

}  // namespace

TEST_CASE("guide: the parameters") {
    for (const char* const line : {
             R"(modparam("tm", "fr_timer", 10))",
             R"(modparam("tm", "fr_inv_timer", 200))",
             R"(modparam("tm", "wt_timer", 10))",
             R"(modparam("tm", "delete_timer", 5))",
             R"(modparam("tm", "retr_timer1p1", 2))",
             R"(modparam("tm", "retr_timer1p2", 4))",
             R"(modparam("tm", "retr_timer1p3", 8))",
             R"(modparam("tm", "retr_timer2", 8))",
             R"(modparam("tm", "noisy_ctimer", 1))",
             R"(modparam("tm", "ruri_matching", 0))",
             R"(modparam("tm", "via1_matching", 0))",
             R"(modparam("tm", "unix_tx_timeout", 5))",
             R"(modparam("tm", "restart_fr_on_each_reply", 0))",
             R"(modparam("tm", "fr_timer_avp", "i:24"))",
             R"(modparam("tm", "fr_inv_timer_avp", "i:25"))",
             R"(modparam("tm", "tw_append",
"test: ua=$hdr(User-Agent) ;avp=$avp(i:10);$rb;time=$Ts"))",
             R"(# using base 16
modparam("tm", "branch_flag_mask", "0xff000000"))",
             R"(# or using base 2
modparam("tm", "branch_flag_mask", "b11111111000000000000000000000000"))",
             R"(# or using base 10
modparam("tm", "branch_flag_mask", "4278190080"))",
             R"(modparam("tm", "pass_provisional_replies", 1))",
         }) {
        INFO(line);
        Guide server(std::string(line) + "\nroute { t_relay(); }");
        server.request("INVITE");
        CHECK(server.all() == kTrying + kInvite);
    }
}

TEST_CASE("guide: fr_timer is seconds") {
    Guide server("modparam(\"tm\", \"fr_timer\", 10)\nroute { t_relay(); }");
    server.request("INVITE");
    (void)server.all();
    server.advance(Ms(9900));
    CHECK(server.all().find("408") == std::string::npos);
    server.advance(Ms(200));
    CHECK(server.all() == "SIP/2.0 408 Request Timeout|");
}

TEST_CASE("guide: fr_timer_avp and fr_inv_timer_avp are seconds, in an AVP by its number") {
    Guide server(
        "modparam(\"tm\", \"fr_timer_avp\", \"i:24\")\n"
        "modparam(\"tm\", \"fr_inv_timer_avp\", \"i:25\")\n"
        "route { $avp(i:24) = 3; $avp(i:25) = 7; t_relay(); }");
    server.request("INVITE");
    (void)server.all();
    server.advance(Ms(3100));
    CHECK(server.all().find("SIP/2.0 408 Request Timeout|") != std::string::npos);
    Guide ringing(
        "modparam(\"tm\", \"fr_inv_timer_avp\", \"i:25\")\nroute { $avp(i:25) = 7; t_relay(); }");
    ringing.request("INVITE");
    (void)ringing.all();
    ringing.answer(180, "Ringing");
    (void)ringing.all();
    ringing.advance(Ms(7100));
    CHECK(ringing.all().find("SIP/2.0 408 Request Timeout|") != std::string::npos);
}

TEST_CASE("guide: the AVPs callee_fr_timer and callee_fr_inv_timer need no parameter") {
    Guide server("route { $avp(callee_fr_timer) = 3; t_relay(); }");
    server.request("INVITE");
    (void)server.all();
    server.advance(Ms(3100));
    CHECK(server.all().find("SIP/2.0 408 Request Timeout|") != std::string::npos);
}

TEST_CASE("guide: t_newtran") {
    Guide server(R"(route {
if (t_newtran()) {
log("UAS logic");
t_reply("999","hello");
} else sl_reply_error();
})");
    server.request("MESSAGE");
    CHECK(server.all() == "SIP/2.0 999 hello|");
    server.request("MESSAGE");  // a retransmission gets the same reply
    CHECK(server.all() == "SIP/2.0 999 hello|");
}

TEST_CASE("guide: t_lookup_request") {
    Guide server(R"(route {
if (t_lookup_request()) {
sl_send_reply("200", "here");
exit;
};
t_newtran(); t_reply("183", "new");
})");
    server.request("INVITE");
    CHECK(server.all() == "SIP/2.0 183 new|");
    server.request("INVITE");
    CHECK(server.all() == "SIP/2.0 200 here|");
}

TEST_CASE("guide: t_relay to a fixed destination") {
    const auto relayed = [](const std::string& line) {
        Guide server("route { " + line + " }");
        server.request("MESSAGE");
        return server.all();
    };
    CHECK(relayed(R"(t_relay("tcp:192.168.1.10:5060");)") ==
          "SIP/2.0 500 I'm terribly sorry, server error occurred (7/TM)|");
    const std::string unknown = "SIP/2.0 478 Unresolvable destination (478/TM)|";
    CHECK(relayed(R"(t_relay("mydomain.com:5070");)") == unknown);
    CHECK(relayed(R"(t_relay("udp:mydomain.com");)") == unknown);
}

TEST_CASE("guide: t_relay and sl_reply_error") {
    Guide server("route {\nif (!t_relay()) { sl_reply_error(); break; };\n}");
    server.request("MESSAGE");
    CHECK(server.all() == "MESSAGE sip:bob@192.0.2.2 SIP/2.0|");
    Guide failing(
        "route {\n$ru = \"sip:x@no.such.host\";\nif (!t_relay()) { sl_reply_error(); break; };\n}");
    failing.request("MESSAGE");
    CHECK(failing.all() == "SIP/2.0 478 Unresolvable destination (478/SL)|");
}

TEST_CASE("guide: t_forward_nonack") {
    const auto forwarded = [](const std::string& line) {
        Guide server("route { t_newtran();\n" + line + "\n}");
        server.request("MESSAGE");
        if (server.pending() == 0) return std::string("nothing");
        const Packet p = server.take();
        return start_line(p.bytes) + " > " + p.target.address.text();
    };
    CHECK(forwarded(R"(t_forward_nonack("tcp:1.2.3.4:5060");)").starts_with("SIP/2.0 500 "));
    CHECK(forwarded(R"(t_forward_nonack("udp:1.2.3.4");)") ==
          "MESSAGE sip:bob@192.0.2.2 SIP/2.0 > 1.2.3.4:5060");
    CHECK(forwarded("t_forward_nonack(); # use RURI for destination") ==
          "MESSAGE sip:bob@192.0.2.2 SIP/2.0 > 192.0.2.2:5060");
}

TEST_CASE("guide: t_reply and t_retransmit_reply") {
    Guide server(
        "route { t_newtran();\nt_reply(\"404\", \"Not found\");\nt_retransmit_reply();\n}");
    server.request("INVITE");
    CHECK(server.all() == "SIP/2.0 404 Not found|SIP/2.0 404 Not found|");
}

TEST_CASE("guide: t_replicate") {
    Guide server(R"(route {
t_replicate("sip:1.2.3.4:5060");
t_replicate("sip:1.2.3.4:5060;transport=tcp");
t_replicate("sip:1.2.3.4");
})");
    server.request("MESSAGE");
    CHECK(server.all() == "MESSAGE sip:bob@192.0.2.2 SIP/2.0|MESSAGE sip:bob@192.0.2.2 SIP/2.0|");
}

TEST_CASE("guide: t_release") {
    Guide server("route { t_newtran();\nt_release();\n}");
    server.request("INVITE");
    CHECK(server.all().empty());
    server.advance(Ms(6000));
    CHECK(server.leaks().empty());
}

TEST_CASE("guide: t_check_status") {
    Guide server(R"cfg(route { t_on_failure("f"); t_relay(); }
failure_route[f] {
if (t_check_status("(487)|(408)")) {
log("487 or 408 negative reply\n");
t_reply("480", "matched");
}
})cfg");
    server.request("INVITE");
    (void)server.all();
    server.answer(487, "Request Terminated");
    CHECK(server.all().ends_with("SIP/2.0 480 matched|"));
}

TEST_CASE("guide: t_flush_flags") {
    Guide server(R"(route { t_newtran(); t_on_failure("f"); t_relay(); setflag(3);
t_flush_flags();
}
failure_route[f] { if (isflagset(3)) t_reply("480", "set"); })");
    server.request("INVITE");
    (void)server.all();
    server.answer(404, "Not Found");
    CHECK(server.all().ends_with("SIP/2.0 480 set|"));
}

TEST_CASE("guide: t_local_replied") {
    Guide server(R"(route { t_on_failure("f"); t_relay(); }
failure_route[f] {
if (t_local_replied("all")) {
log ("no reply received\n");
t_reply("480", "nobody");
}
})");
    server.request("INVITE");
    (void)server.all();
    server.advance(Ms(31000));
    CHECK(server.all().ends_with("SIP/2.0 480 nobody|"));
}

TEST_CASE("guide: t_write_fifo and t_write_unix, with tw_append") {
    const std::string lists =
        R"(modparam("tm","tw_append","append1:Email=avp[i:12];UA=hdr[User-Agent]")
modparam("tm","tw_append","append2:body=msg[body]")
)";
    // As it stands: nobody reads there, so both say no, and the script goes on.
    Guide server(lists + R"(route { t_newtran(); $avp(i:12) = "me@x";
t_write_fifo("voicemail/append1","/tmp/appx_fifo");
t_write_unix("logger/append2","/var/run/logger.sock");
t_reply("480", "$rc");
})");
    server.request("MESSAGE");
    CHECK(server.all() == "SIP/2.0 480 -1|");
}

TEST_CASE("guide: t_check_trans") {
    Guide server(R"(route {
if ( is_method("CANCEL") ) {
if ( t_check_trans() )
t_relay();
exit;
}
t_relay();
})");
    server.request("CANCEL");  // out of the blue
    CHECK(server.all().empty());
    server.request("INVITE");
    (void)server.all();
    server.answer(180, "Ringing");
    (void)server.all();
    server.request("CANCEL");
    CHECK(server.all() == "CANCEL sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 200 canceling|");
}

TEST_CASE("guide: t_was_cancelled") {
    Guide server(R"(route { t_on_failure("f"); t_on_reply("r"); t_relay(); }
onreply_route[r] { if (t_was_cancelled()) append_hf("X-In-Reply: yes\r\n"); }
failure_route[f] {
if (t_was_cancelled()) {
log("transaction was cancelled by UAC\n");
append_to_reply("X-Cancelled: yes\r\n");
}
})");
    server.request("INVITE");
    (void)server.all();
    server.answer(180, "Ringing");
    CHECK_FALSE(header(server.take().bytes, "X-In-Reply"));
    server.request("CANCEL");
    (void)server.all();
    server.answer(487, "Request Terminated");
    CHECK(server.take().bytes.starts_with("ACK"));
    CHECK(header(server.take().bytes, "X-In-Reply") == "yes");
}

TEST_CASE("guide: t_on_failure") {
    Guide server(R"(
route {
t_on_failure("1");
t_relay();
}
failure_route[1] {
seturi("sip:user@voicemail");
append_branch();
t_relay();
}
)");
    server.request("INVITE");
    (void)server.all();
    server.answer(404, "Not Found");
    CHECK(server.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 404 Not Found|");
}

TEST_CASE("guide: t_on_failure, where the voicemail has an address") {
    Guide server(R"(
route {
t_on_failure("1");
t_relay();
}
failure_route[1] {
seturi("sip:user@192.0.2.9");
append_branch();
t_relay();
}
)");
    server.request("INVITE");
    (void)server.all();
    server.answer(404, "Not Found");
    CHECK(server.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|INVITE sip:user@192.0.2.9 SIP/2.0|");
}

TEST_CASE("guide: t_on_reply") {
    Guide server(R"(
route {
t_on_reply("1");
t_relay();
}
onreply_route[1] {
if (t_check_status("1[0-9][0-9]")) {
setflag(1);
log("provisional reply received\n");
if (t_check_status("183"))
drop;
}
}
)");
    server.request("INVITE");
    (void)server.all();
    server.answer(183, "Session Progress");
    CHECK(server.all().empty());
    server.answer(180, "Ringing");
    CHECK(server.all() == "SIP/2.0 180 Ringing|");
    server.answer(200, "OK");
    CHECK(server.all() == "SIP/2.0 200 OK|");
}

TEST_CASE("guide: t_on_branch") {
    const std::string routes = R"(
branch_route[1] {
if (uri=~"bad_uri") {
xlog("dropping branch $ru \n");
drop;
}
if (uri=~"GW_uri") {
append_rpid();
}
}
)";
    // The guide's route block arms an onreply_route[1] that the guide does not show.
    Guide as_it_stands("\nroute {\nt_on_reply(\"1\");\nt_relay();\n}\nonreply_route[1] { }" +
                       routes);
    as_it_stands.request("INVITE");
    CHECK(as_it_stands.all() == kTrying + kInvite);

    Guide server(
        "route { t_on_branch(\"1\"); append_branch(\"sip:bad_uri@192.0.2.8\"); "
        "append_branch(\"sip:GW_uri@192.0.2.9\"); t_relay(); }" +
        routes);
    server.request("INVITE");
    (void)server.take();
    CHECK_FALSE(header(server.take().bytes, "Remote-Party-ID"));
    const std::string gateway = server.take().bytes;
    CHECK(start_line(gateway) == "INVITE sip:GW_uri@192.0.2.9 SIP/2.0");
    CHECK(header(gateway, "Remote-Party-ID"));
    CHECK(server.pending() == 0);
}

TEST_CASE("guide: a branch flag tells in the reply which branch it came from") {
    Guide server(R"(modparam("tm", "branch_flag_mask", "0xff000000")
route { t_on_branch("b"); t_on_reply("r"); t_on_failure("f"); append_branch("sip:GW@192.0.2.9"); t_relay(); }
branch_route[b] { setflag(3); if (uri=~"GW") setflag(25); }
onreply_route[r] { if (isflagset(25)) append_hf("X-From: gateway\r\n"); if (isflagset(3)) append_hf("X-Global: 3\r\n"); }
failure_route[f] { if (isflagset(25)) t_reply("480", "gateway"); })");
    server.request("INVITE");
    (void)server.take();
    const std::string user = server.take().bytes, gateway = server.take().bytes;
    server.receive(reply(user, 180, "Ringing", "u"), kCallee);
    std::string up = server.take().bytes;
    CHECK_FALSE(header(up, "X-From"));
    CHECK(header(up, "X-Global") == "3");
    server.receive(reply(gateway, 183, "Progress", "g"), "192.0.2.9:5060");
    up = server.take().bytes;
    CHECK(header(up, "X-From") == "gateway");
    CHECK(header(up, "X-Global") == "3");
    server.receive(reply(user, 486, "Busy", "u"), kCallee);
    server.receive(reply(gateway, 404, "Not Found", "g"), "192.0.2.9:5060");
    CHECK(server.all().ends_with("SIP/2.0 480 gateway|"));
}

TEST_CASE("guide: $T_branch_index") {
    Guide server(
        R"(route { t_on_branch("b"); append_hf("X-Outside: $T_branch_index\r\n"); append_branch("sip:c@192.0.2.9"); t_relay(); }
branch_route[b] { append_hf("X-Index: $T_branch_index\r\n"); })");
    server.request("INVITE");
    (void)server.take();
    const std::string first = server.take().bytes, second = server.take().bytes;
    CHECK(header(first, "X-Outside") == "0");
    CHECK(header(first, "X-Index") == "1");
    CHECK(header(second, "X-Index") == "2");
}

}  // namespace fairlead::test
