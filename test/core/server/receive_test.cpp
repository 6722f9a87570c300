// The message path: hooks, routes, refusals, counters, exceptions. SPDX-License-Identifier:
// Apache-2.0
#include <catch2/catch.hpp>
#include <stdexcept>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// Writes down what it is asked; does what the test tells it.
class Spy final : public Module {
public:
    std::string seen;
    Next request_answer = Next::go_on, reply_answer = Next::go_on;
    bool throws = false;
    bool owns = false;
    std::size_t slot = 0;

    Result<void> prepare(Core& core) override {
        slot = core.message_slot();
        return {};
    }
    Next request_arrived(Message& m) override {
        seen += "request ";
        if (throws) throw std::runtime_error("spy");
        m.slots[slot] = 1;  // whatever a module keeps there
        m.is_owned = owns;
        return request_answer;
    }
    Next reply_arrived(Message&) override {
        seen += "reply ";
        return reply_answer;
    }
    void message_done(Message&, const RouteResult& r) override {
        seen += r.threw ? "done-threw " : "done ";
    }
};

constexpr Descriptor spy{.name = "spy",
                         .summary = "Looks on.",
                         .create = make_module<Spy>,
                         .hooks = Hook::request_arrived | Hook::reply_arrived | Hook::message_done};

struct Fixture {
    ModuleHost host;
    Spy* module = nullptr;
    RouteResult answer{};
    RouteResult reply_answer{};
    Fixture() {
        host.add(spy);
        module = host.module<Spy>("spy");
        host.route(Route::request, "", [this](Message&) {
            module->seen += "route ";
            return answer;
        });
        host.route(Route::core_reply, "", [this](Message& m) {
            module->seen += "reply_route ";
            CHECK(m.route_type == Route::core_reply);
            return reply_answer;
        });
        host.start();
    }
    std::int64_t count(std::string_view name) const { return host.statistic("core", name); }
    void reply_comes() {
        host.receive(
            "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=f\r\n"
            "To: <sip:b@x>;tag=t\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n");
    }
};

}  // namespace

TEST_CASE("a request goes through hook, route and the end") {
    Fixture f;
    f.host.receive(Request("INVITE").str());
    CHECK(f.module->seen == "request route done ");
    CHECK(f.count("rcv_requests") == 1);
    CHECK(f.count("rcv_requests_invite") == 1);
    CHECK(f.count("rcv_requests_bye") == 0);
    CHECK(f.host.leaks().empty());
}

TEST_CASE("a consumed request does not reach the route, but its end is told") {
    Fixture f;
    f.module->request_answer = Next::consumed;
    f.host.receive(Request("INVITE").str());
    CHECK(f.module->seen == "request done ");
    CHECK(f.count("drop_requests") == 1);
}

TEST_CASE("a reply goes through route and hook, and is relayed") {
    Fixture f;
    f.reply_comes();
    CHECK(f.module->seen == "reply_route reply done ");
    CHECK(headers(f.host.take().bytes, "Via").size() == 1);
    CHECK(f.count("rcv_replies_1xx") == 1);
    CHECK(f.count("rcv_replies_18x") == 1);
    CHECK(f.count("fwd_replies") == 1);
}

TEST_CASE("a consumed reply is not relayed") {
    Fixture f;
    f.module->reply_answer = Next::consumed;
    f.reply_comes();
    CHECK(f.host.pending() == 0);
}

TEST_CASE("a reply that the route does not want ends there") {
    Fixture f;
    f.reply_answer = GENERATE(RouteResult{.code = 0, .dropped = true, .exited = true},
                              RouteResult{.code = 0, .exited = true}, RouteResult{.code = -1});
    f.reply_comes();
    CHECK(f.module->seen == "reply_route done ");
    CHECK(f.host.pending() == 0);
    CHECK(f.count("drop_replies") == 1);
}

TEST_CASE("with check_via a reply that is not ours is dropped") {
    const bool check = GENERATE(true, false);
    ModuleHost host;
    host.globals.check_via = check;
    host.start();
    host.receive(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKx\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=f\r\n"
        "To: <sip:b@x>;tag=t\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n");
    CHECK(host.pending() == (check ? 0 : 1));
}

TEST_CASE("an exception in a hook is answered 500 and costs only that message") {
    Fixture f;
    f.module->throws = true;
    f.host.receive(Request("OPTIONS").str());
    CHECK(f.module->seen == "request done ");
    CHECK(start_line(f.host.take().bytes) == "SIP/2.0 500 Server Internal Error");
    CHECK(f.count("module_exceptions") == 1);

    f.host.receive(Request("ACK").str());
    CHECK(f.host.pending() == 0);  // nothing answers an ACK

    f.module->throws = false;
    f.host.receive(Request("OPTIONS").str());
    CHECK(f.module->seen.ends_with("request route done "));
    CHECK(f.host.leaks().empty());
}

TEST_CASE("an exception in the script is answered 500, unless a module owns the message") {
    Fixture f;
    f.answer = {.code = -1, .threw = true};
    f.module->owns = GENERATE(true, false);
    f.host.receive(Request("OPTIONS").str());
    CHECK(f.module->seen == "request route done-threw ");
    CHECK(f.host.pending() == (f.module->owns ? 0 : 1));
}

TEST_CASE("keep-alives and noise are ignored") {
    Fixture f;
    f.host.receive("\r\n\r\n");
    f.host.receive(std::string_view("\0\0\0\0", 4));
    f.host.receive(std::string(31, 'x'));
    CHECK(f.module->seen.empty());
    CHECK(f.count("ignored_datagrams") == 3);
    CHECK(f.count("err_requests") == 0);
}

TEST_CASE("empty lines before a request are skipped") {
    Fixture f;
    f.host.receive("\r\n\r\n" + Request("OPTIONS").str());
    CHECK(f.module->seen == "request route done ");
}

TEST_CASE("a message that cannot be answered is counted and dropped") {
    Fixture f;
    f.host.receive("this is not SIP, but it is longer than 32 bytes\r\n\r\n");
    f.host.receive(Request("INVITE").without("Via").str());
    f.host.receive(Request("ACK").set("CSeq", "1 INVITE").str());
    CHECK(f.module->seen.empty());
    CHECK(f.host.pending() == 0);
    CHECK(f.count("err_requests") == 3);
}

TEST_CASE("a refusal repeats its To tag for a retransmission") {
    Fixture f;
    const std::string bad = Request("INVITE").header("Call-ID", "second").str();
    f.host.receive(bad);
    f.host.receive(bad);
    const std::string first = f.host.take().bytes, second = f.host.take().bytes;
    CHECK(start_line(first).starts_with("SIP/2.0 400 "));
    CHECK_FALSE(parameter(header(first, "To").value(), "tag").empty());
    CHECK(first == second);
}

TEST_CASE("more modules than words in a message end the start") {
    static constexpr std::array<const char*, 9> names{"s0", "s1", "s2", "s3", "s4",
                                                      "s5", "s6", "s7", "s8"};
    std::vector<Descriptor> many;
    for (const char* name : names) many.push_back({.name = name, .create = make_module<Spy>});
    ModuleHost host;
    for (const Descriptor& d : many) host.add(d);
    CHECK(host.try_start().error().text ==
          "module s8: prepare() threw: all 8 words of a message for modules are taken");
}
