// The message path: hooks, routes, refusals, counters, exceptions. SPDX-License-Identifier:
// Apache-2.0
#include <catch2/catch.hpp>
#include <stdexcept>

#include "core/base/log.h"
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
    std::vector<std::string> names;
    for (std::size_t i = 0; i <= Message::kSlots; ++i) names.push_back("s" + std::to_string(i));
    std::vector<Descriptor> many;
    for (const auto& name : names) many.push_back({.name = name, .create = make_module<Spy>});
    ModuleHost host;
    for (const Descriptor& d : many) host.add(d);
    const auto started = host.try_start();
    REQUIRE_FALSE(started);
    const std::string count = std::to_string(Message::kSlots);
    CHECK(started.error().text == "module s" + count + ": prepare() threw: all " + count +
                                      " words of a message for modules are taken");
}

TEST_CASE("core:pre-routing runs before request_route and may keep a request from it") {
    Fixture f;
    RouteResult before{};
    f.host.route(Route::event, "core:pre-routing", [&](Message& m) {
        f.module->seen += m.route_type == Route::request ? "pre " : "wrong type ";
        return before;
    });
    f.host.start();
    f.host.receive(Request("OPTIONS").str());
    CHECK(f.module->seen == "request pre route done ");
    f.module->seen.clear();
    before = {.code = 0, .dropped = true, .exited = true};
    f.host.receive(Request("OPTIONS").str());
    CHECK(f.module->seen == "request pre done ");
    CHECK(f.host.statistic("core", "drop_requests") == 1);
}

TEST_CASE("core:receive-parse-error sees what could not be read, and drop keeps us silent") {
    Fixture f;
    std::string seen;
    RouteResult result{};
    f.host.route(Route::event, "core:receive-parse-error", [&](Message& m) {
        seen = m.received.source.text();
        return result;
    });
    f.host.start();
    const std::string wrong = Request("OPTIONS").header("Max-Forwards", "999").str();
    f.host.receive(wrong);
    CHECK(seen == "192.0.2.1:5060");
    CHECK(f.host.pending() == 1);
    f.host.discard_sent();
    result = {.code = 0, .dropped = true, .exited = true};
    f.host.receive(wrong);
    CHECK(f.host.pending() == 0);
}

TEST_CASE("core:msg-received runs when received_route_mode asks for it") {
    for (const bool on : {true, false}) {
        ModuleHost host;
        host.config(std::string("received_route_mode=") + (on ? "1" : "0") +
                    "\nevent_route[core:msg-received] { drop; }\n"
                    "request_route { forward(\"192.0.2.9\"); }\n");
        host.start();
        host.receive(Request("OPTIONS").str());
        CHECK(host.pending() == (on ? 0 : 1));
    }
}

TEST_CASE("core:worker-one-init runs once, in the first worker") {
    ModuleHost host;
    int runs = 0;
    host.on_request([](Message&) {});
    host.route(Route::event, "core:worker-one-init", [&](Message& m) {
        ++runs;
        CHECK(m.sip.method_text() == "OPTIONS");
        return RouteResult{};
    });
    host.start();
    CHECK(runs == 1);
    CHECK(host.engine().messages_out() == 0);
    REQUIRE(host.engine().start({Process::Kind::worker, 1, 1, false, "worker 1"}));
    REQUIRE(host.engine().start({Process::Kind::worker, 1, 0, true, "worker 0"}));
    CHECK(runs == 1);
}

TEST_CASE("log_prefix is made for each message, or for each function that is called") {
    struct Lines final : fairlead::log::Sink {
        std::vector<std::string> lines;
        void write(fairlead::log::Level, std::string_view, std::string_view,
                   std::string_view text) noexcept override {
            lines.push_back(std::string(fairlead::log::prefix()) + std::string(text));
        }
    };
    const auto logged = [](const std::string& mode) {
        ModuleHost host;
        host.config("loadmodule \"pv.so\"\nlog_prefix=\"[$rm $avp(a)] \"\n" + mode +
                    "\nrequest_route { log(\"here\"); $avp(a) = 1; log(\"there\"); }\n");
        host.start();
        Lines sink;
        fairlead::log::set_sink(&sink);
        host.receive(Request("OPTIONS").str());
        LOG(error, "after");
        fairlead::log::set_sink(nullptr);
        return sink.lines;
    };
    using Expected = std::vector<std::string>;
    const std::string first = "[OPTIONS <null>] ";
    CHECK(logged("") == Expected{first + "here", first + "there", "after"});
    CHECK(logged("log_prefix_mode=1") == Expected{first + "here", "[OPTIONS 1] there", "after"});
}

namespace {

/// Turns "wire" into "host" on the way in and back on the way out; drops what says "drop".
class Scrambler final : public NetFilter {
public:
    std::string_view arrived(std::string_view bytes, const Received&) noexcept override {
        return in_ = changed(bytes, "wire", "host");
    }
    std::string_view leaves(std::string_view bytes, const Target&) noexcept override {
        return out_ = changed(bytes, "host", "wire");
    }

private:
    static std::string changed(std::string_view bytes, std::string_view what,
                               std::string_view with) {
        std::string text(bytes);
        if (text.find("drop") != std::string::npos) return {};
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;)
            text.replace(at, what.size(), with);
        return text;
    }
    std::string in_, out_;
};

}  // namespace

TEST_CASE("a filter stands between the network and the server, in both directions") {
    ModuleHost host;
    Scrambler filter;
    std::string seen;
    host.on_request([&](Message& m) {
        seen = m.sip.request_uri();
        (void)host.engine().forward(m);
    });
    host.start();
    host.engine().net().set_filter(&filter);
    host.receive(Request("OPTIONS", "sip:wire@192.0.2.2").str());
    CHECK(seen == "sip:host@192.0.2.2");
    CHECK(start_line(host.take().bytes) == "OPTIONS sip:wire@192.0.2.2 SIP/2.0");
    seen.clear();
    host.receive(Request("OPTIONS", "sip:drop@192.0.2.2").str());
    CHECK(seen.empty());
}

TEST_CASE("what a filter drops on the way out was sent, as far as anybody knows") {
    ModuleHost host;
    Scrambler filter;
    ScriptError error = ScriptError::unspecified;
    host.on_request([&](Message& m) {
        m.target.uri = "sip:drop@192.0.2.2";
        error = host.engine().forward(m);
    });
    host.start();
    host.engine().net().set_filter(&filter);
    host.receive(Request("OPTIONS").str());
    CHECK(error == ScriptError::none);
    CHECK(host.pending() == 0);
}

TEST_CASE("a domain is ours with all names below it") {
    ModuleHost host;
    host.start();
    Net& net = host.engine().net();
    net.add_domain("example.com", 0, Proto::none);
    net.add_domain("Other.Example", 5070, Proto::udp);
    CHECK(net.is_myself("example.com", 5060, Proto::udp));
    CHECK(net.is_myself("a.b.EXAMPLE.com", 99, Proto::tcp));
    CHECK_FALSE(net.is_myself("anexample.com", 0, Proto::none));
    CHECK_FALSE(net.is_myself("com", 0, Proto::none));
    CHECK_FALSE(net.is_myself("", 0, Proto::none));
    CHECK(net.is_myself("x.other.example", 5070, Proto::udp));
    CHECK(net.is_myself("x.other.example", 0, Proto::none));
    CHECK_FALSE(net.is_myself("x.other.example", 5060, Proto::udp));
    CHECK_FALSE(net.is_myself("x.other.example", 5070, Proto::tcp));
}

TEST_CASE("local_rport asks for rport in our Via, force_rport acts as if the sender had") {
    const bool on = GENERATE(true, false);
    ModuleHost host;
    host.globals.local_rport = host.globals.force_rport = on;
    host.on_request([&](Message& m) { (void)host.engine().forward(m); });
    host.start();
    host.receive(Request("OPTIONS").str(), "192.0.2.1:7777");
    const auto vias = headers(host.take().bytes, "Via");
    REQUIRE(vias.size() == 2);
    CHECK(vias[0].ends_with(";rport") == on);
    CHECK((vias[1].find(";rport=7777") != std::string::npos) == on);
}

TEST_CASE("with force_rport the server's own replies go to the port they came from") {
    const bool on = GENERATE(true, false);
    ModuleHost host;
    host.globals.force_rport = host.globals.sip_warning = on;
    host.on_request([&](Message&) -> void { throw std::runtime_error("script"); });
    host.start();
    host.receive(Request("OPTIONS").str(), "192.0.2.1:7777");
    const Packet reply = host.take();
    CHECK(start_line(reply.bytes) == "SIP/2.0 500 Server Internal Error");
    CHECK(reply.target.address.port == (on ? 7777 : 5060));
    CHECK(headers(reply.bytes, "Warning").size() == (on ? 1U : 0U));
}
