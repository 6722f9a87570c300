// corex: what passes between the network and the server, our Via, domains that are ours.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kModules =
    "loadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule \"sl\"\nloadmodule \"corex\"\n";

struct Server : ModuleHost {
    explicit Server(const std::string& rest) {
        net.listen("udp:127.0.0.1:5060", "inside");
        net.listen("udp:127.0.0.1:5070");
        globals.server_id = 7;
        globals.xavp_via_params = "params";
        globals.xavp_via_fields = "fields";
        config(std::string(kModules) + rest);
        start();
    }
    /// The topmost Via of what is forwarded.
    std::string via(const Request& request = Request("OPTIONS")) {
        receive(request.str());
        return pending() == 0 ? "" : headers(take().bytes, "Via").at(0);
    }
};

std::string intercept(std::string_view event, std::string_view request = "forward();",
                      std::string_view more = {}) {
    return "modparam(\"corex\", \"nio_intercept\", 1)\n"
           "modparam(\"corex\", \"nio_msg_avp\", \"$avp(msg)\")\n" +
           std::string(more) + "event_route[network:msg] { " + std::string(event) +
           " }\nrequest_route { " + std::string(request) + " }\n";
}

/// Behind the branch, whose value nobody can know.
std::string behind_branch(const std::string& via) {
    const std::size_t at = via.find(';', via.find("branch="));
    return at == std::string::npos ? "" : via.substr(at);
}

}  // namespace

TEST_CASE("event_route[network:msg] changes what comes and what leaves") {
    Server server(
        intercept("if (is_incoming()) { $avp(msg) = $(mb{s.replace,wire,host}); }"
                  " else { $avp(msg) = $(mb{s.replace,host,wire}); }",
                  "if ($rU == \"host\" && is_incoming()) { forward(); }"));
    server.receive(Request("OPTIONS", "sip:wire@192.0.2.2").str());
    REQUIRE(server.pending() == 1);
    CHECK(start_line(server.take().bytes) == "OPTIONS sip:wire@192.0.2.2 SIP/2.0");
}

TEST_CASE("what becomes SIP only there is a request like any other") {
    Server server(intercept("if (is_incoming()) { $avp(msg) = $(mb{s.decode.base64}); }",
                            "sl_send_reply(\"200\", \"OK\");"));
    const std::string request = Request("OPTIONS").str();
    Server encoder("request_route { send_data(\"sip:192.0.2.2\", \"$(mb{s.encode.base64})\"); }");
    encoder.receive(request);
    server.receive(encoder.take().bytes);
    REQUIRE(server.pending() == 1);
    CHECK(start_line(server.take().bytes) == "SIP/2.0 200 OK");
}

TEST_CASE("without value, below the length, or without nio_intercept nothing is changed") {
    const Request request("OPTIONS", "sip:bob@192.0.2.2");
    const auto forwarded = [&](const std::string& config) {
        Server server(config);
        server.receive(request.str());
        return server.pending() == 1 &&
               start_line(server.take().bytes) == "OPTIONS sip:bob@192.0.2.2 SIP/2.0";
    };
    CHECK(forwarded(intercept("drop;")));
    CHECK(forwarded(intercept("$avp(other) = \"x\"; $avp(msg) = \"\";")));
    CHECK_FALSE(forwarded(intercept("$avp(msg) = \"x\";")));
    CHECK(forwarded(intercept("$avp(msg) = \"x\";", "forward();",
                              "modparam(\"corex\", \"nio_min_msg_len\", 60000)\n")));
    CHECK(
        forwarded("event_route[network:msg] { $avp(msg) = \"x\"; }"
                  "request_route { forward(); }"));
}

TEST_CASE("what the route itself sends does not come back to it") {
    Server server(intercept("send_data(\"sip:192.0.2.9\", \"seen\"); $avp(msg) = $mb;", "drop;"));
    server.receive(Request("OPTIONS").str());
    REQUIRE(server.pending() == 1);
    CHECK(server.take().bytes == "seen");
}

TEST_CASE("event_route[corex:reply-out] sees the replies that leave") {
    Server server(
        "event_route[corex:reply-out] { if (!is_incoming())"
        " send_data(\"sip:192.0.2.9\", \"$rs $rr to $sndto(ip)\"); }\n"
        "request_route { sl_send_reply(\"404\", \"Gone\"); }");
    server.receive(Request("OPTIONS").str());
    REQUIRE(server.pending() == 2);
    CHECK(server.take().bytes == "404 Gone to 192.0.2.1");
    CHECK(start_line(server.take().bytes) == "SIP/2.0 404 Gone");
}

TEST_CASE("via_add_srvid: the server's number in our Via") {
    const auto tail = [](const std::string& statements) {
        return behind_branch(Server("request_route { " + statements + " forward(); }").via());
    };
    CHECK(tail("").empty());
    CHECK(tail("via_add_srvid(\"1\");") == ";srvid=7");
    CHECK(tail("via_add_srvid(1); via_add_srvid(0);").empty());
    const std::string set =
        "$xavp(params=>a) = \"1\"; $xavp(params[0]=>n) = 5; $xavp(params[0]=>bad) = \"2 x\";"
        " $xavp(params[0]=>flag) = \"\"; $xavp(other=>no) = 1;";
    CHECK(tail(set + "via_add_xavp_params(\"1\");") == ";flag;n=5;a=1");
    CHECK(tail(set + "add_local_rport(); via_add_xavp_params(1); via_add_srvid(1);") ==
          ";rport;srvid=7;flag;n=5;a=1");
    CHECK(tail("via_add_xavp_params(\"1\");").empty());
}

TEST_CASE("via_use_xavp_fields: address and port of our Via") {
    const auto sent_by = [](const std::string& statements) {
        const std::string via = Server("request_route { " + statements + " forward(); }").via();
        return via.substr(0, via.find(';'));
    };
    const std::string set =
        "$xavp(fields=>address) = \"10.10.10.10\"; $xavp(fields[0]=>port) = \"5099\";";
    CHECK(sent_by(set) == "SIP/2.0/UDP 127.0.0.1");
    CHECK(sent_by(set + "via_use_xavp_fields(\"1\");") == "SIP/2.0/UDP 10.10.10.10:5099");
    CHECK(sent_by(set + "via_use_xavp_fields(1); via_use_xavp_fields(0);") ==
          "SIP/2.0/UDP 127.0.0.1");
    CHECK(sent_by("$xavp(fields=>address) = \"a b\"; via_use_xavp_fields(1);") ==
          "SIP/2.0/UDP 127.0.0.1");
    CHECK(sent_by("via_use_xavp_fields(1);") == "SIP/2.0/UDP 127.0.0.1");
}

TEST_CASE("alias_subdomains: a domain that is ours with all below it") {
    const auto is_ours = [](std::string_view parameter, const std::string& uri) {
        Server server("modparam(\"corex\", \"alias_subdomains\", \"" + std::string(parameter) +
                      "\")\nrequest_route { if (uri == myself) sl_send_reply(\"200\", \"OK\"); }");
        server.receive(Request("OPTIONS", uri).str());
        return server.pending() == 1;
    };
    CHECK(is_ours("example.com", "sip:a@x.example.com:99"));
    CHECK_FALSE(is_ours("example.com", "sip:a@notexample.com"));
    CHECK(is_ours("udp:example.com:5070", "sip:a@x.example.com:5070"));
    CHECK_FALSE(is_ours("udp:example.com:5070", "sip:a@x.example.com"));
    CHECK_THROWS(is_ours("udp:", "sip:a@b"));
    CHECK_THROWS(is_ours("example.com:99999", "sip:a@b"));
}

TEST_CASE("$lsock: listeners by address and by name") {
    const auto value = [](const std::string& name) {
        Server server("request_route { send_data(\"sip:192.0.2.9\", \"=" + name + "\"); }");
        server.receive(Request("OPTIONS").str());
        return server.take().bytes;
    };
    CHECK(value("$lsock(l/udp:127.0.0.1:5060/name)") == "=inside");
    CHECK(value("$lsock(n/inside/listen)") == "=udp:127.0.0.1:5060");
    CHECK(value("$lsock(i/inside/name)") == "=inside");
    CHECK(value("$lsock(i/udp:127.0.0.1:5060/listen)") == "=udp:127.0.0.1:5060");
    CHECK(value("$lsock(l/inside/name)") == "=<null>");
    CHECK(value("$lsock(n/udp:127.0.0.1:5060/name)") == "=<null>");
    CHECK_THROWS(value("$lsock(x/inside/name)"));
    CHECK_THROWS(value("$lsock(n/inside/port)"));
}
