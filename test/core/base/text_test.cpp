// Tests of core/base/text: trimming, comparing, strict numbers, edit distance.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.h"

#include <catch2/catch.hpp>

using namespace fairlead;

TEST_CASE("unsigned numbers are strict and bounded") {
    CHECK(text::parse_uint("0", 10) == 0);
    CHECK(text::parse_uint("10", 10) == 10);
    CHECK_FALSE(text::parse_uint("11", 10));
    CHECK_FALSE(text::parse_uint("", 10));
    CHECK_FALSE(text::parse_uint("-1", 10));
    CHECK_FALSE(text::parse_uint(" 1", 10));
    CHECK_FALSE(text::parse_uint("18446744073709551616", UINT64_MAX));
    CHECK(text::parse_uint("18446744073709551615", UINT64_MAX) == UINT64_MAX);
}

TEST_CASE("signed numbers take the prefixes of scripts") {
    CHECK(text::parse_int("-7") == -7);
    CHECK(text::parse_int("0x1F") == 31);
    CHECK(text::parse_int("017") == 15);
    CHECK(text::parse_int("0") == 0);
    CHECK(text::parse_int("-9223372036854775808") == INT64_MIN);
    CHECK_FALSE(text::parse_int("9223372036854775808"));
    CHECK_FALSE(text::parse_int("12abc"));
    CHECK_FALSE(text::parse_int("-"));
    CHECK_FALSE(text::parse_int("0x"));
}

TEST_CASE("comparison and search ignore ASCII case") {
    CHECK(text::ci_equal("Call-ID", "call-id"));
    CHECK_FALSE(text::ci_equal("Call-ID", "call-i"));
    CHECK(text::ci_find("xxViA", "via") == 2);
    CHECK(text::ci_find("via", "vias") == std::string_view::npos);
    CHECK(text::ci_find("", "") == 0);
}

TEST_CASE("trim takes white space off both ends") {
    CHECK(text::trim(" \t a b \r\n") == "a b");
    CHECK(text::trim(" \r\n").empty());
}

TEST_CASE("edit distance is bounded") {
    CHECK(text::edit_distance("t_relay", "t_relai", 3) == 1);
    CHECK(text::edit_distance("sl_send_reply", "send_reply", 3) == 3);
    CHECK(text::edit_distance("abc", "xyzuvw", 2) == 3);
}
