// The timer parameters of both generations.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/times.h"

#include <catch2/catch.hpp>

namespace fairlead::test {
namespace {

using tm::GivenTimes;
using tm::TimeName;
using tm::TimerUnits;
using tm::Times;

Times resolved(const GivenTimes& given) {
    const auto times = tm::resolve(given);
    REQUIRE(times);
    return *times;
}

std::string refused(const GivenTimes& given) {
    const auto times = tm::resolve(given);
    return times ? "" : times.error().str();
}

}  // namespace

TEST_CASE("without parameters the defaults are those of the newer generation") {
    const Times times = resolved({});
    CHECK(times.fr == 30000);
    CHECK(times.fr_inv == 120000);
    CHECK(times.wait == 5000);
    CHECK(times.t1 == 500);
    CHECK(times.t2 == 4000);
    CHECK(times.second == 0);
    CHECK(times.guessed.empty());
}

TEST_CASE("a number too small for milliseconds is seconds, and the log says so") {
    GivenTimes given;
    given[TimeName::fr_timer].number = 30;
    given[TimeName::fr_inv_timer].number = 120;
    const Times times = resolved(given);
    CHECK(times.fr == 30000);
    CHECK(times.fr_inv == 120000);
    CHECK(times.guessed == std::vector<std::string>{"fr_timer=30 is read as seconds",
                                                    "fr_inv_timer=120 is read as seconds"});
}

TEST_CASE("numbers that can only be milliseconds are milliseconds") {
    GivenTimes given;
    given[TimeName::fr_timer].number = 200;
    given[TimeName::retr_timer1].number = 100;
    const Times times = resolved(given);
    CHECK(times.fr == 200);
    CHECK(times.t1 == 100);
    CHECK(times.guessed.empty());
}

TEST_CASE("a mixture is refused, with what to do") {
    GivenTimes given;
    given[TimeName::fr_timer].number = 30;
    given[TimeName::retr_timer2].number = 4000;
    CHECK(refused(given) ==
          "fr_timer=30 can only be seconds, retr_timer2=4000 only milliseconds: set timer_units to "
          "\"s\" or \"ms\", or give each its unit (\"30s\", \"500ms\")");
    given.units = TimerUnits::milliseconds;
    CHECK(resolved(given).fr == 30);
    given.units = TimerUnits::seconds;
    CHECK(resolved(given).t2 == 4'000'000);
    CHECK(resolved(given).guessed.empty());
}

TEST_CASE("a time with its unit is what it says beside any other") {
    GivenTimes given;
    given[TimeName::fr_timer].number = 30;
    given[TimeName::retr_timer2].exact = 4000;
    CHECK(resolved(given).fr == 30000);
    CHECK(resolved(given).t2 == 4000);
}

TEST_CASE("the older generation's intervals follow one another, and all its numbers are seconds") {
    GivenTimes given;
    given[TimeName::retr_timer1p1].number = 2;
    given[TimeName::fr_inv_timer].number = 999;
    const Times times = resolved(given);
    CHECK(times.t1 == 2000);
    CHECK(times.second == 4000);
    CHECK(times.third == 8000);
    CHECK(times.t2 == 4000);
    CHECK(times.fr_inv == 999'000);
    given[TimeName::retr_timer1p2].number = 3;
    given[TimeName::retr_timer1p3].exact = 500;
    CHECK(resolved(given).second == 3000);
    CHECK(resolved(given).third == 500);
    given[TimeName::fr_timer].number = 30000;
    CHECK(refused(given).find("fr_timer=30000 only milliseconds") != std::string::npos);
}

TEST_CASE("delete_timer, which only the older generation had, does not turn 30000 into hours") {
    GivenTimes given;
    given[TimeName::delete_timer].exact = 2000;
    given[TimeName::fr_timer].number = 30000;
    CHECK(refused(given).starts_with("retr_timer1p1, 1p2, 1p3 and delete_timer can only be"));
}

TEST_CASE("seconds that do not fit are refused") {
    GivenTimes given;
    given.units = TimerUnits::seconds;
    given[TimeName::fr_timer].number = 30'000'000;
    CHECK(refused(given) == "fr_timer=30000000 seconds is out of range");
}

TEST_CASE("a time is read with its unit") {
    CHECK(*tm::parse_time("500ms") == 500);
    CHECK(*tm::parse_time("30s") == 30000);
    CHECK(*tm::parse_time("2m") == 120000);
    CHECK(*tm::parse_time("7") == 7);
    for (const std::string_view bad : {"", "s", "0s", "-1s", "1h", "1 s", "99999999999", "40000m"})
        CHECK_FALSE(tm::parse_time(bad));
}

}  // namespace fairlead::test
