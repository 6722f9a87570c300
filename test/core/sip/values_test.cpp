// Parameters, lists of values, Via, addresses and methods on their own.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/values.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/sip/params.h"
#include "core/sip/status.h"

using namespace fairlead;
using namespace fairlead::sip;

namespace {

std::vector<std::string> values_of(std::string_view rest) {
    std::vector<std::string> found;
    while (const auto value = next_value(rest)) found.emplace_back(*value);
    return found;
}

/// "name=value" or "name" of each; "!" at the end when one is malformed.
std::vector<std::string> params_of(std::string_view rest, char separator = ';') {
    std::vector<std::string> found;
    while (const auto p = next_param(rest, separator))
        found.push_back(std::string(p->name) + (p->has_value ? "=" : "") + std::string(p->value));
    if (!rest.empty()) found.emplace_back("!");
    return found;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("parameters") {
    CHECK(params_of("").empty());
    CHECK(params_of("  \r\n ").empty());
    CHECK(params_of(";a=1;b;c=") == List{"a=1", "b", "c="});
    CHECK(params_of("a=1;b") == List{"a=1", "b"});
    CHECK(params_of(" ; a = 1 ;\r\n b ") == List{"a=1", "b"});
    CHECK(params_of(";a=\"x;y=\\\"1,2\";b=[::1]") == List{"a=\"x;y=\\\"1,2\"", "b=[::1]"});
    CHECK(params_of("a=\"x\", b=c", ',') == List{"a=\"x\"", "b=c"});
    for (std::string_view bad : {";", ";;a", ";a;", ";=1", ";a=\"", ";a=\"x\\", ";a=\"x\"y", ";a b",
                                 ";a=1 2", ";a=1,b", ";a=x\"y\"", ";\xc3\xa4=1"})
        CHECK(params_of(bad).back() == "!");
    CHECK(find_param("a=1;B=2;b=3", "b")->value == "2");
    CHECK_FALSE(find_param("a=1", "b"));
}

TEST_CASE("comma-separated values") {
    CHECK(values_of("").empty());
    CHECK(values_of(" \r\n ").empty());
    CHECK(values_of("a") == List{"a"});
    CHECK(values_of(" a , b,\r\n c ") == List{"a", "b", "c"});
    CHECK(values_of("\"a,b\" <sip:c,d>;x=\"e,\\\"f\", g") ==
          List{"\"a,b\" <sip:c,d>;x=\"e,\\\"f\"", "g"});
    CHECK(values_of("a,,b") == List{"a", "", "b"});
    CHECK(values_of("a,") == List{"a"});
    CHECK(values_of("\"open, b") == List{"\"open, b"});
    CHECK(values_of("<open, b") == List{"<open, b"});
    CHECK(values_of("\"x\\") == List{"\"x\\"});
}

TEST_CASE("a Via value") {
    const auto via = parse_via(
        " SIP/2.0/TLS [2001:db8::1]:5071 ;branch=z9hG4bKx;rport=7;received=1.2.3.4;maddr=5.6.7.8 ");
    REQUIRE(via);
    CHECK(via->text.starts_with("SIP"));
    CHECK(via->text.ends_with("5.6.7.8"));
    CHECK(via->transport == "TLS");
    CHECK(via->proto == Proto::tls);
    CHECK(via->host == "[2001:db8::1]");
    CHECK(via->port == 5071);
    CHECK(via->is_rfc3261());
    CHECK((via->has_branch && via->has_rport && via->has_received));
    CHECK(via->rport == "7");
    CHECK(via->received == "1.2.3.4");
    CHECK(via->maddr == "5.6.7.8");
    const auto bare = parse_via("sip/2.0/tls h");
    REQUIRE(bare);
    CHECK(bare->effective_port() == 5061);
    CHECK(bare->params.empty());
    CHECK_FALSE((bare->has_branch || bare->has_rport || bare->has_received));
    CHECK_FALSE(bare->is_rfc3261());
    CHECK(parse_via("SIP/2.0/PIGEON h")->proto == Proto::none);
}

TEST_CASE("an address with and without <>") {
    const auto quoted = parse_name_addr("\"A \\\"B\\\", <x>\" <sip:a@b;x=y>;tag=1;p=\"q;tag=2\"");
    REQUIRE(quoted);
    CHECK(quoted->display == "\"A \\\"B\\\", <x>\"");
    CHECK(quoted->uri == "sip:a@b;x=y");
    CHECK(quoted->tag == "1");
    CHECK(quoted->param("P") == "\"q;tag=2\"");
    CHECK(quoted->params == "tag=1;p=\"q;tag=2\"");
    const auto bare = parse_name_addr("sip:a@b;tag=1");
    REQUIRE(bare);
    CHECK(bare->uri == "sip:a@b");
    CHECK(bare->display.empty());
    CHECK(bare->tag == "1");
    CHECK(parse_name_addr("A  B <sip:c>")->display == "A  B");
    CHECK(parse_name_addr("J\xc3\xbcrgen <sip:c>")->display == "J\xc3\xbcrgen");
    CHECK(parse_name_addr(" * ")->is_star);
    CHECK_FALSE(parse_name_addr("**"));
    CHECK_FALSE(parse_name_addr("*;x=1"));
}

TEST_CASE("methods are case-sensitive and have names") {
    for (auto m : {Method::invite, Method::ack, Method::cancel, Method::bye, Method::options,
                   Method::register_, Method::message, Method::info, Method::prack, Method::update,
                   Method::subscribe, Method::notify, Method::refer, Method::publish}) {
        CHECK_FALSE(name(m).empty());
        CHECK(parse_method(name(m)) == m);
    }
    CHECK(parse_method("invite") == Method::other);
    CHECK(parse_method("") == Method::other);
    CHECK(name(Method::other).empty());
}

TEST_CASE("reason phrases") {
    CHECK(default_reason(100) == "Trying");
    CHECK(default_reason(404) == "Not Found");
    CHECK(default_reason(606) == "Not Acceptable");
    CHECK(default_reason(608) == "Rejected");
    CHECK(default_reason(299) == "Success");
    CHECK(default_reason(499) == "Client Error");
    CHECK(default_reason(699) == "Global Failure");
    CHECK(default_reason(99) == "Unknown");
    CHECK(default_reason(700) == "Unknown");
    CHECK(default_reason(-5) == "Unknown");
}
