// Diagnostics: order, caret, limits, and what counts as near enough to be meant.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/diagnostics.h"

#include <catch2/catch.hpp>

using namespace fairlead::cfg;

TEST_CASE("as JSON: in order, with every byte made safe") {
    Diagnostics d;
    CHECK(d.json() == "{\"version\": 1, \"errors\": 0, \"diagnostics\": []}\n");
    const auto file = d.add_file("a\"b.cfg", "x\n");
    d.warning({file, 7, 2, 3}, "tab\there", "h\xC3\xA9 \xFF\xED\xA0\x80");
    d.error({file, 3, 5, 7}, "first");
    CHECK(d.json() ==
          "{\"version\": 1, \"errors\": 1, \"diagnostics\": [\n"
          "  {\"severity\": \"error\", \"file\": \"a\\\"b.cfg\", \"line\": 3, \"column\": 5, "
          "\"end_column\": 12, \"text\": \"first\", \"hint\": \"\"},\n"
          "  {\"severity\": \"warning\", \"file\": \"a\\\"b.cfg\", \"line\": 7, \"column\": 2, "
          "\"end_column\": 5, \"text\": \"tab\\u0009here\", "
          "\"hint\": \"h\xC3\xA9 \\ufffd\\ufffd\\ufffd\\ufffd\"}\n]}\n");
}

TEST_CASE("diagnostics are printed by place, with the line, a caret and the hint") {
    Diagnostics d;
    const auto file = d.add_file("a.cfg", "one\n\ttwo three\nfour");
    d.error({file, 3, 1, 4}, "second", "a hint");
    d.warning({file, 2, 6, 5}, "first");
    CHECK(d.errors() == 1);
    CHECK(d.print() ==
          "a.cfg:2:6: warning: first\n"
          "    \ttwo three\n"
          "    \t    ^~~~~\n"
          "a.cfg:3:1: error: second\n"
          "    four\n"
          "    ^~~~\n"
          "    hint: a hint\n");
    CHECK(d.source({file, 2, 6, 5}) == "three");
    CHECK(d.source({file, 9, 1, 1}).empty());
}

TEST_CASE("carets stay inside of the line") {
    Diagnostics d;
    const auto file = d.add_file("a.cfg", "ab\n");
    d.error({file, 1, 2, 90}, "long");
    d.error({file, 1, 3, 1}, "behind");
    CHECK(d.print() ==
          "a.cfg:1:2: error: long\n    ab\n     ^\n"
          "a.cfg:1:3: error: behind\n    ab\n      ^\n");
}

TEST_CASE("a place without a line shows none") {
    Diagnostics d;
    const auto file = d.add_file("a.cfg", "");
    d.error({file, 0, 0, 1}, "cannot read a.cfg");
    CHECK(d.print() == "a.cfg:0:0: error: cannot read a.cfg\n");
}

TEST_CASE("errors above the limit are counted") {
    Diagnostics d;
    const auto file = d.add_file("a.cfg", "x\n");
    for (std::size_t i = 0; i < Diagnostics::kMost + 5; ++i) d.error({file, 1, 1, 1}, "e");
    CHECK(d.errors() == Diagnostics::kMost + 5);
    CHECK(d.all().size() == Diagnostics::kMost);
    CHECK(d.print().ends_with("and 5 more errors\n"));
}

TEST_CASE("nearest finds what was meant, and nothing when nothing is near") {
    const std::vector<std::string_view> names{"t_relay", "sl_send_reply", "Ri", "rU", "rm"};
    CHECK(nearest("t_rely", names) == "t_relay");
    CHECK(nearest("sl_sendreply", names) == "sl_send_reply");
    CHECK(nearest("T_RELAY", names) == "t_relay");
    CHECK(nearest("rX", names) == "rU");
    CHECK(nearest("completely", names).empty());
}
