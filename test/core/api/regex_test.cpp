// Expressions, their options and scans, and the cache of those made at run time.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/regex.h"

#include <catch2/catch.hpp>

using namespace fairlead;

namespace {

std::string first(const Regex& regex, std::string_view text) {
    std::array<std::string_view, 1> groups;
    return regex.search(text, 0, groups) ? std::string(groups[0]) : "none";
}

}  // namespace

TEST_CASE("expressions mean bytes, and what their options say") {
    CHECK(Regex("b.d", {}).matches("a b\nd"));
    CHECK_FALSE(Regex("^b", {}).matches("a\nb"));
    CHECK_FALSE(Regex("B", {}).matches("b"));
    CHECK(Regex("B", {.any_case = true}).matches("b"));
    CHECK(Regex("\\d\\b", {}).matches("7 x"));
    CHECK(Regex("[[:space:]]x", {}).matches("7 x"));
    CHECK(Regex("\xff.", {}).matches("\xff\x80"));
    CHECK(first(Regex("a|ab", {}), "ab") == "a");
    CHECK(first(Regex("a|ab", {.longest = true}), "ab") == "ab");
}

TEST_CASE("by line nothing crosses a line's end") {
    constexpr Regex::Options kLines{.by_line = true};
    CHECK(Regex("^b$", kLines).matches("a\nb\nc"));
    CHECK_FALSE(Regex("a.b", kLines).matches("a\nb"));
    CHECK_FALSE(Regex("a[^x]b", kLines).matches("a\nb"));
    CHECK_FALSE(Regex("a[^]x]b", kLines).matches("a\nb"));
    CHECK_FALSE(Regex("a[^[:digit:]x]b", kLines).matches("a\nb"));
    CHECK(Regex("a\\[^x]b", kLines).ok() == Regex("a\\[^x]b", {}).ok());
    for (const std::string_view open : {"[", "[^", "[^]", "[^[:", "[\\", "a["}) {
        CHECK_FALSE(Regex(open, kLines).ok());
    }
}

TEST_CASE("a wrong expression says why, and groups that took no part are null") {
    const Regex wrong("a(", {});
    CHECK_FALSE(wrong.ok());
    CHECK_FALSE(wrong.problem().empty());
    CHECK(wrong.pattern() == "a(");

    std::array<std::string_view, 20> groups;
    groups.fill("x");
    REQUIRE(Regex("(a)|(b)", {}).search("..b", 1, groups));
    CHECK(groups[0] == "b");
    CHECK(groups[1].data() == nullptr);
    CHECK(groups[2] == "b");
    CHECK(groups[3].data() == nullptr);
    CHECK(groups[19].data() == nullptr);
    CHECK_FALSE(Regex("a", {}).search("a", 2, groups));
}

TEST_CASE("a scan finds all matches, empty ones too") {
    const auto all = [](std::string_view pattern, std::string_view text) {
        const Regex regex(pattern, {});
        std::string out;
        std::array<std::string_view, 1> groups;
        RegexScan scan(regex, text);
        while (scan.next(groups)) out.append(groups[0]).append(",");
        CHECK_FALSE(scan.gave_up());
        CHECK_FALSE(scan.next(groups));
        return out;
    };
    CHECK(all("b+", "abbab") == "bb,b,");
    CHECK(all("x*", "ax") == ",x,,");
    CHECK(all("x", "") == "");
    CHECK(all("$", "") == ",");
}

TEST_CASE("a scan gives up what would cost the square of the text") {
    const std::string text(64 * 1024, 'a');
    std::array<std::string_view, 1> groups;
    const auto found = [&](std::string_view pattern) {
        const Regex regex(pattern, {});
        RegexScan scan(regex, text);
        std::size_t n = 0;
        while (scan.next(groups)) ++n;
        return scan.gave_up() ? 0 : n;
    };
    CHECK(found("a") == text.size());  // nothing is looked at twice
    CHECK(found("[a+*]") == text.size());
    CHECK(found("a{2,4}") == text.size() / 4);
    CHECK(found("a(.*b)?") == 0);
    CHECK(found("a(.{0,}b)?") == 0);
    CHECK(found("a+") == 1);
}

TEST_CASE("the cache keeps the newest") {
    RegexCache cache(2);
    std::string problem;
    const Regex* const a = cache.find("a", {}, problem);
    REQUIRE(a != nullptr);
    CHECK(cache.find("a", {}, problem) == a);
    const Regex* const other = cache.find("a", {.any_case = true}, problem);
    CHECK(other != a);
    CHECK(other->matches("A"));
    CHECK(cache.find("(", {}, problem) == nullptr);
    CHECK_FALSE(problem.empty());
    CHECK(cache.find("(", {}) == nullptr);
    CHECK(cache.find(std::string(RegexCache::kLongest + 1, 'a'), {}, problem) == nullptr);
    CHECK(cache.size() == 2);
    REQUIRE(cache.find("b", {}, problem) != nullptr);  // "a" goes
    CHECK(cache.size() == 2);
    CHECK(cache.find("a", {.any_case = true}, problem) == other);
}

TEST_CASE("regex: an expression that was just asked for outlives one that is made then") {
    RegexCache cache(2);
    const Regex* const a = cache.find("a", {});
    REQUIRE(cache.find("b", {}) != nullptr);
    // A function with two patterns, of which the first is known from long ago.
    REQUIRE(cache.find("a", {}) == a);
    REQUIRE(cache.find("c", {}) != nullptr);
    CHECK(a->matches("a"));
    CHECK(cache.find("a", {}) == a);
    CHECK(cache.size() == 2);
}
