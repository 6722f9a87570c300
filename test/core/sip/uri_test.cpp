// URIs: parts, refusals, equality (RFC 3261 19.1).
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/uri.h"

#include <catch2/catch.hpp>
#include <string>

using namespace fairlead;
using namespace fairlead::sip;

TEST_CASE("the parts of a SIP URI") {
    const auto uri =
        parse_uri("SIP:a%40b;x=1:pw@[2001:db8::1]:5070;transport=TCP;lr;y=?subject=x&p=1");
    REQUIRE(uri);
    CHECK(uri->scheme == Scheme::sip);
    CHECK(uri->scheme_text == "SIP");
    CHECK(uri->has_user);
    CHECK(uri->user == "a%40b;x=1");
    CHECK(uri->password == "pw");
    CHECK(uri->host == "[2001:db8::1]");
    CHECK(uri->port == 5070);
    CHECK(uri->port_text == "5070");
    CHECK(uri->params == "transport=TCP;lr;y=");
    CHECK(uri->headers == "subject=x&p=1");
    CHECK(uri->transport() == Proto::tcp);
    CHECK(uri->param("LR") == "");
    CHECK(uri->param("y") == "");
    CHECK_FALSE(uri->param("z"));
}

TEST_CASE("accepted URIs") {
    const auto text = GENERATE(
        as<std::string_view>{}, "sip:example.com", "sips:bob@b_c.example.com", "sip:@example.com",
        "sip:*21#@example.com", "sip:a@10.0.0.1:65535", "sip:a@b;;lr;", "tel:+1-201-555-0123;ext=5",
        "tel:7042;phone-context=x", "urn:service:sos", "http://example.com/a?b",
        "sip:j\xc3\xbc@example.com", "nobodyKnowsThisScheme:totallyopaquecontent",
        "sip:user;par=u%40example.net@example.com");
    CHECK(parse_uri(text));
}

TEST_CASE("refused URIs") {
    const auto text = GENERATE(
        as<std::string>{}, "", "sip", ":", "sip:", "sips:", "sip:a@", "sip:a@:5060", "sip::5060",
        "sip:a@b:", "sip:a@b:0", "sip:a@b:65536", "sip:a@b:99999999999999999999", "sip:a@b:5x",
        "sip:a@b@c", "sip:a@b;x=@", "sip:a@[::1", "sip:a@[::1]x", "sip:a@[::1]:", "sip:a@[]",
        "sip:a@[1.2.3.4]", "sip:a@[fe80::1%25eth0]", "sip:a@::1", "sip:a%@b", "sip:a%4@b",
        "sip:a%zz@b", "sip:a@b;x=%", "sip:a@b;x=%4", "sip:a b@c", "sip:a@b c",
        "sip:a@b\r\nX:", "sip:a@b\x01", "sip:a@b>", "<sip:a@b>", "sip:\"a\"@b", "1sip:a",
        "tel:", "tel:;x=1", "tel:+1 201", "tel:bob", "urn:", "sip:a@b,c", "//host",
        std::string("sip:a\0@b", 8));
    CHECK_FALSE(parse_uri(text));
}

TEST_CASE("a URI has at most kMaxParams parameters and headers, and kMaxUri bytes") {
    std::string params = "sip:a@b";
    for (int i = 0; i < 64; ++i) params += ";p";
    CHECK(parse_uri(params));
    CHECK_FALSE(parse_uri(params + ";p"));
    std::string headers = "sip:a@b?h=1";
    for (int i = 0; i < 63; ++i) headers += "&h=1";
    CHECK(parse_uri(headers));
    CHECK_FALSE(parse_uri(headers + "&h=1"));
    CHECK(parse_uri("sip:" + std::string(4092, 'a')));
    CHECK_FALSE(parse_uri("sip:" + std::string(4093, 'a')));
}

TEST_CASE("the port that a URI means") {
    const auto [text, port] = GENERATE(table<std::string_view, unsigned>({
        {"sip:a", 5060},
        {"sips:a", 5061},
        {"sip:a;transport=tls", 5061},
        {"sip:a;transport=tcp", 5060},
        {"sip:a;transport=nonsense", 5060},
        {"sips:a:5070", 5070},
    }));
    CHECK(parse_uri(text)->effective_port() == port);
}

TEST_CASE("an unknown transport is told from none") {
    CHECK(parse_uri("sip:a")->transport() == Proto::none);
    CHECK_FALSE(parse_uri("sip:a;transport=nonsense")->transport());
    CHECK_FALSE(parse_uri("sip:a;transport=")->transport());
}

TEST_CASE("equal URIs (RFC 3261 19.1.4)") {
    const auto [a, b] = GENERATE(table<std::string_view, std::string_view>({
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
        {"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"},
        {"tel:+1", "tel:+1"},
    }));
    CHECK(equal(*parse_uri(a), *parse_uri(b)));
    CHECK(equal(*parse_uri(b), *parse_uri(a)));
}

TEST_CASE("URIs that are not equal (RFC 3261 19.1.4)") {
    const auto [a, b] = GENERATE(table<std::string_view, std::string_view>({
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
        {"sip:a@b", "sips:a@b"},
        {"sip:b", "sip:a@b"},
        {"sip:a:x@b", "sip:a@b"},
        {"sip:a%3bb@c", "sip:a;b@c"},
        {"sip:a@b;user=phone", "sip:a@b"},
        {"sip:a@b;x=1", "sip:a@b;x=2"},
        {"sip:a@b?x=1&x=1", "sip:a@b?x=1&y=1"},
        {"tel:+1", "tel:+2"},
    }));
    CHECK_FALSE(equal(*parse_uri(a), *parse_uri(b)));
    CHECK_FALSE(equal(*parse_uri(b), *parse_uri(a)));
}
