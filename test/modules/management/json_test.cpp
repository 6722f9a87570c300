// JSON-RPC: reading requests and writing answers. Expected texts as Kamailio 5.6.3 writes them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "modules/jsonrpcs/document.h"
#include "modules/jsonrpcs/writer.h"

using namespace fairlead;
using namespace fairlead::jsonrpcs;
using namespace std::string_literals;

namespace {

std::string json_text(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

void sample(Writer& w) {
    w.begin_struct();
    w.begin_array("result");
    w.begin_struct();
    w.integer("IDX", 0);
    w.text("DSC", "main");
    w.end_struct();
    w.begin_struct();
    w.end_struct();
    w.integer(5);
    w.end_array();
    w.number("half", 0.5);
    w.end_struct();
}

}  // namespace

TEST_CASE("an answer has the form of cJSON_Print") {
    Writer w(true);
    sample(w);
    CHECK(w.take() ==
          "{\n\t\"result\":\t[{\n\t\t\t\"IDX\":\t0,\n\t\t\t\"DSC\":\t\"main\"\n\t\t}, {\n\t\t}, 5],"
          "\n\t\"half\":\t0.5\n}");
}

TEST_CASE("an answer without pretty_format is one line") {
    Writer w(false);
    sample(w);
    CHECK(w.take() == R"({"result":[{"IDX":0,"DSC":"main"},{},5],"half":0.5})");
}

TEST_CASE(
    "a named value in a list is a structure of one, a nameless one in a structure has no name") {
    Writer w(false);
    w.begin_array();
    w.begin_struct("alias");
    w.integer("port", 5);
    w.end_struct();
    w.text("alias", "x");
    w.begin_struct();
    w.integer(7);
    w.end_until(0);
    CHECK(w.take() == R"([{"alias":{"port":5}},{"alias":"x"},{"":7}])");
}

TEST_CASE("any bytes become a JSON text") {
    CHECK(json_text("a\"b\\c\n\t\x01") == R"("a\"b\\c\n\t\u0001")");
    CHECK(json_text("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80") ==
          "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
    CHECK(json_text("\xff\xc3") == R"("\u00ff\u00c3")");
    CHECK(json_text("\xc0\xaf") == R"("\u00c0\u00af")");
    CHECK(json_text("\xed\xa0\x80") == R"("\u00ed\u00a0\u0080")");
    CHECK(json_text("a\0b"s) == R"("a\u0000b")");
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    CHECK_FALSE(nlohmann::json::parse(json_text(all), nullptr, false).is_discarded());
}

TEST_CASE("a request is read with its identifier and its parameters") {
    Request r;
    REQUIRE(read_request(
        R"({"jsonrpc":"2.0","method":"m","params":["a",-3,true,1.5],"id":"x7","reply_name":"f"})",
        r));
    CHECK(r.method == "m");
    CHECK(r.id == "\"x7\"");
    CHECK(r.reply_name == "f");
    REQUIRE(r.arguments.size() == 4);
    CHECK(r.arguments[0].string() == "a");
    CHECK(r.arguments[1].integer() == -3);
    CHECK(r.arguments[2].integer() == 1);
    CHECK(r.arguments[3].string() == "1.5");
    Request named;
    REQUIRE(read_request(R"({"method":"m","params":{"first":"x","second":2},"id":1})", named));
    REQUIRE(named.arguments.size() == 2);
    CHECK(named.arguments[0].string() == "x");
    CHECK(named.id == "1");
    Request silent;
    REQUIRE(read_request(R"({"method":"m"})", silent));
    CHECK(silent.id.empty());
}

TEST_CASE("what is no request is refused, and its identifier is kept") {
    const auto code = [](std::string_view text) {
        Request r;
        const auto read = read_request(text, r);
        return read ? 0 : read.error().code;
    };
    for (const std::string& text : {""s, "x"s, "{"s, "{\"a\":1"s, "\xff\xfe"s, "{}{}"s,
                                    std::string(60'000, '['), "{\"method\":\"a\0b"s})
        CHECK(code(text) == kParseError);
    for (const std::string_view text :
         {"[]", "1", "{}", R"({"method":1})", R"({"method":"m","params":1})",
          R"({"method":"m","params":[null]})", R"({"method":"m","params":[[1]]})",
          R"({"method":"m","params":[18446744073709551615]})"})
        CHECK(code(text) == kInvalidRequest);
    Request r;
    CHECK_FALSE(read_request(R"({"id":5,"method":1})", r));
    CHECK(r.id == "5");
}

TEST_CASE("requests follow one another in a stream") {
    CHECK(first_object("") == 0);
    CHECK(first_object(" \n") == 0);
    CHECK(first_object("{\"a\":\"}\"") == 0);
    CHECK(first_object("\n{\"a\":\"}\\\"\"}{") == 12);
    CHECK(first_object("[{}]x") == 4);
    CHECK(first_object("x{}") == std::string_view::npos);
    CHECK(first_object("{\"\\") == 0);
}
