// tmx: which route runs, and acting on transactions of other messages.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/tmx/precheck.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Server : ModuleHost {
    explicit Server(const std::string& routes) {
        config(
            "loadmodule \"tm\"\nloadmodule \"tmx\"\nloadmodule \"pv\"\nloadmodule "
            "\"corex\"\nloadmodule \"kex\"\n"
            "modparam(\"tm\", \"hash_size\", 64)\n" +
            routes);
        start();
    }
    std::string next() {
        const Packet p = take();
        to = p.target.address.text();
        return p.bytes;
    }
    std::string to;
};

constexpr std::string_view kOther = "192.0.2.3:5060";

}  // namespace

TEST_CASE("t_is_… name the route at the top, also inside of route[NAME]") {
    Server server(R"cfg(request_route {
    t_on_branch("B"); t_on_failure("F"); t_on_reply("R");
    route(SAY);
    t_relay();
}
route[SAY] {
    if (t_is_request_route()) $shv(seen) = $shv(seen) + 1;
    if (t_is_branch_route()) $shv(seen) = $shv(seen) + 10;
    if (t_is_reply_route()) $shv(seen) = $shv(seen) + 100;
    if (t_is_failure_route()) $shv(seen) = $shv(seen) + 1000;
}
branch_route[B] { route(SAY); }
onreply_route[R] { route(SAY); }
failure_route[F] { route(SAY); t_reply("480", "Seen $shv(seen)"); }
)cfg");
    server.receive(Request("INVITE").str());
    server.take();  // 100
    server.receive(reply(server.next(), 486, "Busy"), "192.0.2.2:5060");
    server.take();  // ACK
    CHECK(start_line(server.next()) == "SIP/2.0 480 Seen 1111");
}

TEST_CASE("t_cancel_branches cancels all, others or this") {
    const auto cancelled = [](const std::string& which) {
        Server server(
            "request_route { append_branch(\"sip:c@192.0.2.3\"); t_on_reply(\"R\"); "
            "t_relay(); }\nonreply_route[R] { if (status == \"183\") t_cancel_branches(\"" +
            which + "\"); }\n");
        server.receive(Request("INVITE", "sip:b@192.0.2.2").str());
        server.take();
        const std::string first = server.next(), second = server.next();
        server.receive(reply(second, 180, "Ringing"), kOther);
        server.take();
        server.receive(reply(first, 183, "Progress"), "192.0.2.2:5060");
        std::string to;
        while (server.pending() != 0) {
            const std::string packet = server.next();
            if (packet.starts_with("CANCEL ")) to += server.to + " ";
        }
        return to;
    };
    CHECK(cancelled("all") == "192.0.2.3:5060 192.0.2.2:5060 ");
    CHECK(cancelled("others") == "192.0.2.3:5060 ");
    CHECK(cancelled("this") == "192.0.2.2:5060 ");
    CHECK(cancelled("nonsense").empty());
}

TEST_CASE("t_cancel_callid cancels a call of another message") {
    Server server(R"cfg(request_route {
    if ($rm == "INFO") {
        if (t_cancel_callid("call-1", "7", "5", "480")) t_send_reply("200", "Done"); else t_send_reply("404", "None");
        exit;
    }
    t_on_failure("F");
    t_relay();
}
failure_route[F] { if ($mf & 32) t_reply("480", "Flagged"); }
)cfg");
    const auto info = [&](unsigned number) {
        server.receive(Request("INFO")
                           .call_id("i" + std::to_string(number))
                           .branch("z9hG4bKi" + std::to_string(number))
                           .str());
    };
    info(1);
    CHECK(start_line(server.next()) == "SIP/2.0 404 None");
    server.receive(Request("INVITE").call_id("call-1").cseq(7).str());
    server.take();
    const std::string invite = server.next();
    server.receive(reply(invite, 180, "Ringing"), "192.0.2.2:5060");
    server.take();
    info(2);
    const std::string cancel = server.next();
    CHECK(start_line(cancel).starts_with("CANCEL "));
    CHECK(header(cancel, "Reason") == "SIP;cause=480");
    CHECK(start_line(server.next()) == "SIP/2.0 200 Done");
    server.receive(reply(invite, 487, "Request Terminated"), "192.0.2.2:5060");
    server.take();  // ACK
    CHECK(start_line(server.next()) == "SIP/2.0 480 Flagged");
    info(3);
    CHECK(start_line(server.next()) == "SIP/2.0 404 None");
}

TEST_CASE("t_reply_callid answers a call of another message") {
    Server server(R"cfg(request_route {
    if ($rm == "INFO") {
        t_reply_callid("call-1", "$hdr(Number)", "486", "From outside");
        t_send_reply("200", "$rc");
        exit;
    }
    t_relay();
}
)cfg");
    server.receive(Request("INVITE").call_id("call-1").cseq(7).str());
    server.take();
    const std::string invite = server.next();
    server.receive(reply(invite, 180, "Ringing"), "192.0.2.2:5060");
    server.take();
    server.receive(Request("INFO").call_id("i").header("Number", "8").str());
    CHECK(start_line(server.next()) == "SIP/2.0 200 -1");
    server.receive(Request("INFO").call_id("j").branch("z9hG4bKj").header("Number", "7").str());
    const std::string answer = server.next();
    CHECK(start_line(answer) == "SIP/2.0 486 From outside");
    CHECK(header(answer, "Call-ID") == "call-1");
    CHECK(start_line(server.next()).starts_with("CANCEL "));
    CHECK(start_line(server.next()) == "SIP/2.0 200 1");
    server.receive(Request("INFO").call_id("k").branch("z9hG4bKk").header("Number", "x").str());
    CHECK(start_line(server.next()) == "SIP/2.0 200 -1");
}

TEST_CASE("the statistics of Kamailio's tmx") {
    Server server("request_route { t_relay(); }\n");
    server.receive(Request("OPTIONS").str());
    CHECK(server.statistic("tmx", "inuse_transactions") == 1);
    CHECK(server.statistic("tmx", "active_transactions") == 1);
    server.receive(reply(server.next(), 200, "OK"), "192.0.2.2:5060");
    CHECK(server.statistic("tmx", "2xx_transactions") == 1);
    CHECK(server.statistic("tmx", "rpl_received") == 1);
    CHECK(server.statistic("tmx", "rpl_sent") == 1);
    CHECK(server.statistic("tmx", "active_transactions") == 0);
}

TEST_CASE("a request that another process works on is found until that one is done") {
    const auto precheck = std::make_unique<tmx::Precheck>();
    precheck->init();
    CHECK_FALSE(precheck->elsewhere(1, 77));
    CHECK_FALSE(precheck->elsewhere(1, 77));
    CHECK(precheck->elsewhere(2, 77));
    CHECK_FALSE(precheck->elsewhere(2, 78));
    precheck->leave(1);
    CHECK_FALSE(precheck->elsewhere(3, 77));
}

TEST_CASE("t_precheck_trans is false for what this process works on itself") {
    Server server(R"cfg(request_route {
    $var(elsewhere) = t_precheck_trans() || t_precheck_trans();
    t_newtran();
    if ($var(elsewhere)) { t_reply("500", "Elsewhere"); exit; }
    t_reply("200", "Here");
})cfg");
    server.receive(Request("OPTIONS").str());
    CHECK(start_line(server.next()) == "SIP/2.0 200 Here");
    server.receive(Request("OPTIONS").branch("z9hG4bKother").str());
    CHECK(start_line(server.next()) == "SIP/2.0 200 Here");
}
