// The functions that need no module. Expected URIs as seen on Kamailio 5.6.3.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kUri = "sip:bob:pw@ex.com:5070;transport=udp";

struct Fixture {
    ModuleHost host;
    /// What the Request-URI is after one call; "-" in front when the function said no.
    std::string after(std::string_view function, std::vector<Value> args,
                      std::string_view uri = kUri) {
        std::string result;
        host.on_request([&](Message& m) {
            const bool ok = host.call(m, function, args) > 0;
            result = (ok ? "" : "-") + std::string(m.uri());
        });
        host.start();
        host.receive(Request("OPTIONS", uri).str());
        return result;
    }
};

}  // namespace

TEST_CASE("core functions change the Request-URI") {
    struct Row {
        std::string_view function;
        Value arg;
        std::string_view uri;
    };
    const auto row = GENERATE(values<Row>(
        {{"strip", 1, "sip:ob:pw@ex.com:5070;transport=udp"},
         {"strip", 9, "sip:ex.com:5070;transport=udp"},
         {"strip_tail", 1, "sip:bo:pw@ex.com:5070;transport=udp"},
         {"strip", -1, "-sip:bob:pw@ex.com:5070;transport=udp"},
         {"prefix", "00"sv, "sip:00bob:pw@ex.com:5070;transport=udp"},
         {"sethost", "h.org"sv, "sip:bob:pw@h.org:5070;transport=udp"},
         {"rewritehost", "h.org"sv, "sip:bob:pw@h.org:5070;transport=udp"},
         {"sethostport", "h.org:99"sv, "sip:bob:pw@h.org:99;transport=udp"},
         {"sethostport", "h.org"sv, "sip:bob:pw@h.org;transport=udp"},
         {"sethostporttrans", "h.org:99;transport=tls"sv, "sip:bob:pw@h.org:99;transport=tls"},
         {"setport", "77"sv, "sip:bob:pw@ex.com:77;transport=udp"},
         {"setport", ""sv, "sip:bob:pw@ex.com;transport=udp"},
         {"setport", "http"sv, "-sip:bob:pw@ex.com:5070;transport=udp"},
         {"setuser", "zed"sv, "sip:zed:pw@ex.com:5070;transport=udp"},
         {"setuser", ""sv, "sip:ex.com:5070;transport=udp"},
         {"setuserpass", "z:q"sv, "sip:z:q@ex.com:5070;transport=udp"},
         {"seturi", "tel:+1"sv, "tel:+1"},
         {"seturi", ""sv, "-sip:bob:pw@ex.com:5070;transport=udp"}}));
    CAPTURE(row.function);
    CHECK(Fixture().after(row.function, {row.arg}) == row.uri);
}

TEST_CASE("userphone adds its parameter once") {
    CHECK(Fixture().after("userphone", {}) == "sip:bob:pw@ex.com:5070;transport=udp;user=phone");
    CHECK(Fixture().after("userphone", {}, "sip:1@ex.com;user=phone") == "sip:1@ex.com;user=phone");
}

TEST_CASE("a part of what is no URI cannot be changed") {
    CHECK(Fixture().after("setuser", {"x"sv}, "sip:") == "-sip:");
}

TEST_CASE("revert_uri goes back to what was received") {
    ModuleHost host;
    std::string before, after;
    host.on_request([&](Message& m) {
        host.call(m, "sethost", {"h.org"sv});
        before = m.uri();
        host.call(m, "revert_uri");
        after = m.uri();
    });
    host.start();
    host.receive(Request("OPTIONS", kUri).str());
    CHECK(before == "sip:bob:pw@h.org:5070;transport=udp");
    CHECK(after == kUri);
}

TEST_CASE("message flags are 0 to 31") {
    ModuleHost host;
    std::uint32_t flags = 0;
    host.on_request([&](Message& m) {
        CHECK(host.call(m, "isflagset", {31}) == -1);
        CHECK(host.call(m, "setflag", {31}) == 1);
        CHECK(host.call(m, "setflag", {3}) == 1);
        CHECK(host.call(m, "isflagset", {31}) == 1);
        CHECK(host.call(m, "resetflag", {3}) == 1);
        CHECK(host.call(m, "setflag", {32}) == -1);
        CHECK(host.call(m, "setflag", {-1}) == -1);
        flags = m.flags;
    });
    host.start();
    host.receive(Request("OPTIONS").str());
    CHECK(flags == 0x80000000U);

    const Function& row = *host.registry.functions("setflag")[0].row;
    const Value good = 31, bad = 32;
    CHECK(row.check(*host.registry.find("core")->object, std::span(&good, 1)));
    CHECK(row.check(*host.registry.find("core")->object, std::span(&bad, 1)).error().text ==
          "flag 32 does not exist: flags are 0 to 31");
}

TEST_CASE("forward takes a place, a host and a port, and a protocol") {
    ModuleHost host;
    std::vector<int> codes;
    host.on_request([&](Message& m) {
        codes = {host.call(m, "forward", {"192.0.2.9"sv}),
                 host.call(m, "forward", {"192.0.2.9"sv, "5071"sv}),
                 host.call(m, "forward_udp"),
                 host.call(m, "forward_udp", {"192.0.2.9:5072"sv}),
                 host.call(m, "forward_tcp"),
                 host.call(m, "forward", {"host.invalid"sv})};
    });
    host.start();
    host.receive(Request("OPTIONS", "sip:bob@192.0.2.2:5090").str());
    CHECK(codes[0] == 1);
    CHECK(codes[4] < 0);  // no TCP listener
    CHECK(codes[5] == static_cast<int>(ScriptError::bad_address));
    std::vector<std::string> where;
    while (host.pending() != 0) where.push_back(host.take().target.address.text());
    CHECK(where == std::vector<std::string>{"192.0.2.9:5060", "192.0.2.9:5071", "192.0.2.2:5090",
                                            "192.0.2.9:5072"});
}
