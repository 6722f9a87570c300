// The limits of limits.h: each at its edge, with its status; and docs/limits.md agrees.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/limits.h"

#include <re2/re2.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>

#include "core/sip/message.h"
#include "test/core/sip/messages.h"

using namespace fairlead::sip;
using namespace fairlead::test;

namespace {

std::optional<ParseError> parse(const std::string& text) {
    Message m;
    return m.parse(text);
}

int code(const std::string& text) {
    const auto error = parse(text);
    return error ? error->code : 200;
}

std::string repeat(std::string_view text, std::size_t count) {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) result += text;
    return result;
}

std::string with_start(const std::string& method, const std::string& uri) {
    std::string text = request();
    text.replace(0, text.find("\r\n"), method + " " + uri + " SIP/2.0");
    const auto cseq = text.find("1 OPTIONS");
    return text.replace(cseq, 9, "1 " + method);
}

/// name -> value of every match in a file.
std::map<std::string, std::string> rows(const std::string& path, const char* pattern) {
    std::ifstream file(FAIRLEAD_SOURCE + path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::map<std::string, std::string> found;
    re2::StringPiece rest(text);
    std::string name, value;
    while (RE2::FindAndConsume(&rest, pattern, &name, &value)) found[name] = value;
    return found;
}

}  // namespace

TEST_CASE("docs/limits.md lists limits.h") {
    const auto header = rows("/core/sip/limits.h", R"(constexpr std::size_t (k\w+)\s*=\s*(\d+);)");
    CHECK(header.size() == 10);
    CHECK(rows("/docs/limits.md", R"(\| `(k\w+)` \| (\d+) \|)") == header);
}

TEST_CASE("messages: at most kMaxMessage bytes, else 513; below kMinMessage nothing is answered") {
    std::string text = request();
    text.resize(kMaxMessage, 'x');
    CHECK(code(text) == 200);
    text += 'x';
    Message m;
    const auto error = m.parse(text);
    REQUIRE(error);
    CHECK(error->code == 513);
    CHECK(m.can_be_answered());
    CHECK(code("\r\n\r\n") == 0);
    CHECK(code(std::string(4, '\0')) == 0);
    CHECK(code(std::string(kMinMessage - 1, 'x')) == 0);
    CHECK(code(std::string(kMinMessage, 'x')) == 400);
}

TEST_CASE("Request-URIs: at most kMaxUri bytes, else 414 which can be sent") {
    CHECK(code(with_start("OPTIONS", "sip:" + std::string(kMaxUri - 4, 'a'))) == 200);
    const std::string text = with_start("OPTIONS", "sip:" + std::string(kMaxUri - 3, 'a'));
    Message m;
    const auto error = m.parse(text);
    REQUIRE(error);
    CHECK(error->code == 414);
    CHECK(m.can_be_answered());
}

TEST_CASE("methods: at most kMaxMethod bytes, else 400") {
    CHECK(code(with_start(std::string(kMaxMethod, 'M'), "sip:a")) == 200);
    CHECK(code(with_start(std::string(kMaxMethod + 1, 'M'), "sip:a")) == 400);
}

TEST_CASE("header fields: at most kMaxHeaders, else 400") {
    CHECK(code(request(repeat("X-A: 1\r\n", kMaxHeaders - 5))) == 200);
    const std::string text = request(repeat("X-A: 1\r\n", kMaxHeaders - 4));
    Message m;
    const auto error = m.parse(text);
    REQUIRE(error);
    CHECK(error->reason == "Too many headers");
    CHECK(m.headers().size() == kMaxHeaders);
    CHECK(m.can_be_answered());
}

TEST_CASE("header names: at most kMaxHeaderName bytes, else 400") {
    CHECK(code(request(std::string(kMaxHeaderName, 'n') + ": 1\r\n")) == 200);
    CHECK(parse(request(std::string(kMaxHeaderName + 1, 'n') + ": 1\r\n"))->reason ==
          "Header name too long");
}

TEST_CASE("header values: at most kMaxHeaderValue bytes with their folds, else 400") {
    CHECK(code(request("X-A: " + std::string(kMaxHeaderValue, 'v') + "\r\n")) == 200);
    CHECK(parse(request("X-A: " + std::string(kMaxHeaderValue + 1, 'v') + "\r\n"))->reason ==
          "Header too long");
    CHECK(parse(request("X-A: v" + repeat("\r\n v", kMaxHeaderValue / 4) + "\r\n"))->reason ==
          "Header too long");
}

TEST_CASE("Via values: at most kMaxVias, in one or many header fields, else 400") {
    const std::string via = "SIP/2.0/UDP 10.0.0.2;x=\"a,b\"";
    CHECK(code(request(repeat("Via: " + via + "\r\n", kMaxVias - 1))) == 200);
    CHECK(parse(request(repeat("Via: " + via + "\r\n", kMaxVias)))->reason == "Too many Vias");
    CHECK(code(request("v: " + via + repeat("," + via, kMaxVias - 2) + "\r\n")) == 200);
    CHECK(parse(request("v: " + via + repeat("," + via, kMaxVias - 1) + "\r\n"))->reason ==
          "Too many Vias");
}

TEST_CASE("parameters: at most kMaxParams of a value") {
    const auto via = [](std::size_t n) {
        return request({}, "Via: SIP/2.0/UDP h" + repeat(";p", n) + "\r\n");
    };
    CHECK(code(via(kMaxParams)) == 200);
    CHECK(parse(via(kMaxParams + 1))->reason == "Bad Via header");
    CHECK(parse_name_addr("<sip:a>" + repeat(";p", kMaxParams)));
    CHECK_FALSE(parse_name_addr("<sip:a>" + repeat(";p", kMaxParams + 1)));
}
