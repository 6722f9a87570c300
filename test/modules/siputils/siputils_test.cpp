// siputils: questions about messages and URIs, and the answer to OPTIONS.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

struct Server : OneRequest {
    Server() : OneRequest({"siputils", "sl"}) { start(); }
    bool yes(std::string_view function, std::vector<Value> args = {},
             const Request& request = Request("OPTIONS")) {
        return code(request, function, std::move(args)) == 1;
    }
};

}  // namespace

TEST_CASE("a request is inside a dialog when To has a tag") {
    Server server;
    CHECK_FALSE(server.yes("has_totag"));
    CHECK(server.yes("has_totag", {}, Request("BYE").to_tag("x")));
    CHECK(server.yes("is_request"));
    CHECK_FALSE(server.yes("is_reply"));
}

TEST_CASE("the first hop has one Via") {
    Server server;
    CHECK(server.yes("is_first_hop", {Value()}));
    CHECK_FALSE(
        server.yes("is_first_hop", {Value()},
                   Request("OPTIONS").header("Via", "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK")));
}

TEST_CASE("options_reply answers OPTIONS that are for no user") {
    Server server;
    REQUIRE(server.code(Request("OPTIONS", "sip:127.0.0.1"), "options_reply") == 1);
    CHECK(start_line(server.last) == "SIP/2.0 200 OK");
    CHECK(header(server.last, "Accept") == "*/*");
    CHECK(header(server.last, "Accept-Language") == "en");
    CHECK(server.code(Request("OPTIONS", "sip:bob@127.0.0.1"), "options_reply") == -1);
    CHECK(server.code(Request("INFO", "sip:127.0.0.1"), "options_reply") == -1);
}

TEST_CASE("parameters of the Request-URI") {
    Server server;
    const Request request("OPTIONS", "sip:bob@192.0.2.2;a=1;flag;b=2?X=y");
    CHECK(server.yes("uri_param", {"a"sv, "1"sv}, request));
    CHECK_FALSE(server.yes("uri_param", {"a"sv, Value()}, request));
    CHECK(server.yes("uri_param", {"flag"sv, Value()}, request));
    CHECK(server.yes("uri_param_any", {"b"sv}, request));
    CHECK_FALSE(server.yes("uri_param_any", {"c"sv}, request));

    CHECK(server.yes("uri_param_rm", {"flag"sv}, request));
    CHECK(start_line(server.last) == "OPTIONS sip:bob@192.0.2.2;a=1;b=2?X=y SIP/2.0");
    CHECK(server.yes("uri_param_rm", {"a"sv}, request));
    CHECK(start_line(server.last) == "OPTIONS sip:bob@192.0.2.2;flag;b=2?X=y SIP/2.0");
    CHECK(server.yes("add_uri_param", {"c=3"sv}, request));
    CHECK(start_line(server.last) == "OPTIONS sip:bob@192.0.2.2;a=1;flag;b=2;c=3?X=y SIP/2.0");
}

TEST_CASE("texts that are numbers and names") {
    Server server;
    CHECK(server.yes("is_numeric", {"0123"sv}));
    CHECK_FALSE(server.yes("is_numeric", {""sv}));
    CHECK_FALSE(server.yes("is_numeric", {"12a"sv}));
    CHECK(server.yes("is_tel_number", {"+123"sv}));
    CHECK_FALSE(server.yes("is_tel_number", {"+"sv}));
    CHECK(server.yes("is_e164", {"+4912345"sv}));
    CHECK_FALSE(server.yes("is_e164", {"+12345678901234567"sv}));
    CHECK(server.yes("is_uri_user_e164", {"sip:+4912345@x"sv}));
    CHECK(server.yes("is_alphanum", {"aZ9"sv}));
    CHECK_FALSE(server.yes("is_alphanum", {"a-b"sv}));
    CHECK(server.yes("is_alphanumex", {"a-b"sv, "-"sv}));
    CHECK(server.yes("is_uri", {"sip:a@b"sv}));
    CHECK_FALSE(server.yes("is_uri", {"nothing"sv}));
}

TEST_CASE("comparing URIs, addresses of record and header names") {
    Server server;
    CHECK(server.yes("cmp_uri", {"sip:a@B.example"sv, "sip:a@b.example"sv}));
    CHECK_FALSE(server.yes("cmp_uri", {"sip:a@b"sv, "sip:A@b"sv}));
    CHECK(server.yes("cmp_aor", {"sip:a@b;x=1"sv, "sip:a@B:5060"sv}));
    CHECK_FALSE(server.yes("cmp_aor", {"sip:a@b"sv, "sip:a@b:5070"sv}));
    CHECK(server.yes("cmp_hdr_name", {"f"sv, "From"sv}));
    CHECK(server.yes("cmp_hdr_name", {"x-A"sv, "X-a"sv}));
    CHECK_FALSE(server.yes("cmp_hdr_name", {"X-A"sv, "X-B"sv}));
}

TEST_CASE("is_supported reads every Supported") {
    Server server;
    const Request request =
        Request("INVITE").header("Supported", "100rel").header("k", "timer, path");
    CHECK(server.yes("is_supported", {"path"sv}, request));
    CHECK(server.yes("is_supported", {"100rel"sv}, request));
    CHECK_FALSE(server.yes("is_supported", {"gruu"sv}, request));
}
