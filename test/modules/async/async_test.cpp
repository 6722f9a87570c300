// Scripts that sleep and go on, on the wire. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// A host with a configuration; modules are loaded in front of it.
class AsyncHost : public TmHost {
public:
    explicit AsyncHost(std::string_view routes) {
        globals.async_workers = 2;
        for (const char* name : {"sl", "pv", "kex", "corex", "textops", "tmx", "async"}) load(name);
        config(std::string(routes));
    }
    void begin(std::string_view request = {}) {
        start();
        invite = Request("INVITE").branch("z9hG4bKa1").str();
        receive(request.empty() ? std::string_view(invite) : request);
    }
    /// All start lines that were sent and not yet taken, joined with a bar.
    std::string lines() {
        std::string all;
        while (pending() != 0) all += (all.empty() ? "" : "|") + next_line();
        return all;
    }
    /// Nothing is left of anything.
    void end() {
        discard_sent();
        advance(Ms(300000));
        CHECK(leaks().empty());
        CHECK(count("created") == count("freed"));
        CHECK(count("suspensions") == count("suspensions_ended"));
    }
    std::string invite;
};

const std::string kTrying = "SIP/2.0 100 trying -- your call is important to us";

}  // namespace

TEST_CASE("the example of async_route: another route answers four seconds later") {
    AsyncHost host(R"x(
request_route {
async_route("RESUME", "4");
}
route[RESUME] {
send_reply("404", "Not found");
exit;
}
)x");
    host.begin();
    CHECK(host.lines() == kTrying);
    host.advance(Ms(3990));
    CHECK(host.pending() == 0);
    host.advance(Ms(40));
    CHECK(host.lines() == "SIP/2.0 404 Not found");
    CHECK(host.statistic("async", "resumed") == 1);
    host.end();
}

TEST_CASE("the example of async_sleep: the next statement answers four seconds later") {
    AsyncHost host(R"x(
request_route {
async_sleep("4");
send_reply("404", "Not found");
exit;
}
)x");
    host.begin();
    CHECK(host.lines() == kTrying);
    host.advance(Ms(3990));
    CHECK(host.pending() == 0);
    host.advance(Ms(40));
    CHECK(host.lines() == "SIP/2.0 404 Not found");
    host.end();
}

TEST_CASE("what a script decided before it slept is there when it goes on") {
    AsyncHost host(R"x(
request_route {
    setflag(5);
    setbflag(3);
    $avp(s:name) = "value";
    $xavp(x=>y) = "deep";
    $ru = "sip:carol@192.0.2.3";
    append_branch("sip:dave@192.0.2.4");
    append_hf("X-Before: yes\r\n");
    t_on_failure("F");
    async_ms_sleep("500");
    append_hf("X-After: yes\r\n");
    if (isflagset(5) && isbflagset(3)) append_hf("X-Seen: $avp(s:name) $xavp(x=>y)\r\n");
    t_relay();
}
failure_route[F] { t_reply("486", "From failure"); }
)x");
    host.begin();
    CHECK(host.lines() == kTrying);
    host.advance(Ms(530));
    const std::string first = host.next();
    CHECK(start_line(first) == "INVITE sip:carol@192.0.2.3 SIP/2.0");
    CHECK(header(first, "X-Before") == "yes");
    CHECK(header(first, "X-After") == "yes");
    CHECK(header(first, "X-Seen") == "value deep");
    CHECK(parameter(headers(first, "Via").at(0), "branch").ends_with(".0"));
    const std::string second = host.next();
    CHECK(start_line(second) == "INVITE sip:dave@192.0.2.4 SIP/2.0");
    CHECK(host.pending() == 0);
    host.answer(first, 404, "No", "t", {}, "192.0.2.3:5060");
    host.answer(second, 404, "No", "t", {}, "192.0.2.4:5060");
    host.lines();
    CHECK(host.count("4xx_transactions") == 1);
    host.end();
}

TEST_CASE("it goes on inside nested routes, blocks and loops, as often as it likes") {
    AsyncHost host(R"x(
request_route {
    $avp(i) = 0;
    while ($avp(i) < 3) {
        $avp(i) = $avp(i) + 1;
        route(WAIT);
        append_to_reply("X-Turn: $avp(i)\r\n");
    }
    send_reply("480", "Done");
}
route[WAIT] {
    if (is_method("INVITE")) {
        async_ms_sleep("100");
        append_to_reply("X-Slept: $avp(i)\r\n");
    }
}
)x");
    host.begin();
    CHECK(host.lines() == kTrying);
    host.advance(Ms(400));
    const std::string reply = host.next();
    CHECK(start_line(reply) == "SIP/2.0 480 Done");
    CHECK(headers(reply, "X-Turn") == std::vector<std::string>{"1", "2", "3"});
    CHECK(headers(reply, "X-Slept") == std::vector<std::string>{"1", "2", "3"});
    CHECK(host.statistic("async", "resumed") == 3);
    host.end();
}

TEST_CASE("a failure_route sleeps and goes on as a failure_route") {
    AsyncHost host(R"x(
request_route { t_on_failure("F"); t_relay(); }
failure_route[F] {
    append_hf("X-Again: yes\r\n");
    async_ms_sleep("200");
    if (t_is_failure_route() && t_check_status("404")) {
        $ru = "sip:carol@192.0.2.3";
        t_relay();
    }
}
)x");
    host.begin();
    host.next();
    host.answer(host.next(), 404, "No");
    CHECK(host.lines().starts_with("ACK"));
    host.advance(Ms(230));
    const std::string again = host.next();
    CHECK(start_line(again) == "INVITE sip:carol@192.0.2.3 SIP/2.0");
    CHECK(header(again, "X-Again") == "yes");
    host.answer(again, 200, "OK", "t", {}, "192.0.2.3:5060");
    CHECK(host.lines() == "SIP/2.0 200 OK");
    host.end();
}

TEST_CASE("a failure_route that slept and did nothing lets the reply go up") {
    AsyncHost host(R"x(
request_route { t_on_failure("F"); t_relay(); }
failure_route[F] { async_ms_sleep("200"); }
)x");
    host.begin();
    host.next();
    host.answer(host.next(), 404, "Not here");
    CHECK(host.lines().starts_with("ACK"));
    host.advance(Ms(230));
    CHECK(host.lines() == "SIP/2.0 404 Not here");
    host.end();
}

TEST_CASE("a CANCEL meanwhile: 487 at once, 200, and nobody goes on") {
    AsyncHost host(R"x(
request_route {
    if (is_method("CANCEL")) { t_relay(); exit; }
    async_sleep(2);
    send_reply("404", "Not found");
}
)x");
    host.begin();
    host.lines();
    host.receive(cancel(host.invite));
    CHECK(host.lines() ==
          "SIP/2.0 487 Request canceled|SIP/2.0 200 ok -- no more pending branches");
    host.receive(ack(host.invite, "SIP/2.0 487 x\r\nTo: <sip:b@x>;tag=t\r\n\r\n"));
    host.advance(Ms(3000));
    CHECK(host.statistic("async", "resumed") == 0);
    CHECK(host.lines().find("404") == std::string::npos);
    host.end();
}

TEST_CASE("the request again meanwhile gets its 100 again and is not suspended twice") {
    AsyncHost host(R"x(
request_route { async_sleep(2); send_reply("404", "Not found"); }
)x");
    host.begin();
    host.lines();
    host.receive(host.invite);
    CHECK(host.lines() == kTrying);
    CHECK(host.count("suspensions") == 1);
    host.advance(Ms(2050));
    CHECK(host.lines() == "SIP/2.0 404 Not found");
    host.end();
}

TEST_CASE("a sleep longer than any timer of the transaction, and the timers begin behind it") {
    AsyncHost host(R"x(
modparam("tm", "fr_timer", 5000)
request_route { async_sleep(250); t_relay(); }
)x");
    host.begin();
    host.lines();
    host.advance(Ms(250050));
    CHECK(host.next_line().starts_with("INVITE"));
    host.advance(Ms(4800));
    CHECK(host.lines().find("408") == std::string::npos);
    host.advance(Ms(400));
    CHECK(host.lines().find("SIP/2.0 408 ") != std::string::npos);
    host.end();
}

TEST_CASE("what a resumed route leaves locked is freed behind it") {
    AsyncHost host(R"x(
loadmodule "cfgutils"
modparam("cfgutils", "lock_set_size", 1)
request_route { async_route("RESUME", "1"); }
route[RESUME] {
    if (trylock("a")) send_reply("404", "Free");
    else send_reply("486", "Locked");
}
)x");
    host.begin();
    host.receive(Request("INVITE").branch("z9hG4bKa2").call_id("another").str());
    CHECK(host.lines() == kTrying + "|" + kTrying);
    host.advance(Ms(1100));
    CHECK(host.lines() == "SIP/2.0 404 Free|SIP/2.0 404 Free");
    host.end();
}

TEST_CASE("a route that was resumed and does nothing is answered 500") {
    AsyncHost host(R"x(
request_route { async_route("R", 1); }
route[R] { exit; }
)x");
    host.begin();
    host.lines();
    host.advance(Ms(1050));
    CHECK(host.lines() == "SIP/2.0 500 I'm terribly sorry, server error occurred (1/TM)");
    host.end();
}

TEST_CASE("a relay that fails behind a sleep is answered as any other") {
    AsyncHost host(R"x(
request_route { async_ms_sleep(50); $ru = "sip:x@no-such-host.invalid"; t_relay(); }
)x");
    host.begin();
    host.lines();
    host.advance(Ms(100));
    CHECK(host.lines() == "SIP/2.0 478 Unresolvable destination (478/TM)");
    host.end();
}

TEST_CASE("what cannot sleep is refused with -1, and the script goes on") {
    struct Case {
        const char *body, *before;
    };
    const Case cases[] = {
        {R"x($var(r) = async_sleep(1); send_reply("480", "$var(r)");)x", ""},
        {R"x(if (async_sleep(1)) { exit; } send_reply("480", "-1");)x", ""},
        {R"x(async_sleep(0); send_reply("480", "$rc");)x", ""},
        {R"x(async_sleep(-5); send_reply("480", "$rc");)x", ""},
        {R"x(async_sleep(604801); send_reply("480", "$rc");)x", ""},
        {R"x(async_ms_sleep("x$var(none)"); send_reply("480", "$rc");)x", ""},
        {R"x(async_route("$var(none)", 1); send_reply("480", "$rc");)x", ""},
        {R"x(async_task_route("R", "nobody"); send_reply("480", "$rc");)x", "route[R] { exit; }"},
        {R"x(async_task_group_data("R", "nobody", "x"); send_reply("480", "$rc");)x",
         "route[R] { exit; }"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.body);
        AsyncHost host("request_route { " + std::string(c.body) + " }\n" + c.before);
        host.begin();
        CHECK(host.lines().ends_with("SIP/2.0 480 -1"));
        CHECK(host.count("suspensions") == 0);
        host.end();
    }
}

TEST_CASE("a suspension more than queue_size is refused with -1 and counted") {
    AsyncHost host(R"x(
modparam("async", "queue_size", 1)
request_route { async_sleep(1); send_reply("480", "$rc"); }
)x");
    host.begin();
    host.lines();
    host.receive(Request("INVITE").branch("z9hG4bKb2").call_id("b2").str());
    CHECK(host.lines() == "SIP/2.0 480 -1");
    CHECK(host.statistic("async", "refused") == 1);
    host.advance(Ms(1050));
    CHECK(host.lines() == "SIP/2.0 480 1");
    host.end();
}

TEST_CASE("tasks go on at once in a worker; groups and data have names") {
    AsyncHost host(R"x(
request_route {
    if ($rU == "ask") { send_reply("482", "$shv(x)"); $shv(x) = 0; exit; }
    if ($rU == "route") async_task_route("RESUME");
    if ($rU == "group") async_task_group_route("RESUME", "abc");
    async_task_data("DATA", "caller: $fU");
    async_task_data("DATA", "abc", "in a group");
    send_reply("480", "Told");
}
route[RESUME] { send_reply("481", "In $async(gname)");
    exit;
}
route[DATA] {
    $shv(x) = "" + $shv(x) + "[" + $async(data) + " " + $async(gname) + " " + $ru + "]";
}
)x");
    host.globals.async_groups = {"name=abc;workers=4;nonblock=0;usleep=0"};
    host.begin(Request("INVITE", "sip:route@192.0.2.2").branch("z9hG4bKa1").str());
    host.advance(Ms(20));
    CHECK(host.lines() == kTrying + "|SIP/2.0 481 In default");
    host.receive(Request("INVITE", "sip:group@192.0.2.2").branch("z9hG4bKa2").call_id("2").str());
    host.advance(Ms(20));
    CHECK(host.lines() == kTrying + "|SIP/2.0 481 In abc");
    std::string told;
    host.receive(Request("INVITE", "sip:data@192.0.2.2").branch("z9hG4bKa3").call_id("3").str());
    CHECK(host.lines() == "SIP/2.0 480 Told");
    host.advance(Ms(20));
    CHECK(host.statistic("async", "tasks") == 4);
    host.receive(Request("INVITE", "sip:ask@192.0.2.2").branch("z9hG4bKa4").call_id("4").str());
    CHECK(host.lines() ==
          "SIP/2.0 482 0[caller: alice default sip:you@kamailio.org]"
          "[in a group abc sip:you@kamailio.org]");
    host.end();
}

TEST_CASE("groups that are not understood end the start") {
    for (const char* text : {"", "workers=1", "name=a", "name=a;workers=0", "name=a;workers=x",
                             "name=a;workers=1;colour=red"}) {
        AsyncHost host("request_route { exit; }");
        host.globals.async_groups = {text};
        CHECK_FALSE(host.try_start());
    }
}

}  // namespace fairlead::test
