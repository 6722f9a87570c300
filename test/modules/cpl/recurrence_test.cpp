// The condition of <time>: all vectors of the table, daylight saving in both directions, what is
// refused, and the limits on work. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/recurrence.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

using namespace fairlead::cpl;

namespace {

std::vector<std::string> split(const std::string& line, char by) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, by);) fields.push_back(field);
    return fields;
}

/// The value of `name="…"`, "" when it is not there.
std::string_view attribute(std::string_view text, std::string_view name) {
    const std::string wanted = std::string(name) + "=\"";
    std::size_t at = text.find(wanted);
    while (at != text.npos && at != 0 && text[at - 1] != ' ') at = text.find(wanted, at + 1);
    if (at == text.npos) return {};
    text.remove_prefix(at + wanted.size());
    return text.substr(0, text.find('"'));
}

TimeText attributes(std::string_view text) {
    const auto get = [text](std::string_view name) { return attribute(text, name); };
    return {get("dtstart"), get("dtend"),      get("duration"),  get("freq"),     get("interval"),
            get("until"),   get("count"),      get("bysecond"),  get("byminute"), get("byhour"),
            get("byday"),   get("bymonthday"), get("byyearday"), get("byweekno"), get("bymonth"),
            get("wkst"),    get("bysetpos")};
}

/// 2024-01-01T09:00:00Z
Instant instant(const std::string& text) {
    const auto field = [&](std::size_t at, std::size_t length) {
        return std::stoi(text.substr(at, length));
    };
    REQUIRE(text.size() == 20);
    const int y = field(0, 4), mon = field(5, 2), d = field(8, 2);
    const int h = field(11, 2), min = field(14, 2), s = field(17, 2);
    const std::chrono::year_month_day date{std::chrono::year(y),
                                           std::chrono::month(static_cast<unsigned>(mon)),
                                           std::chrono::day(static_cast<unsigned>(d))};
    return std::chrono::sys_days(date).time_since_epoch().count() * 86400 + h * 3600 + min * 60 + s;
}

std::expected<Rule, TimeFault> parsed(std::string_view text, const Zone& zone = Zone::utc()) {
    int steps = kScriptSteps;
    return parse_rule(attributes(text), zone, steps);
}

bool matches(std::string_view zone_name, std::string_view text, const std::string& at) {
    const auto zone = Zone::find(zone_name);
    REQUIRE(zone);
    const auto rule = parsed(text, *zone);
    INFO((rule ? std::string() : std::string(rule.error().attribute) + " " + rule.error().text));
    REQUIRE(rule);
    return covers(*rule, *zone, instant(at));
}

}  // namespace

TEST_CASE("time: every vector of the table has its result") {
    std::ifstream file(FAIRLEAD_CPL_DATA "/time_vectors.tsv");
    int seen = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#') || line.starts_with("id\t")) continue;
        const std::vector<std::string> f = split(line, '\t');
        REQUIRE(f.size() >= 5);
        INFO(line);
        CHECK(matches(f[1], f[2], f[3]) == (f[4] == "1"));
        ++seen;
    }
    CHECK(seen == 221);
}

TEST_CASE("time: every kind of rule on both sides of the changes of daylight saving") {
    // How the table was made, by other means than these: dst_vectors.py.
    std::ifstream file(FAIRLEAD_CPL_DATA "/dst_vectors.tsv");
    int rules = 0, instants = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        const std::vector<std::string> f = split(line, '\t');
        REQUIRE(f.size() == 3);
        INFO(f[0] << ' ' << f[1]);
        const auto zone = Zone::find(f[0]);
        REQUIRE(zone);
        const auto rule = parsed(f[1], *zone);
        INFO(
            (rule ? std::string() : std::string(rule.error().attribute) + " " + rule.error().text));
        REQUIRE(rule);
        ++rules;
        for (const std::string& one : split(f[2], ' ')) {
            INFO(one);
            CHECK(covers(*rule, *zone, instant(one.substr(0, 20))) == one.ends_with("=1"));
            ++instants;
        }
    }
    CHECK(rules == 294);
    CHECK(instants == 4954);
}

TEST_CASE("time: a period on the day when clocks go forward") {
    // Rome, 2024-03-31: 02:00 becomes 03:00 at 01:00Z.
    const auto rome = [](std::string_view text, const std::string& at) {
        return matches("Europe/Rome", text, at);
    };
    constexpr std::string_view hours = R"(dtstart="20240301T010000" duration="PT2H" freq="daily")";
    CHECK_FALSE(rome(hours, "2024-03-30T23:59:59Z"));
    CHECK(rome(hours, "2024-03-31T00:00:00Z"));  // 01:00 in winter
    CHECK(rome(hours, "2024-03-31T01:59:59Z"));  // 03:59:59 in summer: two hours have passed
    CHECK_FALSE(rome(hours, "2024-03-31T02:00:00Z"));
    CHECK(rome(hours, "2024-03-31T23:00:00Z"));  // the next day begins an hour earlier
    constexpr std::string_view day =
        R"(dtstart="20240301T000000" duration="P1D" freq="weekly" byday="SU")";
    CHECK(rome(day, "2024-03-30T23:00:00Z"));
    CHECK(rome(day, "2024-03-31T21:59:59Z"));  // a day of 23 hours
    CHECK_FALSE(rome(day, "2024-03-31T22:00:00Z"));
    constexpr std::string_view exact =
        R"(dtstart="20240301T000000" duration="PT23H" freq="weekly" byday="SU")";
    CHECK(rome(exact, "2024-03-31T21:59:59Z"));
    CHECK_FALSE(rome(exact, "2024-03-31T22:00:00Z"));
}

TEST_CASE("time: a period on the day when clocks go back") {
    // Rome, 2024-10-27: 03:00 becomes 02:00 at 01:00Z.
    const auto rome = [](std::string_view text, const std::string& at) {
        return matches("Europe/Rome", text, at);
    };
    constexpr std::string_view hours = R"(dtstart="20241001T010000" duration="PT2H" freq="daily")";
    CHECK(rome(hours, "2024-10-26T23:00:00Z"));
    CHECK(rome(hours, "2024-10-27T00:59:59Z"));
    CHECK_FALSE(rome(hours, "2024-10-27T01:00:00Z"));  // 02:00 for the second time
    CHECK(rome(hours, "2024-10-28T00:00:00Z"));
    constexpr std::string_view twice = R"(dtstart="20241001T024500" duration="PT10M" freq="daily")";
    CHECK(rome(twice, "2024-10-27T00:50:00Z"));        // the first 02:50
    CHECK_FALSE(rome(twice, "2024-10-27T01:50:00Z"));  // the second
    // A longer period that began at the first 02:45 still runs when the clock shows 02:10 again.
    CHECK(
        rome(R"(dtstart="20241001T024500" duration="PT1H" freq="daily")", "2024-10-27T01:10:00Z"));
    constexpr std::string_view day =
        R"(dtstart="20241001T000000" duration="P1D" freq="weekly" byday="SU")";
    CHECK(rome(day, "2024-10-27T22:59:59Z"));  // a day of 25 hours
    CHECK_FALSE(rome(day, "2024-10-27T23:00:00Z"));
}

TEST_CASE("time: dtstart in a gap takes the offset before it") {
    const char* const text = R"(dtstart="20240331T023000" duration="PT30M")";
    CHECK(matches("Europe/Rome", text, "2024-03-31T01:30:00Z"));
    CHECK_FALSE(matches("Europe/Rome", text, "2024-03-31T02:00:00Z"));
}

TEST_CASE("time: one evaluation leaves no trace in the next") {
    const char* const text = R"(dtstart="20240101T090000" duration="PT1H" freq="daily")";
    CHECK(matches("Asia/Tokyo", text, "2024-03-06T00:30:00Z"));
    CHECK(matches("UTC", text, "2024-03-06T09:30:00Z"));
    CHECK_FALSE(matches("UTC", text, "2024-03-06T00:30:00Z"));
}

TEST_CASE("time: what is wrong is refused, with the attribute's name") {
    const auto refused = [](std::string_view text) {
        const auto rule = parsed(text);
        return rule ? std::string() : std::string(rule.error().attribute);
    };
    const std::string base = R"(dtstart="20240101T090000" duration="PT1H" )";
    CHECK(refused(base).empty());
    CHECK(refused(R"(dtstart="20240230T090000" duration="PT1H")") == "dtstart");
    CHECK(refused(R"(dtstart="20240101T090060" duration="PT1H")") == "dtstart");
    CHECK(refused(R"(dtstart="20240101X090000" duration="PT1H")") == "dtstart");
    CHECK(refused(R"(dtstart="20240101" duration="PT1H")") == "dtstart");
    CHECK(refused(R"(dtstart="20240101T090000")") == "dtend");
    CHECK(refused(R"(dtstart="20240101T090000" dtend="20240101T090000")") == "dtend");
    for (const char* wrong : {"10M", "PT", "P", "PT1H1", "-PT1H", "PT0S", "P1W2D", "PT1M1H", "P1H",
                              "PT99999999999999999999S", "P9999999W"}) {
        INFO(wrong);
        CHECK(refused(std::string(R"(dtstart="20240101T090000" duration=")") + wrong + '"') ==
              "duration");
    }
    const std::vector<std::array<std::string, 2>> rows{
        {"freq=\"hour\"", "freq"},
        {"freq=\"daily\" interval=\"0\"", "interval"},
        {"freq=\"daily\" interval=\"-1\"", "interval"},
        {"freq=\"daily\" wkst=\"M\"", "wkst"},
        {"freq=\"daily\" count=\"0\"", "count"},
        {"freq=\"daily\" count=\"3\" until=\"20240105\"", "count"},
        {"freq=\"daily\" until=\"2024\"", "until"},
        {"freq=\"daily\" byhour=\"24\"", "byhour"},
        {"freq=\"daily\" byminute=\"60\"", "byminute"},
        {"freq=\"daily\" bysecond=\"1,,2\"", "bysecond"},
        {"freq=\"daily\" bymonth=\"0\"", "bymonth"},
        {"freq=\"daily\" bymonth=\"-1\"", "bymonth"},
        {"freq=\"monthly\" bymonthday=\"32\"", "bymonthday"},
        {"freq=\"yearly\" byyearday=\"367\"", "byyearday"},
        {"freq=\"yearly\" byweekno=\"54\"", "byweekno"},
        {"freq=\"monthly\" byweekno=\"5\"", "byweekno"},
        {"freq=\"monthly\" byday=\"6MO\"", "byday"},
        {"freq=\"weekly\" byday=\"1MO\"", "byday"},
        {"freq=\"yearly\" byweekno=\"5\" byday=\"1MO\"", "byday"},
        {"freq=\"daily\" byday=\"XX\"", "byday"},
        {"freq=\"daily\" bysetpos=\"1\"", "bysetpos"},
        {"freq=\"hourly\" count=\"1000000\"", "count"},
        {"freq=\"minutely\" interval=\"30\"", "duration"}};
    for (const auto& [attributes, name] : rows) {
        INFO(attributes);
        CHECK(refused(base + attributes) == name);
    }
}

TEST_CASE("time: rules without any period in them, and with too much in them, end") {
    const std::string base = R"(dtstart="20240101T090000" duration="PT1H" )";
    CHECK_FALSE(matches("UTC", base + R"(freq="monthly" bymonth="2" bymonthday="30")",
                        "2199-01-01T00:00:00Z"));
    CHECK_FALSE(matches("UTC", base + R"(freq="yearly" byyearday="366" bymonth="1")",
                        "2199-01-01T00:00:00Z"));
    const std::string brief = R"(dtstart="20240101T090000" duration="PT1S" )";
    CHECK(matches(
        "UTC",
        brief +
            R"(freq="secondly" bymonth="6" bymonthday="1" byhour="12" byminute="0" bysecond="0")",
        "2199-06-01T12:00:00Z"));
    // What parse_rule would refuse: a period of ten years each second, but never in this century.
    Rule rule;
    rule.freq = Freq::secondly;
    rule.start = instant("2024-01-01T09:00:00Z");
    rule.seconds = 1;
    rule.days = 3650;
    rule.month = 4;
    rule.month_day = 1U << 30U;
    rule.hour = 0xffffff;
    rule.minute = rule.second = ~std::uint64_t{0};
    CHECK_FALSE(covers(rule, Zone::utc(), instant("2199-06-01T12:00:00Z")));
    int steps = 1000;
    CHECK_FALSE(each_start(rule, Zone::utc(), steps, [](Local, Instant) { return true; }));
    CHECK(steps <= 0);
}

TEST_CASE("time: all rules of a script share one allowance") {
    int steps = 600;
    const TimeText text = attributes(R"(dtstart="20240101T090000" duration="PT1H" freq="daily")");
    CHECK_FALSE(parse_rule(text, Zone::utc(), steps).has_value());
    steps = kScriptSteps;
    CHECK(parse_rule(text, Zone::utc(), steps).has_value());
    CHECK(steps < kScriptSteps);
}

TEST_CASE("zone: what has been read once is read by nobody again") {
    Zone::read_all();
    rlimit files{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    const rlimit none{0, files.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto zone = Zone::find("Pacific/Chatham"), alias = Zone::find("US/Samoa");
    const bool found = zone && alias;
    const Instant at = 1'780'000'000;
    const std::int64_t east = zone ? zone->offset(at) : 0, west = alias ? alias->offset(at) : 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK(found);
    CHECK(east == 12 * 3600 + 45 * 60);
    CHECK(west == -11 * 3600);
}

TEST_CASE("zone: what was noted of offsets is what the rules say, on both sides of each change") {
    constexpr Instant kBegin = -86400, kEnd = 2'240'000'000, kStep = 40'020;  // 1969 to 2040
    Zones zones;
    // Some with changes within a week, of half an hour, of a whole day, and in their Ramadan.
    for (const char* name : {"Europe/Rome", "Asia/Gaza", "America/Noronha", "Africa/Casablanca",
                             "Australia/Lord_Howe", "Pacific/Apia", "Etc/GMT+5", ""}) {
        CAPTURE(name);
        const auto noting = zones.find(name);
        const auto plain = *name == '\0' ? Zone::server() : Zone::find(name);
        REQUIRE((noting && plain));
        std::vector<Instant> wrong;
        const auto compare = [&](Instant at) {
            if (noting->offset(at) != plain->offset(at)) wrong.push_back(at);
        };
        for (Instant at = kBegin; at < kEnd; at += kStep) {
            compare(at);
            if (plain->offset(at) == plain->offset(at + kStep)) continue;
            Instant same = at, change = at + kStep;
            while (change - same > 1) {
                const Instant middle = (same + change) / 2;
                (plain->offset(middle) == plain->offset(at) ? same : change) = middle;
            }
            compare(same);
            compare(change);
        }
        for (Instant at = kEnd; at > kBegin; at -= 31 * kStep) compare(at);
        CHECK(wrong.empty());
    }
    CHECK(zones.find("Europe/Rome")->offset(1'780'000'000) == 7200);
    CHECK_FALSE(zones.find("Atlantis/Capital"));
    CHECK(zones.find("UTC")->offset(1'780'000'000) == 0);
}

TEST_CASE("zone: names of the database and nothing else") {
    for (const char* name : {"Europe/Rome", "US/Eastern", "Etc/GMT+5", "UTC"})
        CHECK(Zone::find(name));
    for (const char* name :
         {"", "Atlantis/Capital", "/etc/passwd", "../../etc/passwd", ":/etc/passwd",
          "Europe/../Europe/Rome", "Europe", "zone.tab", "EST5EDT,M3.2.0,M11.1.0"})
        CHECK_FALSE(Zone::find(name));
    CHECK_FALSE(Zone::find(std::string(70000, 'a')));
    CHECK(Zone::known_name("/registry.example/2024/Europe/Rome") == "Europe/Rome");
    CHECK_FALSE(Zone::known_name("/registry.example/Atlantis"));
    CHECK_FALSE(Zone::known_name("/"));
}
