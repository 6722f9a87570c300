// sanity: each check refuses what it is for, and nothing else.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// The reply's start line; "passed" when the request was forwarded.
std::string checked(const std::string& arguments, const Request& request,
                    const std::string& params = "", std::string* whole = nullptr) {
    ModuleHost server;
    server.config("loadmodule \"sl\"\nloadmodule \"sanity\"\n" + params +
                  "request_route { if (!sanity_check(" + arguments +
                  ")) { sanity_reply(); exit; } forward(); }");
    server.start();
    server.receive(request.str());
    if (server.pending() == 0) return "nothing";
    const std::string out = server.take().bytes;
    if (whole != nullptr) *whole = out;
    const std::string line = start_line(out);
    return line.starts_with("SIP/2.0 ") ? line.substr(8) : "passed";
}

}  // namespace

TEST_CASE("a sound request passes all checks") {
    CHECK(checked("\"32767\", \"15\"", Request("INVITE").header("Contact", "<sip:a@192.0.2.1>")) ==
          "passed");
    CHECK(checked("", Request("INVITE").header("Expires", "60")) == "passed");
}

TEST_CASE("what each check refuses") {
    CHECK(checked("\"2\"", Request("OPTIONS", "http://x")) == "400 Bad Request URI");
    CHECK(checked("\"2\"", Request("OPTIONS", "urn:service:sos")) ==
          "416 Unsupported URI Scheme in Request URI");
    CHECK(checked("\"256\"", Request("INFO").header("Expires", "abc")) ==
          "400 Expires value is illegal");
    CHECK(checked("\"256\"", Request("INFO").header("Expires", "99999999999")) ==
          "400 Expires value is illegal");
    CHECK(checked("\"1024\"", Request("INFO").set("From", "<http:al>;tag=1")) ==
          "400 Invalid From Header");
    CHECK(checked("\"1024\"", Request("INFO").set("To", "<http:al>")) == "400 Invalid To Header");
    CHECK(checked("\"1024\", \"2\"", Request("INFO").set("To", "<http:al>")) == "passed");
    CHECK(checked("\"1024\", \"8\"", Request("INFO").header("Contact", "<foo>")) ==
          "400 Bad Contact URI");
    CHECK(checked("\"0\"", Request("OPTIONS", "http://x").header("Expires", "abc")) != "passed");
}

TEST_CASE("credentials") {
    const std::string whole =
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"0\"";
    CHECK(checked("\"2048\"", Request("INFO").header("Proxy-Authorization", whole)) == "passed");
    CHECK(
        checked("\"2048\"", Request("INFO").header("Proxy-Authorization", "Digest realm=\"a\"")) ==
        "400 Bad Auth Credentials");
    CHECK(checked("\"2048\"", Request("INFO").header("Authorization", "Basic abc")) ==
          "400 Bad Auth Credentials");
    CHECK(checked("\"8192\"", Request("INFO").header("Authorization", "Basic abc")) == "passed");
    CHECK(checked("\"8192\"", Request("INFO").header("Authorization", "Digest x")) ==
          "400 Bad Auth Credentials");
}

TEST_CASE("Proxy-Require names what is known") {
    const std::string known = "modparam(\"sanity\", \"proxy_require\", \"foo, baz\")\n";
    std::string out;
    CHECK(checked("\"512\"", Request("INFO").header("Proxy-Require", "foo, bar, q"), known, &out) ==
          "420 Bad Proxy Require Extension");
    CHECK(header(out, "Unsupported") == "bar, q");
    CHECK(checked("\"512\"", Request("INFO").header("Proxy-Require", "Baz"), known) == "passed");
}

TEST_CASE("noreply holds the reply back, autodrop decides who goes on") {
    const Request bad = Request("INFO").header("Expires", "abc");
    const std::string quiet = "modparam(\"sanity\", \"noreply\", 1)\n";
    CHECK(checked("\"256\"", bad, quiet) == "nothing");
    CHECK(checked("\"256\"", bad, quiet + "modparam(\"sanity\", \"autodrop\", 0)\n") ==
          "400 Expires value is illegal");
    ModuleHost server;
    server.config(
        "loadmodule \"sl\"\nloadmodule \"sanity\"\nmodparam(\"sanity\", \"autodrop\", 0)\n"
        "request_route { sanity_check(\"256\"); forward(); }");
    server.start();
    server.receive(bad.str());
    CHECK(server.pending() == 2);
}
