// Requests of our own through tm's interface. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/tm/api.h"
#include "test/modules/tm/call.h"
#include "test/support/fake_finder.h"

namespace fairlead::test {
namespace {

using tm::UacRequest;

struct Heard {
    int code;
    bool local;
    std::string reply, param;
    friend bool operator==(const Heard&, const Heard&) = default;
};

/// A module that asks for requests and writes down what it is told.
class Asker final : public Module, public tm::UacListener {
public:
    tm::UacApi* uac = nullptr;
    tm::UacCallback callback = tm::UacCallback::none;
    std::vector<Heard> heard;

    Result<void> prepare(Core&) override {
        callback = uac->on_reply(*this);
        return {};
    }
    void replied(const tm::UacReply& r) override {
        heard.push_back({r.code, r.local, std::string(r.reply), std::string(r.param)});
    }
};
constexpr Need needed[] = {needs<&Asker::uac>()};
constexpr Descriptor asker{
    .name = "asker", .summary = "asks", .create = make_module<Asker>, .needs = needed};

class UacHost : public TmHost {
public:
    UacHost() { add(asker); }
    void begin() {
        start();
        user = module<Asker>("asker");
    }
    auto ask(UacRequest r) {
        r.callback = user->callback;
        return user->uac->request(r);
    }
    Asker* user = nullptr;
};

constexpr std::string_view kTo = "sip:bob@192.0.2.2";

}  // namespace

TEST_CASE("a request of our own: what is written, and its reply reaches who asked") {
    UacHost host;
    host.begin();
    const auto id = host.ask({.method = "OPTIONS",
                              .request_uri = kTo,
                              .from = "<sip:us@example.com>",
                              .headers = "Contact: <sip:me@!!>\r\nX: y\r\n",
                              .body = "hello",
                              .param = "seven"});
    REQUIRE(id);
    const std::string sent = host.next();
    CHECK(host.to == kCallee);
    CHECK(start_line(sent) == "OPTIONS sip:bob@192.0.2.2 SIP/2.0");
    CHECK(header(sent, "To") == "<sip:bob@192.0.2.2>");
    CHECK(header(sent, "From")->starts_with("<sip:us@example.com>;tag="));
    CHECK(header(sent, "CSeq") == "10 OPTIONS");
    CHECK(header(sent, "Max-Forwards") == "70");
    CHECK(header(sent, "Content-Length") == "5");
    CHECK(header(sent, "User-Agent") == "fairlead");
    CHECK(header(sent, "Contact") == "<sip:me@127.0.0.1:5060>");
    CHECK(header(sent, "X") == "y");
    CHECK(body(sent) == "hello");
    CHECK(host.user->heard.empty());
    const std::string ok = reply(sent, 200, "OK", "totag", "Y: z\r\n");
    host.receive(ok, kCallee);
    CHECK(host.user->heard == std::vector<Heard>{{200, false, ok, "seven"}});
    host.receive(ok, kCallee);  // again: absorbed
    CHECK(host.user->heard.size() == 1);
    CHECK(host.pending() == 0);
    host.advance(Ms(40000));
    CHECK(host.leaks().empty());
    CHECK(host.count("created") == 1);
    CHECK(host.count("freed") == 1);
    CHECK(host.count("active_transactions") == 0);
}

TEST_CASE("a request of our own to a name waits for it, and goes on to its next place") {
    UacHost host;
    host.begin();
    FakeFinder finder(host.net);
    finder.fails = true;
    host.engine().set_finder(finder);
    const auto id = host.ask({.method = "OPTIONS",
                              .request_uri = "sip:bob@host.example",
                              .from = "<sip:us@example.com>",
                              .headers = "Contact: <sip:me@!!>\r\n"});
    REQUIRE(id);
    CHECK(host.pending() == 0);
    REQUIRE(finder.asked.size() == 1);
    CHECK(finder.asked[1].uri == "sip:bob@host.example");
    SECTION("that is found") {
        finder.answer(1, {"sip:192.0.2.2", "sip:192.0.2.3"});
        const std::string first = host.next();
        CHECK(host.to == kCallee);
        CHECK(start_line(first) == "OPTIONS sip:bob@host.example SIP/2.0");
        CHECK(headers(first, "Via").size() == 1);
        CHECK(header(first, "Contact") == "<sip:me@127.0.0.1:5060>");
        host.answer(first, 503, "Service Unavailable");
        const std::string second = host.next();
        CHECK(host.to == "192.0.2.3:5060");
        CHECK(headers(second, "Via").size() == 1);
        CHECK(host.user->heard.empty());
        host.answer(second, 200, "OK", "totag", {}, "192.0.2.3:5060");
        REQUIRE(host.user->heard.size() == 1);
        CHECK(host.user->heard[0].code == 200);
    }
    SECTION("that is not found") {
        finder.answer(1, {});
        REQUIRE(host.user->heard.size() == 1);
        CHECK(host.user->heard[0].code == 503);
        CHECK(host.user->heard[0].local);
    }
    SECTION("nobody answers for it") {
        host.advance(Ms(33'000));
        REQUIRE(host.user->heard.size() == 1);
        CHECK(host.user->heard[0].code == 408);
    }
    host.advance(Ms(40'000));
    CHECK(host.leaks().empty());
}

TEST_CASE("the ACK of a 2xx waits for the name in its route set") {
    UacHost host;
    host.begin();
    FakeFinder finder(host.net);
    host.engine().set_finder(finder);
    REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo, .from = "<sip:us@example.com>"}));
    const std::string invite = host.next();
    host.answer(invite, 200, "OK", "totag", "Contact: <sip:bob@phone.example>\r\n");
    CHECK(host.pending() == 0);
    REQUIRE(finder.asked.size() == 1);
    finder.answer(1, {"sip:192.0.2.7:5070"});
    CHECK(host.next_line() == "ACK sip:bob@phone.example SIP/2.0");
    CHECK(host.to == "192.0.2.7:5070");
    host.advance(Ms(70'000));
    CHECK(host.leaks().empty());
}

TEST_CASE("a request of our own is repeated, and answered 408 here when nobody answers") {
    UacHost host;
    host.param("tm", "fr_timer", 3000);
    host.begin();
    REQUIRE(host.ask({.method = "MESSAGE", .request_uri = kTo, .param = "p"}));
    const std::string sent = host.next();
    host.advance(Ms(2000));
    CHECK(host.pending() == 2);  // T1 + 2*T1
    CHECK(host.next() == sent);
    host.advance(Ms(1100));
    CHECK(host.user->heard == std::vector<Heard>{{408, true, "", "p"}});
    host.advance(Ms(60000));
    CHECK(host.user->heard.size() == 1);
    CHECK(host.leaks().empty());
}

TEST_CASE("provisional replies are told when they are wanted, challenges always") {
    for (const bool wanted : {false, true}) {
        UacHost host;
        host.begin();
        REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo, .provisional = wanted}));
        const std::string sent = host.next();
        host.answer(sent, 100, "Trying");
        host.answer(sent, 183, "Progress");
        host.answer(sent, 407, "Proxy Authentication Required");
        CHECK(host.next_line().starts_with("ACK sip:bob@192.0.2.2 "));
        CHECK(host.pending() == 0);
        REQUIRE(host.user->heard.size() == (wanted ? 2 : 1));
        if (wanted) CHECK(host.user->heard.front().code == 183);
        CHECK(host.user->heard.back().code == 407);
        CHECK(start_line(host.user->heard.back().reply) ==
              "SIP/2.0 407 Proxy Authentication Required");
        host.answer(sent, 407, "Proxy Authentication Required");
        CHECK(host.next_line().starts_with("ACK "));
        host.advance(Ms(60000));
        CHECK(host.user->heard.size() == (wanted ? 2 : 1));
        CHECK(host.leaks().empty());
    }
}

TEST_CASE("a 2xx to our INVITE is acknowledged along its route set, and told once for each tag") {
    UacHost host;
    host.begin();
    REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo}));
    const std::string sent = host.next();
    const std::string_view lines =
        "Record-Route: <sip:192.0.2.9;lr>, <sip:192.0.2.8;lr>\r\nContact: <sip:b@192.0.2.7>\r\n";
    host.answer(sent, 200, "OK", "one", lines);
    const std::string ack = host.next();
    CHECK(start_line(ack) == "ACK sip:b@192.0.2.7 SIP/2.0");
    CHECK(host.to == "192.0.2.8:5060");
    CHECK(headers(ack, "Route") ==
          std::vector<std::string>{"<sip:192.0.2.8;lr>", "<sip:192.0.2.9;lr>"});
    CHECK(header(ack, "CSeq") == "10 ACK");
    CHECK(header(ack, "Max-Forwards") == "70");
    CHECK(header(ack, "To") == "<sip:bob@192.0.2.2>;tag=one");
    CHECK(parameter(*header(ack, "Via"), "branch") != parameter(*header(sent, "Via"), "branch"));
    host.answer(sent, 200, "OK", "one", lines);  // its ACK was lost
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.user->heard.size() == 1);
    host.answer(sent, 200, "OK", "two", lines);
    CHECK(host.next_line().starts_with("ACK "));
    CHECK(host.user->heard.size() == 2);
    host.advance(Ms(60000));
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("local_ack_mode: where the ACK of a 2xx goes") {
    constexpr std::string_view kWhere[] = {"192.0.2.7:5060", "192.0.2.2:5060", "192.0.2.66:5060"};
    for (int mode = 0; mode < 3; ++mode) {
        UacHost host;
        host.param("tm", "local_ack_mode", mode);
        host.begin();
        REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo}));
        const std::string sent = host.next();
        host.answer(sent, 200, "OK", "one", "Contact: <sip:b@192.0.2.7>\r\n", "192.0.2.66:5060");
        CHECK(host.next_line() == "ACK sip:b@192.0.2.7 SIP/2.0");
        CHECK(host.to == kWhere[mode]);
    }
}

TEST_CASE("dont_ack leaves the ACK to its user; it may carry a body") {
    UacHost host;
    host.begin();
    const auto id = host.ask({.method = "INVITE", .request_uri = kTo, .dont_ack = true});
    const std::string sent = host.next();
    const std::string ok = reply(sent, 200, "OK", "t", "Contact: <sip:b@192.0.2.7>\r\n");
    host.receive(ok, kCallee);
    CHECK(host.pending() == 0);
    CHECK(host.user->uac->acknowledge(*id, ok, "Content-Type: x/y\r\n", "sdp"));
    const std::string ack = host.next();
    CHECK(start_line(ack) == "ACK sip:b@192.0.2.7 SIP/2.0");
    CHECK(header(ack, "Content-Type") == "x/y");
    CHECK(body(ack) == "sdp");
    CHECK_FALSE(host.user->uac->acknowledge({id->slot, id->label + 1}, ok, {}, {}));
    CHECK_FALSE(host.user->uac->acknowledge(*id, "nonsense", {}, {}));
}

TEST_CASE("cancel of an INVITE of our own waits for a provisional reply") {
    UacHost host;
    host.begin();
    const auto id = host.ask({.method = "INVITE", .request_uri = kTo});
    const std::string sent = host.next();
    CHECK(host.user->uac->cancel(*id));
    CHECK(host.pending() == 0);
    host.answer(sent, 180, "Ringing");
    const std::string line = host.next();
    CHECK(start_line(line) == "CANCEL sip:bob@192.0.2.2 SIP/2.0");
    host.answer(line, 200, "OK");
    host.answer(sent, 487, "Request Terminated");
    CHECK(host.next_line().starts_with("ACK "));
    REQUIRE(host.user->heard.size() == 1);
    CHECK(host.user->heard.front().code == 487);
    CHECK_FALSE(host.user->uac->cancel(*id));
    const auto message = host.ask({.method = "MESSAGE", .request_uri = kTo});
    CHECK_FALSE(host.user->uac->cancel(*message));
}

TEST_CASE("nobody is told when who asked has died, unless any process will do") {
    for (const bool any : {false, true}) {
        UacHost host;
        host.begin();
        REQUIRE(host.ask({.method = "OPTIONS", .request_uri = kTo, .in_any_process = any}));
        const std::string sent = host.next();
        REQUIRE(host.engine().start({Process::Kind::worker, 1, 0, true, "worker 0"}));
        host.answer(sent, 200, "OK");
        CHECK(host.user->heard.size() == (any ? 1 : 0));
        host.advance(Ms(60000));
        CHECK(host.leaks().empty());
    }
}

TEST_CASE("event_route[tm:local-request] may send a request of our own elsewhere with $du") {
    UacHost host;
    host.load("pv");
    host.config(R"(
        request_route { exit; }
        event_route[tm:local-request] {
            if ($rU == "near") { $du = "sip:192.0.2.77:5077"; }
            if ($rU == "far") { $du = "sip:[2001:db8::7]:5078"; }
            if ($rU == "nowhere") { $du = "nonsense"; }
        })");
    host.begin();
    REQUIRE(host.ask({.method = "OPTIONS", .request_uri = "sip:near@192.0.2.2"}));
    const Packet near = host.take();
    CHECK(near.target.address.text() == "192.0.2.77:5077");
    CHECK(
        near.bytes.starts_with("OPTIONS sip:near@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1"));
    REQUIRE(
        host.ask({.method = "OPTIONS", .request_uri = "sip:far@192.0.2.2", .headers = "X: 1\r\n"}));
    const Packet far = host.take();
    CHECK(far.target.address.text() == "[2001:db8::7]:5078");
    CHECK(far.bytes.starts_with("OPTIONS sip:far@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP [::1]"));
    CHECK(far.bytes.find("\r\nX: 1\r\n") != std::string::npos);
    const auto refused = host.ask({.method = "OPTIONS", .request_uri = "sip:nowhere@192.0.2.2"});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == ScriptError::bad_uri);
    CHECK(host.pending() == 0);
}

TEST_CASE("what is tuned is in force for the next transaction, and for no earlier one") {
    UacHost host;
    host.begin();
    auto& tunables = host.engine().tunables();
    const auto set = [&](std::string_view name, Value value) {
        const auto* const entry = tunables.find("tm", name);
        REQUIRE(entry != nullptr);
        return tunables.set(*entry, value).has_value();
    };
    REQUIRE(host.ask({.method = "OPTIONS", .request_uri = kTo}));
    REQUIRE(set("fr_timer", Value(1000)));
    REQUIRE(host.ask({.method = "OPTIONS", .request_uri = kTo}));
    host.advance(Ms(2000));
    REQUIRE(host.user->heard.size() == 1);
    CHECK(host.user->heard.front().code == 408);
    host.advance(Ms(40000));
    CHECK(host.user->heard.size() == 2);
    CHECK_FALSE(set("fr_timer", Value(0)));
    CHECK_FALSE(set("fr_timer", Value(std::string_view("x"))));
    CHECK(set("default_reason", Value(std::string_view("Not today"))));
    const auto& row = *tunables.find("tm", "default_reason");
    CHECK(row.row->get(*row.object).string() == "Not today");
    CHECK(set("default_reason", Value(std::string_view("a\r\nEvil: 1"))));
    CHECK(row.row->get(*row.object).string() == "Not today");
    for (const auto& entry : tunables.all())  // each can be read and be set to what it is
        if (!entry.row->is_text) CHECK(tunables.set(entry, entry.row->get(*entry.object)));
}

TEST_CASE("event_route[tm:local-request] may change a request of our own, or drop it") {
    UacHost host;
    host.load("textops");
    host.config(R"(
        event_route[tm:local-request] {
            if (method == "MESSAGE") drop;
            append_hf("X-Seen: yes\r\n");
        }
        request_route { exit; })");
    host.begin();
    REQUIRE(host.ask({.method = "OPTIONS", .request_uri = kTo}));
    const std::string sent = host.next();
    CHECK(header(sent, "X-Seen") == "yes");
    host.answer(sent, 200, "OK");
    CHECK(host.user->heard.size() == 1);
    const auto dropped = host.ask({.method = "MESSAGE", .request_uri = kTo});
    REQUIRE_FALSE(dropped);
    CHECK(dropped.error() == ScriptError::dropped);
    CHECK(host.pending() == 0);
}

namespace {
/// Requests of our own have routes; those to alice are of no interest.
void own_routes(UacHost& host, const std::string& failure, int enabled = 1) {
    host.load("pv");
    host.load("corex");
    host.load("textops");
    host.param("tm", "enable_uac_fr", enabled);
    host.param("tm", "fr_timer", 3000);
    host.config(R"(
        request_route { exit; }
        event_route[tm:local-request] {
            $avp(kept) = "value";
            t_on_failure("F");
            t_on_reply("R");
            append_hf("X-First: yes\r\n");
        }
        onreply_route[R] {
            if ($rs == 404) $avp(kept) = $avp(kept) + " " + $rs;
            if ($rs == 183) drop;
        }
        failure_route[F] { )" +
                failure + " }");
    host.begin();
}
}  // namespace

TEST_CASE("enable_uac_fr: a request of our own that failed is relayed elsewhere") {
    UacHost host;
    own_routes(host,
               "if ($T_reply_code != 404) exit; $ru = \"sip:carol@192.0.2.3\"; "
               "append_hf(\"X-Kept: $avp(kept)\\r\\n\"); t_relay();");
    REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo, .from_tag = "f", .param = "p"}));
    const std::string first = host.next();
    host.answer(first, 404, "Not Found");
    CHECK(host.next_line() == "ACK sip:bob@192.0.2.2 SIP/2.0");
    CHECK(host.user->heard.empty());
    const std::string second = host.next();
    CHECK(host.to == "192.0.2.3:5060");
    CHECK(start_line(second) == "INVITE sip:carol@192.0.2.3 SIP/2.0");
    CHECK(headers(second, "Via").size() == 1);
    CHECK(header(second, "Via") != header(first, "Via"));
    CHECK(header(second, "From") == header(first, "From"));
    CHECK(header(second, "X-First") == "yes");
    CHECK(header(second, "X-Kept") == "value 404");
    const std::string ok = reply(second, 200, "OK", "c", "Contact: <sip:carol@192.0.2.3>\r\n");
    host.receive(ok, "192.0.2.3:5060");
    CHECK(host.next_line() == "ACK sip:carol@192.0.2.3 SIP/2.0");
    CHECK(host.user->heard == std::vector<Heard>{{200, false, ok, "p"}});
    host.advance(Ms(400000));
    CHECK(host.leaks() == "");
    CHECK(host.count("active_transactions") == 0);
}

TEST_CASE("enable_uac_fr: the failure_route decides what is told; a timeout runs it too") {
    UacHost host;
    own_routes(host, "t_reply(\"488\", \"Mine\");");
    REQUIRE(host.ask({.method = "MESSAGE", .request_uri = kTo, .param = "p"}));
    (void)host.next();
    host.advance(Ms(3100));
    CHECK(host.user->heard == std::vector<Heard>{{488, true, "", "p"}});
    REQUIRE(host.ask({.method = "MESSAGE", .request_uri = kTo, .param = "q"}));
    host.discard_sent();
    host.advance(Ms(1));
    host.advance(Ms(400000));
    CHECK(host.user->heard.size() == 2);
    CHECK(host.leaks() == "");

    UacHost silent;  // it does nothing: what came is told
    own_routes(silent, "exit;");
    REQUIRE(silent.ask({.method = "MESSAGE", .request_uri = kTo}));
    silent.answer(silent.next(), 486, "Busy Here");
    REQUIRE(silent.user->heard.size() == 1);
    CHECK(start_line(silent.user->heard.front().reply) == "SIP/2.0 486 Busy Here");
    silent.advance(Ms(400000));
    CHECK(silent.leaks() == "");
}

TEST_CASE("without enable_uac_fr a request of our own has an onreply_route alone") {
    UacHost host;
    own_routes(host, "t_reply(\"488\", \"Mine\");", 0);
    REQUIRE(host.ask({.method = "INVITE", .request_uri = kTo, .provisional = true}));
    const std::string sent = host.next();
    host.answer(sent, 183, "Progress");  // it drops this one
    host.answer(sent, 180, "Ringing");
    host.answer(sent, 404, "Not Found");
    REQUIRE(host.user->heard.size() == 2);
    CHECK(host.user->heard.front().code == 180);
    CHECK(host.user->heard.back().code == 404);
    host.advance(Ms(400000));
    CHECK(host.leaks() == "");
}

TEST_CASE("enable_uac_fr: every allocation may fail") {
    for (std::uint64_t n = 1; n <= 8; ++n) {
        UacHost host;
        own_routes(host, "$ru = \"sip:carol@192.0.2.3\"; t_relay();");
        host.segment->fail_nth(n);
        const auto asked = host.ask({.method = "MESSAGE", .request_uri = kTo});
        if (asked) host.answer(host.next(), 404, "Not Found");
        host.segment->fail_nth(0);
        if (asked && host.pending() != 0) {
            host.receive(reply(host.next(), 486, "Busy Here", "c"), "192.0.2.3:5060");
        }
        CHECK(host.user->heard.size() == (asked ? 1 : 0));
        host.discard_sent();
        host.advance(Ms(400000));
        CHECK(host.leaks() == "");
    }
}

TEST_CASE("what is no request is refused") {
    UacHost host;
    host.begin();
    const std::string huge(70000, 'x');
    const std::vector<UacRequest> wrong{
        {.method = "", .request_uri = kTo},
        {.method = "OPTIONS", .request_uri = ""},
        {.method = "OPT IONS", .request_uri = kTo},
        {.method = "ACK", .request_uri = kTo},
        {.method = "OPTIONS", .request_uri = "sip:a@192.0.2.2\r\nX: y"},
        {.method = "OPTIONS", .request_uri = kTo, .from = "<sip:a@b>\r\nX: y"},
        {.method = "OPTIONS", .request_uri = kTo, .headers = "X: y"},
        {.method = "OPTIONS", .request_uri = kTo, .headers = "X: y\r\n\r\n"},
        {.method = "OPTIONS", .request_uri = kTo, .headers = "no header\r\n"},
        {.method = "OPTIONS", .request_uri = kTo, .headers = "Call-ID: another\r\n"},
        {.method = "OPTIONS", .request_uri = kTo, .call_id = "two words"},
        {.method = "OPTIONS", .request_uri = kTo, .body = huge},
        {.method = "OPTIONS", .request_uri = kTo, .param = huge},
        {.method = "OPTIONS", .request_uri = "sip:a@no-such-host.invalid"},
        {.method = "OPTIONS", .request_uri = kTo, .socket = "udp:192.0.2.77:5060"}};
    for (const UacRequest& r : wrong) {
        CAPTURE(r.method, r.request_uri, r.headers.substr(0, 20), r.call_id);
        CHECK_FALSE(host.ask(r).has_value());
    }
    CHECK(host.pending() == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("every allocation of a request of our own may fail") {
    for (std::size_t n = 1; n < 12; ++n) {
        UacHost host;
        host.begin();
        host.segment->fail_nth(n);
        const auto id = host.ask({.method = "OPTIONS", .request_uri = kTo});
        host.segment->fail_nth(0);
        CHECK(host.pending() == (id ? 1 : 0));
        if (!id) CHECK(id.error() == ScriptError::out_of_memory);
        if (id) host.answer(host.next(), 200, "OK");
        host.advance(Ms(60000));
        CHECK(host.leaks().empty());
    }
}

TEST_CASE("a dialog: its first request, what the reply teaches, the next request, its end") {
    UacHost host;
    host.begin();
    tm::UacApi& uac = *host.user->uac;
    tm::Dialog d{.local_uri = "<sip:us@example.com>",
                 .remote_uri = "<sip:bob@example.com>",
                 .target = std::string(kTo)};
    CHECK_FALSE(uac.request_within(d, {.method = "BYE"}));
    REQUIRE(uac.request_outside(d, {.method = "INVITE", .headers = "Contact: <sip:u@!!>\r\n"}));
    const std::string invite = host.next();
    CHECK(header(invite, "Call-ID") == d.call_id);
    CHECK(header(invite, "CSeq") == "10 INVITE");
    const std::string ok = reply(invite, 200, "OK", "bob",
                                 "Record-Route: <sip:192.0.2.8>\r\nContact: <sip:b@192.0.2.7>\r\n");
    CHECK_FALSE(uac.learn(d, reply(Request("INVITE").str(), 200, "OK")));
    CHECK(uac.learn(d, ok));
    CHECK(d.state == tm::Dialog::State::confirmed);
    REQUIRE(uac.request_within(d, {.method = "BYE"}));
    const std::string bye = host.next();
    CHECK(start_line(bye) == "BYE sip:192.0.2.8 SIP/2.0");  // a strict router
    CHECK(headers(bye, "Route") == std::vector<std::string>{"<sip:b@192.0.2.7>"});
    CHECK(host.to == "192.0.2.8:5060");
    CHECK(header(bye, "CSeq") == "11 BYE");
    CHECK(header(bye, "To") == "<sip:bob@example.com>;tag=bob");
    CHECK(uac.learn(d, reply(bye, 200, "OK", "bob")));
    CHECK(d.state == tm::Dialog::State::over);
    CHECK(uac.new_call_id() != uac.new_call_id());
    CHECK(uac.new_tag() != uac.new_tag());
}

}  // namespace fairlead::test
