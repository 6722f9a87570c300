// Several branches: parallel and serial forking, the pick, 6xx, branch_route, failure_route.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

/// A call forked to `branches` callees, 192.0.2.10 and up.
class Forked : public TmHost {
public:
    void start_call(std::size_t branches = 2) {
        on_request([this, branches](Message& m) {
            for (const auto& [function, route] : armed)
                call(m, function, {std::string_view(route)});
            for (std::size_t i = 1; i < branches; ++i)
                (void)m.append_branch({.uri = m.arena.copy(uri(i))}, globals.max_branches);
            m.target.uri = m.arena.copy(uri(0));
            last = call(m, "t_relay");
        });
        start();
        invite = Request("INVITE").branch("z9hG4bKfork").str();
        receive(invite);
        collect();
    }
    /// Takes all that was sent: requests by the callee they went to, replies in `up`.
    void collect() {
        while (pending() != 0) {
            const std::string bytes = next();
            if (bytes.starts_with("SIP/2.0")) {
                up.push_back(bytes);
            } else {
                down[to].push_back(bytes);
            }
        }
    }
    void from(std::size_t n, int code, std::string_view reason, std::string_view lines = {}) {
        answer(sent.contains(n) ? sent[n] : down[address_of(n)].at(0), code, reason,
               "tag" + std::to_string(n), lines, address_of(n));
        collect();
    }
    [[nodiscard]] std::string last_up() const { return up.empty() ? "" : start_line(up.back()); }
    /// Method and Request-URI lines that went to callee n behind the INVITE.
    [[nodiscard]] std::string last_down(std::size_t n) { return down[address_of(n)].back(); }
    static std::string uri(std::size_t n) { return "sip:bob@192.0.2.1" + std::to_string(n); }
    static std::string address_of(std::size_t n) {
        return "192.0.2.1" + std::to_string(n) + ":5060";
    }

    std::vector<std::pair<std::string, std::string>> armed;
    std::string invite;
    std::vector<std::string> up;
    std::map<std::string, std::vector<std::string>> down;
    std::map<std::size_t, std::string> sent;
};

void check_winner(int first, int second, std::string_view expected) {
    Forked call;
    call.start_call();
    call.from(0, first, "First");
    call.from(1, second, "Second");
    CHECK(call.last_up() == expected);
}

}  // namespace

TEST_CASE("the best of two negative replies goes up") {
    check_winner(404, 486, "SIP/2.0 404 First");
    check_winner(401, 404, "SIP/2.0 401 First");
    check_winner(500, 486, "SIP/2.0 486 Second");
    check_winner(302, 404, "SIP/2.0 302 First");
    check_winner(603, 302, "SIP/2.0 603 First");
}

TEST_CASE("challenges of all branches go up in one reply") {
    Forked call;
    call.start_call();
    call.from(0, 401, "Unauthorized", "WWW-Authenticate: Digest realm=\"a\"\r\nServer: one\r\n");
    call.from(1, 407, "Proxy", "Proxy-Authenticate: Digest realm=\"b\"\r\n");
    REQUIRE(call.last_up() == "SIP/2.0 401 Unauthorized");
    const std::string& reply = call.up.back();
    CHECK(header(reply, "WWW-Authenticate") == "Digest realm=\"a\"");
    CHECK(header(reply, "Proxy-Authenticate") == "Digest realm=\"b\"");
    CHECK(header(reply, "Server") == "one");
    const std::string tag = parameter(*header(reply, "To"), "tag");
    CHECK_FALSE(tag.empty());
    CHECK(tag != "tag0");
    CHECK(tag != "tag1");
}

TEST_CASE("a lone 503 goes up as 500 with its phrase and headers") {
    Forked call;
    call.start_call(1);
    call.from(0, 503, "Service Unavailable", "Retry-After: 5\r\nWarning: 399 x \"y\"\r\n");
    CHECK(call.last_up() == "SIP/2.0 500 Service Unavailable");
    CHECK_FALSE(header(call.up.back(), "Retry-After"));
    CHECK(header(call.up.back(), "Warning"));
}

TEST_CASE("603 cancels the others at once and goes up when they have answered") {
    Forked call;
    call.start_call();
    call.from(1, 180, "Ringing");
    call.from(0, 603, "Decline");
    CHECK(call.last_up() == "SIP/2.0 180 Ringing");
    CHECK(start_line(call.last_down(1)) == "CANCEL " + Forked::uri(1) + " SIP/2.0");
    CHECK(header(call.last_down(1), "Reason") == "SIP;cause=603");
    call.from(1, 487, "Request Terminated");
    CHECK(call.last_up() == "SIP/2.0 603 Decline");
}

TEST_CASE("200 cancels the others; their crossing 200 goes up too") {
    Forked call;
    call.start_call();
    call.from(1, 180, "Ringing");
    call.from(0, 200, "OK");
    CHECK(call.last_up() == "SIP/2.0 200 OK");
    CHECK(header(call.last_down(1), "Reason") == "SIP;cause=200;text=\"Call completed elsewhere\"");
    call.from(1, 200, "Also OK");
    CHECK(call.last_up() == "SIP/2.0 200 Also OK");
    call.receive(call.invite);
    call.collect();
    CHECK(call.last_up() == "SIP/2.0 200 OK");
    call.advance(Ms(64000));
    CHECK(call.leaks().empty());
}

TEST_CASE("no more branches than max_branches") {
    Forked call;
    call.globals.max_branches = 3;
    call.start_call(5);
    CHECK(call.last == 1);
    CHECK(call.down.size() == 3);
}

TEST_CASE("branch_route: a dropped branch leaves its index to the next") {
    Forked call;
    call.armed = {{"t_on_branch", "b"}};
    std::vector<int> indexes;
    call.route(Route::branch, "b", [&](Message& m) {
        indexes.push_back(static_cast<int>(call.variable(m, "T_branch_idx").integer()));
        const bool first = m.uri() == Forked::uri(0);
        if (first) return RouteResult{.code = 0, .dropped = true, .exited = true};
        m.edits.append_header(m.sip, "X-Branch: second\r\n");
        return RouteResult{};
    });
    call.start_call();
    CHECK(indexes == std::vector<int>{0, 0});
    REQUIRE(call.down.size() == 1);
    const std::string& sent = call.down[Forked::address_of(1)].at(0);
    CHECK(parameter(*header(sent, "Via"), "branch").ends_with(".0"));
    CHECK(header(sent, "X-Branch") == "second");
}

TEST_CASE("onsend_route runs for each branch and may hold it back") {
    Forked call;
    std::vector<std::string> seen;
    call.route(Route::onsend, "", [&](Message& m) {
        seen.emplace_back(m.uri());
        const bool first = m.uri() == Forked::uri(0);
        if (first) return RouteResult{.code = 0, .dropped = true, .exited = true};
        return RouteResult{};
    });
    call.start_call(2);
    CHECK(call.last == 1);
    CHECK(seen == std::vector<std::string>{Forked::uri(0), Forked::uri(1)});
    REQUIRE(call.down.size() == 1);
    CHECK(call.down.contains(Forked::address_of(1)));
}

TEST_CASE("branch_route: all dropped is answered 500 at the end of the script") {
    Forked call;
    call.armed = {{"t_on_branch", "b"}};
    call.route(Route::branch, "b",
               [](Message&) { return RouteResult{.code = 0, .dropped = true, .exited = true}; });
    call.start_call();
    CHECK(call.last == -6);
    CHECK(call.last_up() == "SIP/2.0 500 I'm terribly sorry, server error occurred (6/TM)");
}

TEST_CASE("what branch_route does stays with its branch, message flags do not") {
    Forked call;
    call.armed = {{"t_on_branch", "b"}};
    std::uint32_t seen = 0;
    int failures = 0;
    call.route(Route::branch, "b", [&](Message& m) {
        if (m.uri() == Forked::uri(0)) {
            m.edits.append_header(m.sip, "X-First: yes\r\n");
            m.flags |= 8;
            m.target.flags |= 4;
            call.call(m, "t_on_failure", {"f"sv});
        } else {
            seen = m.flags;
            CHECK(m.target.flags == 0);
        }
        return RouteResult{};
    });
    call.route(Route::failure, "f", [&](Message&) {
        ++failures;
        return RouteResult{};
    });
    call.start_call();
    CHECK(seen == 8);
    CHECK(header(call.down[Forked::address_of(0)].at(0), "X-First"));
    CHECK_FALSE(header(call.down[Forked::address_of(1)].at(0), "X-First"));
    call.from(0, 486, "Busy");
    call.from(1, 404, "Not Found");
    CHECK(failures == 0);  // branch 1 wins, and only branch 0 was armed
}

TEST_CASE("faked_reply_prio lets a real reply beat our 408") {
    Forked call;
    call.param("tm", "faked_reply_prio", 2000);
    call.param("tm", "fr_timer", 2000);
    call.start_call();
    call.from(1, 480, "Not Here");
    call.advance(Ms(2100));
    call.collect();
    CHECK(call.last_up() == "SIP/2.0 480 Not Here");
}

TEST_CASE("an unresolvable target is answered at the end of the script, unless the script does") {
    for (const bool answers : {false, true}) {
        TmHost host;
        host.on_request([&](Message& m) {
            m.target.uri = "sip:bob@no.such.host.invalid";
            host.last = host.call(m, "t_relay");
            if (answers) host.call(m, "t_reply", {503, "Later"sv});
        });
        host.start();
        host.receive(Request("INVITE").branch("z9hG4bKu").str());
        CHECK(host.last == -478);
        CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
        CHECK(host.next_line() ==
              (answers ? "SIP/2.0 503 Later" : "SIP/2.0 478 Unresolvable destination (478/TM)"));
        CHECK(host.pending() == 0);
    }
}

TEST_CASE("failure_route makes new branches: only their reply goes up") {
    for (const int first : {404, 603}) {
        Forked call;
        call.armed = {{"t_on_failure", "f"}};
        int runs = 0, seen = 0;
        call.route(Route::failure, "f", [&](Message& m) {
            ++runs;
            seen = static_cast<int>(call.variable(m, "T_reply_code").integer());
            (void)m.append_branch({.uri = m.arena.copy(Forked::uri(5))});
            call.last = call.call(m, "t_relay");
            return RouteResult{};
        });
        call.start_call(1);
        call.from(0, first, "No");
        CHECK(runs == 1);
        CHECK(seen == first);
        CHECK(call.last == 1);
        CHECK(call.last_up().starts_with("SIP/2.0 100"));
        const std::string& second = call.down[Forked::address_of(5)].at(0);
        CHECK(parameter(*header(second, "Via"), "branch").ends_with(".1"));
        call.from(5, 200, "OK");
        CHECK(call.last_up() == "SIP/2.0 200 OK");
        CHECK(call.up.size() == 2);
        call.advance(Ms(40000));
        CHECK(call.leaks().empty());
    }
}

TEST_CASE("failure_route keeps headers, variables and flags of request_route") {
    TmHost host;
    host.on_request([&](Message& m) {
        m.edits.append_header(m.sip, "X-Early: kept\r\n");
        m.avps.add("who", Value(std::string_view("alice")));
        Xavp* const set = m.xavps.add_set(m.xavps.roots(), "set");
        m.xavps.add(&set->fields, "field", 7);
        m.flags = 5;
        host.call(m, "t_on_failure", {"f"sv});
        host.call(m, "t_relay");
    });
    std::string who;
    std::int64_t field = 0;
    std::uint32_t flags = 0;
    host.route(Route::failure, "f", [&](Message& m) {
        who = m.avps.get("who").string();
        const Xavp* const set = m.xavps.find(*m.xavps.roots(), "set");
        if (set != nullptr && set->is_set) field = set->fields->value.integer();
        flags = m.flags;
        (void)m.append_branch({.uri = "sip:bob@192.0.2.15"});
        host.call(m, "t_relay");
        return RouteResult{};
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKkeep").str());
    (void)host.next();
    const std::string sent = host.next();
    CHECK(header(sent, "X-Early") == "kept");
    host.answer(sent, 404, "No");
    CHECK(host.next_line().starts_with("ACK"));
    const std::string second = host.next();
    CHECK(host.to == "192.0.2.15:5060");
    CHECK(header(second, "X-Early") == "kept");
    CHECK(who == "alice");
    CHECK(field == 7);
    CHECK(flags == 5);
}

TEST_CASE("failure_route: its own reply, the winner when it does nothing, once per arming") {
    Forked call;
    call.armed = {{"t_on_failure", "f"}};
    int runs = 0;
    int mode = GENERATE(0, 1, 2);
    call.route(Route::failure, "f", [&](Message& m) {
        ++runs;
        if (mode == 0) call.call(m, "t_reply", {480, "Script says"sv});
        if (mode == 2) {
            (void)m.append_branch({.uri = m.arena.copy(Forked::uri(5))});
            call.call(m, "t_relay");
        }
        return RouteResult{};
    });
    call.start_call(1);
    call.from(0, 404, "Not Found");
    if (mode == 0) CHECK(call.last_up() == "SIP/2.0 480 Script says");
    if (mode == 1) CHECK(call.last_up() == "SIP/2.0 404 Not Found");
    if (mode == 2) {
        call.from(5, 486, "Busy");
        CHECK(call.last_up() == "SIP/2.0 486 Busy");
    }
    CHECK(runs == 1);
    CHECK(call.up.size() == 2);
}

TEST_CASE("t_branch_timeout and t_branch_replied tell how the winner failed") {
    struct Case {
        bool rings, answers;
        int timeout, replied;
    };
    // The reply at hand does not count: a 404 alone is no reply "in the past".
    const Case c = GENERATE(Case{false, false, 1, -1}, Case{true, false, 1, 1},
                            Case{false, true, -1, -1}, Case{true, true, -1, 1});
    Forked call;
    call.param("tm", "fr_timer", 1000);
    call.param("tm", "fr_inv_timer", 1000);
    call.armed = {{"t_on_failure", "f"}};
    int timeout = 0, replied = 0;
    call.route(Route::failure, "f", [&](Message& m) {
        timeout = call.call(m, "t_branch_timeout");
        replied = call.call(m, "t_branch_replied");
        CHECK(call.call(m, "t_any_replied") == replied);
        return RouteResult{};
    });
    call.start_call(1);
    if (c.rings) call.from(0, 180, "Ringing");
    if (c.answers) call.from(0, 404, "Not Found");
    call.advance(Ms(1200));
    CHECK(timeout == c.timeout);
    CHECK(replied == c.replied);
}

TEST_CASE("t_any_replied counts what other branches said before") {
    Forked call;
    call.armed = {{"t_on_failure", "f"}};
    int branch = 0, any = 0;
    call.route(Route::failure, "f", [&](Message& m) {
        branch = call.call(m, "t_branch_replied");
        any = call.call(m, "t_any_replied");
        return RouteResult{};
    });
    call.start_call(2);
    call.from(0, 486, "Busy");
    call.from(1, 404, "Not Found");  // wins, and is the reply at hand
    CHECK(branch == -1);
    CHECK(any == 1);
}

TEST_CASE("onreply_route: drop holds back provisional replies only") {
    TmHost host;
    host.on_request([&](Message& m) {
        host.call(m, "t_on_reply", {"r"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::tm_reply, "r", [&](Message& m) {
        m.edits.append_header(m.sip, "X-Seen: yes\r\n");
        host.last = static_cast<int>(host.variable(m, "T_reply_code").integer());
        return RouteResult{.code = 0, .dropped = true, .exited = true};
    });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKd").str());
    (void)host.next();
    const std::string sent = host.next();
    host.answer(sent, 183, "Progress");
    CHECK(host.last == 183);
    CHECK(host.pending() == 0);
    host.answer(sent, 404, "Not Found");
    CHECK(host.next_line().starts_with("ACK"));
    const std::string up = host.next();
    CHECK(start_line(up) == "SIP/2.0 404 Not Found");
    CHECK(header(up, "X-Seen") == "yes");
}

TEST_CASE("what our Via says is kept for the branches of failure_route") {
    TmHost host;
    host.on_request([&](Message& m) {
        m.advertised_host = "sip.example.com";
        m.advertised_port = 5099;
        m.via_params = ";srvid=7";
        host.call(m, "t_on_failure", {"F"sv});
        host.call(m, "t_relay");
    });
    host.route(Route::failure, "F", [&](Message& m) {
        (void)m.append_branch({.uri = "sip:bob@192.0.2.3"}, host.globals.max_branches);
        host.call(m, "t_relay");
        return RouteResult{};
    });
    host.start();
    host.receive(Request("OPTIONS").branch("z9hG4bKvia").str());
    const std::string first = host.next();
    CHECK(headers(first, "Via").at(0).starts_with("SIP/2.0/UDP sip.example.com:5099;"));
    host.answer(first, 404, "No");
    const std::string second = host.next();
    CHECK(host.to == "192.0.2.3:5060");
    CHECK(headers(second, "Via").at(0).starts_with("SIP/2.0/UDP sip.example.com:5099;"));
    CHECK(headers(second, "Via").at(0).ends_with(";srvid=7"));
}

TEST_CASE("sip_warning: replies of a transaction have a Warning") {
    TmHost host;
    host.globals.sip_warning = true;
    host.on_request([&](Message& m) {
        host.call(m, "t_newtran");
        m.target.uri = "sip:other@192.0.2.9";
        host.call(m, "t_reply", {404, "No"sv});
    });
    host.start();
    host.receive(Request("OPTIONS", "sip:bob@192.0.2.2").branch("z9hG4bKwarn").str());
    const std::string reply = host.next();
    const std::string warning = headers(reply, "Warning").at(0);
    CHECK(warning.find("in_uri=sip:bob@192.0.2.2 out_uri=sip:other@192.0.2.9 via_cnt==1\"") !=
          std::string::npos);
}

}  // namespace fairlead::test
