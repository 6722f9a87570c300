// sl: replies without state, their To-tags, absorbed ACKs, redirections and counters.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/sl/tag.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

struct Server : ModuleHost {
    explicit Server(std::function<void(ModuleHost&, Message&)> body) {
        load("sl");
        on_request([this, body = std::move(body)](Message& m) { body(*this, m); });
    }
    /// What is sent back for a request; "" for nothing.
    std::string answer(const Request& request, std::string_view from = "192.0.2.1:5060") {
        receive(request.str(), from);
        return pending() != 0 ? take().bytes : std::string();
    }
    std::int64_t stat(std::string_view name) const { return statistic("sl", name); }
};

void reply_404(ModuleHost& host, Message& m) {
    host.call(m, "sl_send_reply", {404, "Nope"sv});
}

std::string to_tag(std::string_view message) {
    return parameter(header(message, "To").value_or(""), "tag");
}

}  // namespace

TEST_CASE("a checksum is CRC-16/X-25 with the low digit first") {
    // "123456789" is the usual check value: 0x906e.
    const auto digits = sl::checksum("123", "456", "789");
    CHECK(std::string_view(digits.data(), digits.size()) == "e609");
}

TEST_CASE("the checksums are those that Kamailio's tags carry") {
    sip::Message m;
    const std::string text = Request("OPTIONS")
                                 .via("SIP/2.0/UDP 127.0.0.1:16999;branch=z9hG4bKabc")
                                 .call_id("cid1")
                                 .str();
    REQUIRE_FALSE(m.parse(text));
    const auto tag = sl::Tag("KAMAILIO-stateless127.0.0.116060").make(m);
    CHECK(std::string_view(tag.data(), tag.size()) == "d1b2b04e113e84363a1a950e89af00ec.899038c6");
}

TEST_CASE("a reply copies what identifies the request and adds a tag of 41 characters") {
    Server server(reply_404);
    server.globals.server_header = "Server: test\r\n";
    server.start();
    const std::string got = server.answer(Request("OPTIONS").call_id("c7").cseq(7));
    CHECK(start_line(got) == "SIP/2.0 404 Nope");
    CHECK(header(got, "Call-ID") == "c7");
    CHECK(header(got, "CSeq") == "7 OPTIONS");
    CHECK(header(got, "Server") == "test");
    CHECK(header(got, "Content-Length") == "0");
    CHECK(to_tag(got).size() == sl::Tag::kSize);
    CHECK(to_tag(got)[32] == '.');
}

TEST_CASE("100 carries no tag of ours, 180 does") {
    int code = 100;
    Server server([&](ModuleHost& host, Message& m) { host.call(m, "sl_reply", {code, "x"sv}); });
    server.start();
    CHECK(to_tag(server.answer(Request("INVITE"))).empty());
    code = 180;
    CHECK_FALSE(to_tag(server.answer(Request("INVITE"))).empty());
}

TEST_CASE("a tag in the request's To is kept") {
    Server server(reply_404);
    server.start();
    CHECK(to_tag(server.answer(Request("BYE").to_tag("theirs"))) == "theirs");
}

TEST_CASE("a reply goes to where the Via and rport say") {
    Server server(reply_404);
    server.start();
    server.receive(Request("OPTIONS").via("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1").str(),
                   "192.0.2.1:40000");
    CHECK(server.take().target.address == address("192.0.2.1:5070"));

    server.receive(Request("OPTIONS").via("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1").str(),
                   "192.0.2.1:40000");
    const Packet packet = server.take();
    CHECK(packet.target.address == address("192.0.2.1:40000"));
    const std::string via = header(packet.bytes, "Via").value_or("");
    CHECK(parameter(via, "rport") == "40000");
    CHECK(parameter(via, "received") == "192.0.2.1");
}

TEST_CASE("an ACK is never answered") {
    int code = 0;
    Server server(
        [&](ModuleHost& host, Message& m) { code = host.call(m, "sl_send_reply", {404, "x"sv}); });
    server.start();
    CHECK(server.answer(Request("ACK")).empty());
    CHECK(code == -1);
    CHECK(server.stat("failures") == 1);
    CHECK(server.stat("sent_replies") == 0);
}

TEST_CASE("the ACK for our own reply is absorbed, and no other") {
    int runs = 0;
    Server server([&](ModuleHost& host, Message& m) {
        ++runs;
        if (m.sip.method() != sip::Method::ack) reply_404(host, m);
    });
    int filtered = 0;
    server.route(Route::event, "sl:filtered-ack", [&](Message&) {
        ++filtered;
        return RouteResult{};
    });
    server.start();
    const Request invite = Request("INVITE").branch("z9hG4bKa").call_id("c1");
    const std::string negative = server.answer(invite);
    REQUIRE(runs == 1);

    server.receive(ack(invite.str(), negative));
    CHECK(runs == 1);
    CHECK(filtered == 1);
    CHECK(server.stat("received_ACKs") == 1);

    SECTION("another branch is another transaction") {
        server.receive(
            Request("ACK").branch("z9hG4bKb").call_id("c1").to_tag(to_tag(negative)).str());
        CHECK(runs == 2);
    }
    SECTION("another tag belongs to another server") {
        server.receive(Request("ACK").branch("z9hG4bKa").call_id("c1").to_tag("theirs").str());
        CHECK(runs == 2);
    }
    SECTION("the last ACK of the window is absorbed, later ones are let through") {
        server.advance(Ms(1990));
        server.receive(ack(invite.str(), negative));
        CHECK(runs == 1);
        server.advance(Ms(150));
        server.receive(ack(invite.str(), negative));
        CHECK(runs == 2);
        CHECK(server.stat("received_ACKs") == 2);
    }
}

TEST_CASE("a redirection lists the changed Request-URI and the branches") {
    bool change = false, branch = false;
    Server server([&](ModuleHost& host, Message& m) {
        if (change) m.target.uri = "sip:new@x.example";
        if (branch) {
            m.append_branch({.uri = "sip:a@192.0.2.8", .q = 500});
            m.append_branch({.uri = "sip:b@192.0.2.9"});
            m.append_branch({.uri = "sip:c@192.0.2.9", .q = 1000});
            m.append_branch({.uri = "sip:d@192.0.2.9", .q = 250});
        }
        host.call(m, "sl_send_reply", {302, "Moved"sv});
    });
    server.start();
    CHECK_FALSE(header(server.answer(Request("INVITE")), "Contact"));
    branch = true;
    CHECK(header(server.answer(Request("INVITE")), "Contact") ==
          "<sip:a@192.0.2.8>;q=0.5, <sip:b@192.0.2.9>, <sip:c@192.0.2.9>;q=1, "
          "<sip:d@192.0.2.9>;q=0.25");
    change = true;
    branch = false;
    CHECK(header(server.answer(Request("INVITE")), "Contact") == "<sip:new@x.example>");
}

TEST_CASE("rich_redirect adds flags and Path") {
    Server server([](ModuleHost& host, Message& m) {
        m.append_branch({.uri = "sip:a@192.0.2.8", .path = "<sip:p@q;lr>", .q = 500, .flags = 8});
        host.call(m, "sl_send_reply", {300, "Many"sv});
    });
    server.param("sl", "rich_redirect", 3);
    server.start();
    CHECK(header(server.answer(Request("INVITE")), "Contact") ==
          "<sip:a@192.0.2.8?Route=%3csip:p%40q%3blr%3e>;q=0.5;flags=8");
}

TEST_CASE("other replies list no destinations") {
    Server server([](ModuleHost& host, Message& m) {
        m.target.uri = "sip:new@x.example";
        reply_404(host, m);
    });
    server.start();
    CHECK_FALSE(header(server.answer(Request("INVITE")), "Contact"));
}

TEST_CASE("a Contact that would be too long is left out") {
    Server server([](ModuleHost& host, Message& m) {
        const std::string uri = "sip:" + std::string(5000, 'a') + "@192.0.2.8";
        m.append_branch({.uri = m.arena.copy(uri)});
        host.call(m, "sl_send_reply", {302, "Moved"sv});
    });
    server.start();
    const std::string got = server.answer(Request("INVITE"));
    CHECK(start_line(got) == "SIP/2.0 302 Moved");
    CHECK_FALSE(header(got, "Contact"));
}

TEST_CASE("headers and body that the script prepared are part of the reply") {
    Server server([](ModuleHost& host, Message& m) {
        m.append_to_reply("X-A: 1\r\n");
        m.reply_body = "hello";
        m.reply_content_type = "text/plain";
        host.call(m, "sl_send_reply", {183, "x"sv});
    });
    server.start();
    const std::string got = server.answer(Request("INVITE"));
    CHECK(header(got, "X-A") == "1");
    CHECK(header(got, "Content-Type") == "text/plain");
    CHECK(header(got, "Content-Length") == "5");
    CHECK(body(got) == "hello");
}

TEST_CASE("default_code answers for what is no status code, default_reason for what is no text") {
    Value code, reason = "X"sv;
    Server server(
        [&](ModuleHost& host, Message& m) { host.call(m, "sl_send_reply", {code, reason}); });
    server.param("sl", "default_code", 505);
    server.param("sl", "default_reason", std::string_view("By default"));
    server.start();
    code = "404"sv;  // a variable that holds text, even of digits
    CHECK(start_line(server.answer(Request("OPTIONS"))) == "SIP/2.0 505 X");
    code = 99;
    CHECK(start_line(server.answer(Request("OPTIONS"))) == "SIP/2.0 505 X");
    code = 404;
    reason = Value();
    CHECK(start_line(server.answer(Request("OPTIONS"))) == "SIP/2.0 404 By default");
}

TEST_CASE("sl_reply_error says what the last error was") {
    ScriptError error = ScriptError::bad_address;
    Server server([&](ModuleHost& host, Message& m) {
        m.error = error;
        host.call(m, "sl_reply_error");
    });
    server.start();
    CHECK(start_line(server.answer(Request("OPTIONS"))) ==
          "SIP/2.0 478 Unresolvable destination (478/SL)");
    error = ScriptError::none;
    CHECK(start_line(server.answer(Request("OPTIONS"))) ==
          "SIP/2.0 500 I'm terribly sorry, server error occurred (1/SL)");
    CHECK(server.stat("sent_err_replies") == 2);
}

TEST_CASE("every reply is counted once under its code or class, and in all") {
    int code = 0;
    Server server(
        [&](ModuleHost& host, Message& m) { host.call(m, "sl_send_reply", {code, "x"sv}); });
    server.start();
    const std::pair<int, const char*> expected[] = {
        {100, "1xx"}, {200, "200"}, {202, "202"}, {204, "2xx"}, {300, "300"},
        {301, "301"}, {302, "302"}, {305, "3xx"}, {400, "400"}, {401, "401"},
        {403, "403"}, {404, "404"}, {407, "407"}, {408, "408"}, {483, "483"},
        {486, "4xx"}, {500, "500"}, {503, "5xx"}, {603, "6xx"}, {700, "xxx"}};
    std::int64_t sent = 0;
    for (const auto& [status, name] : expected) {
        code = status;
        server.receive(Request("OPTIONS").str());
        INFO(name);
        CHECK(server.stat(std::string(name) + "_replies") == 1);
        CHECK(server.stat("sent_replies") == ++sent);
    }
    CHECK(server.stat("failures") == 0);
}

TEST_CASE("what cannot be sent is a failure, also when that shows later") {
    int code = 0;
    Server server(
        [&](ModuleHost& host, Message& m) { code = host.call(m, "sl_send_reply", {404, "x"sv}); });
    server.start();
    server.net.verdict = Sent::queue_full;
    server.receive(Request("OPTIONS").str());
    CHECK(code == -1);
    CHECK(server.stat("failures") == 1);
    CHECK(server.stat("404_replies") == 0);

    server.net.verdict = Sent::queued;
    server.receive(Request("OPTIONS").str());
    CHECK(code == 1);
    server.fail(server.take());
    CHECK(server.stat("failures") == 2);
}

TEST_CASE("event_route[sl:local-response] sees the reply") {
    Server server(reply_404);
    std::string seen;
    server.route(Route::event, "sl:local-response", [&](Message& m) {
        seen = std::to_string(m.sip.status()) + " " + std::string(m.sip.reason()) + " " +
               std::string(m.sip.method_text());
        return RouteResult{};
    });
    server.start();
    server.answer(Request("OPTIONS"));
    CHECK(seen == "404 Nope OPTIONS");
    CHECK(server.leaks().empty());
}

TEST_CASE("$ltt(s) is the tag of the reply") {
    std::string ltt, auto_ltt;
    Server server([&](ModuleHost& host, Message& m) {
        ltt = host.variable(m, "ltt", "s").string();
        auto_ltt = host.variable(m, "ltt", "x").string();
        CHECK(host.variable(m, "ltt", "t").is_null());
        reply_404(host, m);
    });
    server.start();
    CHECK(to_tag(server.answer(Request("OPTIONS"))) == ltt);
    CHECK(ltt == auto_ltt);
}

TEST_CASE("sip_warning: a reply says what the server saw") {
    Server server([](ModuleHost& host, Message& m) {
        m.target.uri = "sip:other@192.0.2.9";
        reply_404(host, m);
    });
    server.globals.sip_warning = true;
    server.start();
    const std::string reply = server.answer(Request("OPTIONS", "sip:bob@192.0.2.2"));
    const std::string warning = header(reply, "Warning").value_or("");
    CHECK(warning.starts_with("392 127.0.0.1:5060 \"Noisy feedback tells:  pid="));
    CHECK(
        warning.ends_with(" req_src_ip=192.0.2.1 req_src_port=5060 in_uri=sip:bob@192.0.2.2 "
                          "out_uri=sip:other@192.0.2.9 via_cnt==1\""));
}
