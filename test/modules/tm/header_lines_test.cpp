// Header fields that are given as lines.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/header_lines_api.h"

#include <catch2/catch.hpp>

#include <string>

using namespace fairlead::tm;
using namespace std::string_view_literals;

TEST_CASE("what a message has by itself is taken out, in either form; the rest stays as it is") {
    const HeaderLines h = read_header_lines(
        "From: <sip:a@b>;tag=1\r\nt: <sip:c@d>\nX-One: 1\n\nCALL-ID: x@y\ncseq:  7  MESSAGE\n"
        "c: text/plain\nX-Two : 2");
    CHECK(h.from == "<sip:a@b>;tag=1");
    CHECK(h.to == "<sip:c@d>");
    CHECK(h.call_id == "x@y");
    CHECK(h.cseq == "7");
    CHECK(h.cseq_method == "MESSAGE");
    CHECK(h.rest == "X-One: 1\r\nc: text/plain\r\nX-Two : 2\r\n");
    CHECK(h.has_type);
    CHECK_FALSE((h.has_via || h.has_length || h.is_wrong || h.is_folded));
}

TEST_CASE("Via and Content-Length are told") {
    CHECK(read_header_lines("v: SIP/2.0/UDP a").has_via);
    CHECK(read_header_lines("Via: SIP/2.0/UDP a").has_via);
    CHECK(read_header_lines("l: 5").has_length);
    CHECK(read_header_lines("content-length: 5").has_length);
}

TEST_CASE("a line that goes on is told, and wrong behind nothing or what was taken out") {
    const HeaderLines h = read_header_lines("X: a,\r\n b\r\n\tc\r\n");
    CHECK(h.rest == "X: a,\r\n b\r\n\tc\r\n");
    CHECK(h.is_folded);
    CHECK_FALSE(h.is_wrong);
    CHECK(read_header_lines(" b\r\nX: a").is_wrong);
    CHECK(read_header_lines("From: <sip:a@b>\r\n ;tag=1").is_wrong);
}

TEST_CASE("a reply takes Via, From, To, Call-ID and CSeq from its request") {
    CHECK(read_header_lines("X: 1\nc: text/plain").is_for_reply());
    for (const std::string_view line : {"v: x", "f: x", "t: x", "i: x", "CSeq: 1", "nonsense"})
        CHECK_FALSE(read_header_lines(line).is_for_reply());
}

TEST_CASE("a tag is a token") {
    CHECK(is_token("a-.!%*_+`'~9Z"));
    for (const std::string_view text :
         {""sv, "a b"sv, "a;b"sv, "a\0"sv, "\xe4"sv, "a=b"sv, "<a>"sv})
        CHECK_FALSE(is_token(text));
}

TEST_CASE("lines that are no fields are wrong") {
    for (const std::string_view lines :
         {"nonsense"sv, ": x"sv, "A B: x"sv, "X: a\rVia: b"sv, "X: a\0b"sv, "X: \x7f"sv, "From:"sv,
          "CSeq: "sv, "X: ok\nnonsense\nY: ok"sv})
        CHECK(read_header_lines(lines).is_wrong);
    CHECK_FALSE(read_header_lines("").is_wrong);
    CHECK_FALSE(read_header_lines("X:").is_wrong);
    CHECK_FALSE(read_header_lines("X: \xff\xfe").is_wrong);
    CHECK(read_header_lines(std::string(65536, 'a')).is_wrong);
    CHECK(read_header_lines("X: " + std::string(65536, 'a')).rest.size() == 65541);
}
