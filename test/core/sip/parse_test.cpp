// Message::parse: what is accepted, what is refused with which status, and what is seen in it.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "core/sip/build.h"
#include "core/sip/message.h"
#include "test/core/sip/messages.h"

using namespace fairlead;
using namespace fairlead::sip;
using namespace fairlead::test;

namespace {

struct Parsed {
    explicit Parsed(std::string text) : bytes(std::move(text)), error(m.parse(bytes)) {}
    int code() const { return error ? error->code : 200; }
    std::string_view reason() const { return error ? error->reason : ""; }
    std::string bytes;
    Message m;
    std::optional<ParseError> error;
};

}  // namespace

TEST_CASE("an INVITE is indexed") {
    Parsed p(invite());
    REQUIRE_FALSE(p.error);
    CHECK(p.m.is_request());
    CHECK(p.m.method() == Method::invite);
    CHECK(p.m.method_text() == "INVITE");
    CHECK(p.m.request_uri() == "sip:bob@biloxi.example.com");
    CHECK(p.m.headers().size() == 10);
    CHECK(p.m.body() == kSdp);
    CHECK(p.m.call_id() == "3848276298220188511@atlanta.example.com");
    CHECK(p.m.from()->tag == "9fxced76sl");
    CHECK(p.m.from()->display == "Alice");
    CHECK_FALSE(p.m.to()->has_tag);
    CHECK(p.m.cseq()->number == 2);
    CHECK(p.m.max_forwards() == 70u);
    CHECK(p.m.via()->branch == "z9hG4bK74bf9");
    CHECK(p.m.via()->port == 5062);
    CHECK(p.m.second_via() == nullptr);
    CHECK(p.m.parsed_request_uri()->user == "bob");
    CHECK(p.m.text(HeaderType::user_agent) == "Softphone 1.0");
    CHECK(p.m.header("user-AGENT") == p.m.header(HeaderType::user_agent));
    CHECK(p.m.header("X-None") == nullptr);
}

TEST_CASE("a reply is indexed") {
    Parsed p(reply());
    REQUIRE_FALSE(p.error);
    CHECK_FALSE(p.m.is_request());
    CHECK(p.m.status() == 200);
    CHECK(p.m.reason() == "OK");
    CHECK(p.m.method() == Method::options);
    CHECK(p.m.second_via()->port == 5062);
    CHECK_FALSE(p.m.can_be_answered());
}

TEST_CASE("what a message is written to without edits is what was received") {
    for (const std::string& text : {invite(), request(), reply()}) {
        Parsed p(text);
        REQUIRE_FALSE(p.error);
        char out[4096];
        Writer writer(out, sizeof out);
        REQUIRE(write_request(writer, p.m, {}, {}));
        CHECK(writer.text() == text);
    }
}
