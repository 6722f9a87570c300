// rr: what record_route and its kin write.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

using Lines = std::vector<std::string>;

Request invite(std::string_view uri = "sip:bob@192.0.2.2") {
    return Request("INVITE", uri).from_tag("ft1");
}

/// The Record-Route lines after `record_route(params)`.
Lines recorded(OneRequest& server, const Request& request, Value params = {}) {
    return headers(
        server.run(request, [&](Message& m) { server.call(m, "record_route", {params}); }),
        "Record-Route");
}

}  // namespace

TEST_CASE("record_route writes our address, lr and the caller's tag") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    CHECK(recorded(server, invite()) == Lines{"<sip:127.0.0.1:5070;lr;ftag=ft1>"});
    CHECK(recorded(server, invite(), ";x=y"sv) == Lines{"<sip:127.0.0.1:5070;lr;ftag=ft1;x=y>"});
    CHECK(recorded(server, invite("sips:bob@192.0.2.2")) ==
          Lines{"<sips:127.0.0.1:5070;lr;ftag=ft1>"});
}

TEST_CASE("the default port is left out, an IPv6 address has brackets") {
    ModuleHost server;
    server.load("rr");
    server.net.listen("udp:[::1]:5060");
    server.on_request([&](Message& m) {
        server.call(m, "record_route", {Value()});
        m.target.dst_uri = "sip:[2001:db8::7]";
        server.engine().forward(m);
    });
    server.start();
    server.receive(invite().str(), "[2001:db8::9]:5060");
    CHECK(header(server.take().bytes, "Record-Route") == "<sip:[::1];lr;ftag=ft1>");
}

TEST_CASE("it stands above what others recorded") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    CHECK(recorded(server, invite().header("Record-Route", "<sip:o;lr>")) ==
          Lines{"<sip:127.0.0.1:5070;lr;ftag=ft1>", "<sip:o;lr>"});
}

TEST_CASE("the parameters of the module change the form") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    std::string expected;
    SECTION("enable_full_lr") {
        server.param("rr", "enable_full_lr", 1);
        expected = "<sip:127.0.0.1:5070;lr=on;ftag=ft1>";
    }
    SECTION("append_fromtag") {
        server.param("rr", "append_fromtag", 0);
        expected = "<sip:127.0.0.1:5070;lr>";
    }
    SECTION("add_username") {
        server.param("rr", "add_username", 1);
        expected = "<sip:bob@127.0.0.1:5070;lr;ftag=ft1>";
    }
    SECTION("ignore_sips") {
        server.param("rr", "ignore_sips", 1);
        expected = "<sip:127.0.0.1:5070;lr;ftag=ft1>";
    }
    server.start();
    const bool sips = expected.starts_with("<sip:127.0.0.1:5070;lr;");
    CHECK(recorded(server, invite(sips ? "sips:bob@192.0.2.2" : "sip:bob@192.0.2.2")) ==
          Lines{expected});
}

TEST_CASE("a request that crosses from one socket to another is recorded twice") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5060");
    server.net.listen("udp:127.0.0.1:5070");
    int doubled = 1;
    SECTION("by default") {}
    SECTION("not when that is turned off") {
        server.param("rr", "enable_double_rr", 0);
        doubled = 0;
    }
    server.start();
    const auto crossing = [&](bool crosses) {
        return headers(server.run(invite(),
                                  [&](Message& m) {
                                      server.call(m, "record_route", {Value()});
                                      if (crosses) m.target.listener = 1;  // decided afterwards
                                      server.call(m, "add_rr_param", {";b=2"sv});
                                  }),
                       "Record-Route");
    };
    CHECK(crossing(false) == Lines{"<sip:127.0.0.1;lr;ftag=ft1;b=2>"});
    CHECK(crossing(true) == (doubled != 0 ? Lines{"<sip:127.0.0.1:5070;r2=on;lr;ftag=ft1;b=2>",
                                                  "<sip:127.0.0.1;r2=on;lr;ftag=ft1;b=2>"}
                                          : Lines{"<sip:127.0.0.1;lr;ftag=ft1;b=2>"}));
}

TEST_CASE("enable_double_rr 2 always records twice") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.param("rr", "enable_double_rr", 2);
    server.start();
    CHECK(recorded(server, invite()) == Lines{"<sip:127.0.0.1:5070;r2=on;lr;ftag=ft1>",
                                              "<sip:127.0.0.1:5070;r2=on;lr;ftag=ft1>"});
}

TEST_CASE("add_rr_param works before and after") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    const std::string out = server.run(invite(), [&](Message& m) {
        CHECK(server.call(m, "add_rr_param", {";a=1"sv}) == 1);
        server.call(m, "record_route", {";x=y"sv});
        CHECK(server.call(m, "add_rr_param", {";b=2"sv}) == 1);
        CHECK(server.call(m, "add_rr_param", {"c=3"sv}) == -1);
    });
    CHECK(header(out, "Record-Route") == "<sip:127.0.0.1:5070;lr;ftag=ft1;x=y;a=1;b=2>");
}

TEST_CASE("a request is recorded once, until that is taken back") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    std::string out = server.run(invite(), [&](Message& m) {
        CHECK(server.call(m, "record_route", {Value()}) == 1);
        CHECK(server.call(m, "record_route", {Value()}) == -1);
    });
    CHECK(headers(out, "Record-Route").size() == 1);
    out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route", {Value()});
        CHECK(server.call(m, "remove_record_route") == 1);
    });
    CHECK(headers(out, "Record-Route").empty());
    out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route", {Value()});
        server.call(m, "remove_record_route");
        CHECK(server.call(m, "record_route", {";again"sv}) == 1);
    });
    CHECK(headers(out, "Record-Route") == Lines{"<sip:127.0.0.1:5070;lr;ftag=ft1;again>"});
}

TEST_CASE("addresses that the script gives") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    std::string out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route_preset", {"1.2.3.4:5090;foo"sv, Value()});
        server.call(m, "add_rr_param", {";b=2"sv});
    });
    CHECK(header(out, "Record-Route") == "<sip:1.2.3.4:5090;foo;ftag=ft1;lr;b=2>");
    out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route_preset", {"1.2.3.4:5090;r2=on"sv, "5.6.7.8;r2=on"sv});
    });
    CHECK(headers(out, "Record-Route") ==
          Lines{"<sip:1.2.3.4:5090;r2=on;ftag=ft1;lr>", "<sip:5.6.7.8;r2=on;ftag=ft1;lr>"});
    out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route_advertised_address", {"1.2.3.4:5080"sv});
    });
    CHECK(header(out, "Record-Route") == "<sip:1.2.3.4:5080;ftag=ft1;lr>");
}

TEST_CASE("upstream requests carry the tag of who began the dialog") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    const std::string out =
        server.run(invite().to_tag("caller").header("Route", "<sip:127.0.0.1:5070;lr;ftag=caller>"),
                   [&](Message& m) {
                       server.call(m, "loose_route");
                       server.call(m, "record_route", {Value()});
                   });
    CHECK(header(out, "Record-Route") == "<sip:127.0.0.1:5070;lr;ftag=caller>");
}

TEST_CASE("custom_user_avp gives the user, else the Request-URI does") {
    ModuleHost server;
    server.net.listen("udp:127.0.0.1:5070");
    server.config(R"cfg(loadmodule "pv"
loadmodule "rr"
modparam("rr", "add_username", 1)
modparam("rr", "custom_user_avp", "$avp(own)")
request_route {
    if ($rU == "custom") $avp(own) = "mo";
    record_route();
    $du = "sip:192.0.2.99";
    forward();
})cfg");
    server.start();
    server.receive(invite("sip:custom@192.0.2.2").str());
    CHECK(header(server.take().bytes, "Record-Route") == "<sip:mo@127.0.0.1:5070;lr;ftag=ft1>");
    server.receive(invite().str());
    CHECK(header(server.take().bytes, "Record-Route") == "<sip:bob@127.0.0.1:5070;lr;ftag=ft1>");
}

TEST_CASE("sockname_mode writes the names of the sockets") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070", "first");
    server.net.listen("udp:127.0.0.1:5071", "second");
    server.param("rr", "sockname_mode", 1);
    server.start();
    CHECK(recorded(server, invite()) == Lines{"<sip:127.0.0.1:5070;sn=first;lr;ftag=ft1>"});
    const std::string out = server.run(invite(), [&](Message& m) {
        server.call(m, "record_route", {Value()});
        m.target.listener = 1;
    });
    CHECK(headers(out, "Record-Route") == Lines{"<sip:127.0.0.1:5071;sn=second;r2=on;lr;ftag=ft1>",
                                                "<sip:127.0.0.1:5070;sn=first;r2=on;lr;ftag=ft1>"});
}

TEST_CASE("an advertised address is recorded twice when that is wanted") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.param("rr", "enable_double_rr", 2);
    server.start();
    const std::string out = server.run(invite(), [&](Message& m) {
        CHECK(server.call(m, "record_route_advertised_address", {"1.2.3.4:5080"sv}) == 1);
        CHECK(server.call(m, "record_route_advertised_address", {"1.2.3.4:5080"sv}) == -1);
    });
    CHECK(headers(out, "Record-Route") ==
          Lines{"<sip:1.2.3.4:5080;transport=udp;r2=on;ftag=ft1;lr>",
                "<sip:1.2.3.4:5080;transport=udp;r2=on;ftag=ft1;lr>"});
}
