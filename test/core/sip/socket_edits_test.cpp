// Edits that depend on the socket a request leaves from.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "core/sip/build.h"
#include "test/core/sip/messages.h"

using namespace fairlead::sip;

TEST_CASE("an edit for one socket shows only when the request leaves from it") {
    const std::string bytes = fairlead::test::request();
    Message m;
    REQUIRE_FALSE(m.parse(bytes));
    Edits edits;
    edits.insert(m.frame().headers_offset, "X-One: 1\r\n", 1);
    edits.insert(m.frame().headers_offset, "X-Any: 1\r\n");
    const auto written = [&](std::uint16_t from) {
        static char out[2048];
        Writer writer(out, sizeof out);
        REQUIRE(write_request(writer, m, edits.list(), {.from = from}));
        return std::string(writer.text());
    };
    CHECK(written(1).find("X-One: 1\r\nX-Any: 1\r\n") != std::string::npos);
    CHECK(written(0).find("X-One") == std::string::npos);
    CHECK(written(0).find("X-Any: 1\r\n") != std::string::npos);
}

TEST_CASE("an insertion can be given another text") {
    const std::string bytes = fairlead::test::request();
    Message m;
    REQUIRE_FALSE(m.parse(bytes));
    Edits edits;
    const std::string_view first = "X-A: 1\r\n";
    edits.append_header(m, first);
    edits.append_header(m, "X-B: 1\r\n");
    edits.change_text(first, "X-A: 2\r\n");
    REQUIRE(edits.list().size() == 2);
    CHECK(edits.list()[0].text == "X-A: 2\r\n");
    CHECK(edits.list()[1].text == "X-B: 1\r\n");
}
