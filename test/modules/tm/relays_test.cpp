// Relaying to a given place: all forms of t_relay, t_relay_to, t_forward_nonack, t_relay_cancel.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// A server with this request_route; what the last statement said is in $rc of X-Code.
class Scripted : public ModuleHost {
public:
    explicit Scripted(const std::string& statements, const std::string& rest = {})
        : ModuleHost(16 << 20) {
        config(
            "loadmodule \"tm\"\nloadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"textops\"\n"
            "loadmodule \"maxfwd\"\nloadmodule \"xlog\"\nloadmodule \"corex\"\n"
            "request_route { " +
            statements + " }\n" + rest);
    }
    /// Start line and address of the next packet.
    std::string next() {
        const Packet p = take();
        last = p.bytes;
        return start_line(p.bytes) + " > " + p.target.address.text();
    }
    std::string last;
};

/// Whether a configuration with these is refused before a message comes.
bool refused(const std::string& statements, const std::string& rest = {}) {
    try {
        Scripted(statements, rest).start();
    } catch (const std::runtime_error&) {
        return true;
    }
    return false;
}

std::string options() {
    return Request("OPTIONS").branch("z9hG4bKr").str();
}

/// Where OPTIONS goes.
std::string relayed_to(const std::string& statement) {
    Scripted server(statement);
    server.start();
    server.receive(options());
    return server.pending() == 0 ? "nowhere" : server.next();
}

constexpr std::string_view kSent = "OPTIONS sip:bob@192.0.2.2 SIP/2.0 > ";

}  // namespace

TEST_CASE("t_relay and its kin to a fixed place leave the Request-URI alone") {
    const std::string sent(kSent);
    CHECK(relayed_to("t_relay(\"192.0.2.7:5070\");") == sent + "192.0.2.7:5070");
    CHECK(relayed_to("t_relay(\"udp:192.0.2.7\");") == sent + "192.0.2.7:5060");
    CHECK(relayed_to("t_relay(\"192.0.2.7\", \"5070\");") == sent + "192.0.2.7:5070");
    CHECK(relayed_to("t_relay_to_udp(\"192.0.2.7\", \"5070\");") == sent + "192.0.2.7:5070");
    CHECK(relayed_to("t_relay_to_udp(\"2001:db8::7\", \"5070\");") == sent + "[2001:db8::7]:5070");
    CHECK(relayed_to("t_relay_to_udp();") == sent + "192.0.2.2:5060");
    CHECK(relayed_to("t_relay_to(\"udp:192.0.2.7:5070\");") == sent + "192.0.2.7:5070");
    CHECK(relayed_to("t_relay_to(\"192.0.2.7\", \"1\");") == sent + "192.0.2.7:5060");
    CHECK(relayed_to("t_relay_to();") == sent + "192.0.2.2:5060");
    CHECK(relayed_to("$var(x) = \"192.0.2.7:5070\"; t_relay_to(\"$var(x)\");") ==
          sent + "192.0.2.7:5070");
}

TEST_CASE("t_forward_nonack needs a transaction and relays to the same places") {
    const std::string sent(kSent);
    CHECK(relayed_to("t_forward_nonack();") == "nowhere");
    const std::string made = "t_newtran(); ";
    CHECK(relayed_to(made + "t_forward_nonack();") == sent + "192.0.2.2:5060");
    CHECK(relayed_to(made + "t_forward_nonack_uri();") == sent + "192.0.2.2:5060");
    CHECK(relayed_to(made + "t_forward_nonack(\"udp:192.0.2.7\");") == sent + "192.0.2.7:5060");
    CHECK(relayed_to(made + "t_forward_nonack(\"192.0.2.7\", \"5070\");") ==
          sent + "192.0.2.7:5070");
    CHECK(relayed_to(made + "t_forward_nonack_udp(\"192.0.2.7\", \"5070\");") ==
          sent + "192.0.2.7:5070");
    CHECK(relayed_to(made + "t_forward_nonack_to(\"udp\", \"192.0.2.7:5070\");") ==
          sent + "192.0.2.7:5070");
}

TEST_CASE("a transport without socket: -7, and 500 (7/TM) unless the script answers") {
    const std::string no_socket =
        "SIP/2.0 500 I'm terribly sorry, server error occurred (7/TM) > 192.0.2.1:5060";
    for (const char* const call :
         {"t_relay(\"tcp:192.0.2.7:5060\");", "t_relay_to_tcp(\"192.0.2.7\", \"5060\");",
          "t_relay_to_tls(\"192.0.2.7\", \"5061\");", "t_relay_to_tcp();", "t_relay_to_tls();",
          "t_relay_to_sctp();", "t_relay_to(\"tls:192.0.2.7\");",
          "$ru = \"sip:x@192.0.2.7;transport=tcp\"; t_relay();",
          "t_newtran(); t_forward_nonack_tcp(\"192.0.2.7\", \"5060\");",
          "t_newtran(); t_forward_nonack_tls(\"192.0.2.7\", \"5060\");"}) {
        INFO(call);
        CHECK(relayed_to(call) == no_socket);
    }
    CHECK(relayed_to("t_relay_to_tcp(\"192.0.2.7\", \"5060\"); if ($rc == -7) { t_reply(\"503\", "
                     "\"No TCP\"); }") == "SIP/2.0 503 No TCP > 192.0.2.1:5060");
}

TEST_CASE("an address that can be none is refused when the configuration is read") {
    CHECK(refused("t_relay(\"192.0.2.7:99999\");"));
    CHECK(refused("t_relay(\"\");"));
    CHECK(refused("t_relay(\"udp:192.0.2.7:x\");"));
    CHECK(refused("t_forward_nonack(\"sip:bob@192.0.2.7\");"));
    CHECK(refused("t_replicate(\"192.0.2.7\");"));
    CHECK(refused("t_replicate_to(\"pigeon\", \"192.0.2.7\");"));
    CHECK_FALSE(refused("t_relay(\"tcp:192.168.1.10:5060\");"));
    CHECK_FALSE(refused("t_relay(\"mydomain.com:5070\");"));
    CHECK_FALSE(refused("t_relay(\"udp:mydomain.com\");"));
    CHECK_FALSE(refused("t_relay(\"[2001:db8::7]:5070\");"));
}

TEST_CASE("functions are refused in routes where they make no sense") {
    CHECK(refused("", "onreply_route[x] { t_relay(); }"));
    CHECK(refused("", "branch_route[x] { t_relay(); }"));
    CHECK(refused("", "failure_route[x] { t_replicate(\"sip:192.0.2.7\"); }"));
    CHECK(refused("", "failure_route[x] { t_newtran(); }"));
    CHECK(refused("", "onreply_route[x] { t_drop_replies(); }"));
    CHECK(refused("", "failure_route[x] { t_save_lumps(); }"));
    CHECK(refused("", "onreply_route[x] { t_release(); }"));
    CHECK_FALSE(refused("", "failure_route[x] { t_relay_to(\"1\"); t_drop_replies(\"l\"); }"));
}

TEST_CASE("t_relay_to: 1 sends no 100, 2 gives -4 and no reply") {
    Scripted quiet("t_relay_to(\"0x01\");");
    quiet.start();
    quiet.receive(Request("INVITE").branch("z9hG4bKr").str());
    CHECK(quiet.next() == "INVITE sip:bob@192.0.2.2 SIP/2.0 > 192.0.2.2:5060");
    CHECK(quiet.pending() == 0);
    CHECK(
        relayed_to("t_relay_to(\"tcp:192.0.2.7\", \"2\"); if ($rc == -4) { sl_send_reply(\"404\", "
                   "\"Mine\"); }") == "SIP/2.0 404 Mine > 192.0.2.1:5060");
    CHECK(relayed_to("t_relay_to(\"tcp:192.0.2.7\", \"2\");") == "nowhere");
    CHECK(relayed_to("t_set_disable_internal_reply(1); t_relay(\"tcp:192.0.2.7\");") == "nowhere");
}

TEST_CASE("t_relay_cancel: the rest of the script does not see a CANCEL whose INVITE is there") {
    Scripted server(
        "if (is_method(\"CANCEL\")) { t_relay_cancel(); sl_send_reply(\"481\", \"Unknown $rc\"); "
        "exit; } t_relay();");
    server.start();
    server.receive(Request("CANCEL").branch("z9hG4bKr").str());
    CHECK(server.next() == "SIP/2.0 481 Unknown 1 > 192.0.2.1:5060");
    server.receive(Request("INVITE").branch("z9hG4bKr").str());
    (void)server.next();
    (void)server.next();
    server.receive(reply(server.last, 180, "Ringing", "t"), kCallee);
    (void)server.next();
    server.receive(Request("CANCEL").branch("z9hG4bKr").str());
    CHECK(server.next() == "CANCEL sip:bob@192.0.2.2 SIP/2.0 > 192.0.2.2:5060");
    CHECK(server.next() == "SIP/2.0 200 canceling > 192.0.2.1:5060");
    CHECK(server.pending() == 0);
}

TEST_CASE("ac_extra_hdrs: CANCEL and the ACK of a negative reply repeat such fields") {
    Scripted server(
        "append_hf(\"X-Trace-Id: 7\\r\\n\"); append_hf(\"X-Other: 8\\r\\n\"); t_relay();",
        "modparam(\"tm\", \"ac_extra_hdrs\", \"x-trace\")\n");
    server.start();
    server.receive(Request("INVITE").branch("z9hG4bKr").str());
    (void)server.next();
    (void)server.next();
    const std::string invite = server.last;
    server.receive(reply(invite, 180, "Ringing", "t"), kCallee);
    (void)server.next();
    server.receive(Request("CANCEL").branch("z9hG4bKr").str());
    CHECK(server.next().starts_with("CANCEL"));
    CHECK(header(server.last, "X-Trace-Id") == "7");
    CHECK_FALSE(header(server.last, "X-Other"));
    (void)server.next();
    server.receive(reply(invite, 487, "Request Terminated", "t"), kCallee);
    CHECK(server.next().starts_with("ACK"));
    CHECK(header(server.last, "X-Trace-Id") == "7");
    CHECK_FALSE(header(server.last, "X-Other"));
}

TEST_CASE("rich_redirect: a redirection tells flags and Path of its branches") {
    const auto contact = [](int mode) {
        TmHost server;
        server.param("tm", "rich_redirect", mode);
        server.on_request([&](Message& m) {
            m.target.uri = "sip:a@192.0.2.8";
            m.target.flags = 4;
            m.target.path = "<sip:p@192.0.2.9;lr>";
            (void)server.call(m, "t_newtran");
            (void)server.call(m, "t_reply", {302, "Moved"sv});
        });
        server.start();
        server.receive(options());
        return header(server.next(), "Contact").value_or("none");
    };
    CHECK(contact(0) == "<sip:a@192.0.2.8>");
    CHECK(contact(1) == "<sip:a@192.0.2.8>;flags=4");
    CHECK(contact(3) == "<sip:a@192.0.2.8?Route=%3csip:p%40192.0.2.9%3blr%3e>;flags=4");
}

TEST_CASE("parameters of what is not here are taken") {
    for (const char* const line :
         {"\"reparse_invite\", 0", "\"blst_503\", 1", "\"exec_time_check\", 0",
          "\"callid_cseq_matching\", 1", "\"event_callback\", \"f\"", "\"enable_stats\", 1"}) {
        INFO(line);
        CHECK_FALSE(refused("", "modparam(\"tm\", " + std::string(line) + ")\n"));
    }
}

}  // namespace fairlead::test
