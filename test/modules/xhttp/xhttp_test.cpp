// xhttp: which HTTP requests come to the script, and what it answers on the wire.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

/// One connection, number 7, on a TCP listener; the route does what the test says.
struct Web : ModuleHost {
    Web() {
        load("xhttp");
        globals.server_header = "";
        net.listen("tcp:127.0.0.1:8080");
        route(Route::event, "xhttp:request", [this](Message& m) {
            url = variable(m, "hu").string();
            said = on_request(m);
            return RouteResult{};
        });
    }
    /// What goes back on the connection; closed_after tells whether it ends.
    std::string answer(std::string_view request) {
        Received from;
        from.source = address("192.0.2.1:40000");
        from.local = net.listeners()[0].address;
        from.proto = Proto::tcp;
        from.connection = 7;
        from.is_http = true;
        engine().receive(request, from);
        if (pending() == 0) return {};
        const Packet p = take();
        CHECK(p.target.connection == 7);
        CHECK(p.target.no_connect);
        closed_after = p.target.close_after;
        CHECK(pending() == 0);
        return p.bytes;
    }
    std::string get(std::string_view target) {
        return answer("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    int reply(Message& m, int code, std::string_view reason, std::string_view type,
              std::string_view body) {
        return call(m, "xhttp_reply", {code, reason, type, body});
    }

    std::function<int(Message&)> on_request = [this](Message& m) {
        return reply(m, 200, "Fine", "text/plain", "hello");
    };
    std::string url;
    int said = 0;
    bool closed_after = false;
};

}  // namespace

TEST_CASE("xhttp_reply writes status line, header fields and body") {
    Web web;
    web.on_request = [&](Message& m) {
        m.append_to_reply("X-Mine: 1\r\n");
        return web.reply(m, 200, "Fine", "text/plain", "hello");
    };
    web.globals.server_header = "Server: s\r\n";
    web.start();
    CHECK(web.get("/path?query") ==
          "HTTP/1.1 200 Fine\r\nX-Mine: 1\r\nContent-Type: text/plain\r\nServer: s\r\n"
          "Content-Length: 5\r\n\r\nhello");
    CHECK(web.said == 1);
    CHECK(web.url == "/path?query");
    CHECK_FALSE(web.closed_after);
    CHECK(web.statistic("xhttp", "requests") == 1);
}

TEST_CASE("content type and body may be left out") {
    Web web;
    web.on_request = [&](Message& m) { return web.reply(m, 404, "No", "", ""); };
    web.start();
    CHECK(web.get("/") == "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("an answer has the version of its request, and a connection may end behind it") {
    Web web;
    web.start();
    CHECK(web.answer("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 Fine\r\n"));
    CHECK(web.closed_after);
    CHECK(web.answer("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
              .starts_with("HTTP/1.1 200 Fine\r\n"));
    CHECK(web.closed_after);
}

TEST_CASE("a reason ends its line, whatever it says") {
    Web web;
    web.on_request = [&](Message& m) { return web.reply(m, 200, "Fine\r\nX: y", "", ""); };
    web.start();
    CHECK(web.get("/") == "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n");
}

// RFC 9110 6.4.1, 8.6: what followed would be taken for the next answer.
TEST_CASE("an answer that cannot have a body has none") {
    Web web;
    int code = 204;
    web.on_request = [&](Message& m) { return web.reply(m, code, "R", "", "hello"); };
    web.start();
    CHECK(web.get("/") == "HTTP/1.1 204 R\r\n\r\n");
    code = 304;
    CHECK(web.get("/") == "HTTP/1.1 304 R\r\n\r\n");
    code = 200;
    CHECK(web.answer("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n") ==
          "HTTP/1.1 200 R\r\nContent-Length: 5\r\n\r\n");
}

TEST_CASE("a status that is none is not written") {
    for (const int code : {-1, 0, 99, 700, 2000}) {
        Web web;
        web.on_request = [&](Message& m) { return web.reply(m, code, "R", "", ""); };
        web.start();
        CHECK(web.get("/") == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        CHECK(web.said == -1);
        CHECK(web.closed_after);
    }
}

TEST_CASE("xhttp_reply says when its answer does not leave") {
    Web web;
    web.net.verdict = Sent::too_big;
    web.start();
    CHECK(web.get("/").empty());
    CHECK(web.said == -1);
}

TEST_CASE("xhttp_reply and $hu are for HTTP") {
    Web web;
    int said = 0;
    bool has_url = true;
    web.ModuleHost::on_request([&](Message& m) {
        said = web.reply(m, 200, "Fine", "", "");
        has_url = !web.variable(m, "hu").is_null();
    });
    web.start();
    web.receive(Request("OPTIONS").str());
    CHECK(said == -1);
    CHECK_FALSE(has_url);
    CHECK(web.pending() == 0);
    CHECK(web.statistic("xhttp", "requests") == 0);
}

TEST_CASE("url_skip and url_match choose what comes to the script") {
    Web web;
    web.param("xhttp", "url_skip", "^/private"sv);
    web.param("xhttp", "url_match", "^/p"sv);
    web.start();
    CHECK(web.get("/public").starts_with("HTTP/1.1 200 "));
    for (const std::string_view target : {"/private/x"sv, "/other"sv}) {
        web.said = 0;
        CHECK(web.get(target).starts_with("HTTP/1.1 404 "));
        CHECK(web.said == 0);
    }
    CHECK(web.statistic("xhttp", "requests") == 3);
}

TEST_CASE("without a route every request is answered 404") {
    ModuleHost host;
    host.load("xhttp");
    host.net.listen("tcp:127.0.0.1:8080");
    host.start();
    Received from;
    from.source = address("192.0.2.1:40000");
    from.proto = Proto::tcp;
    from.connection = 7;
    from.is_http = true;
    host.engine().receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n", from);
    CHECK(start_line(host.take().bytes) == "HTTP/1.1 404 Not Found");
}

TEST_CASE("a parameter that is no regular expression ends the start") {
    for (const std::string_view name : {"url_skip"sv, "url_match"sv}) {
        Web web;
        web.param("xhttp", name, "("sv);
        const auto started = web.try_start();
        REQUIRE_FALSE(started);
        CHECK(started.error().str().find(name) != std::string::npos);
    }
}
