// A recurrence rule in words. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <span>

#include "modules/cpl/listing.h"
#include "modules/cpl/rule_days.h"

namespace fairlead::cpl {

namespace {

constexpr std::array<std::string_view, 8> kUnits{"",    "second", "minute", "hour",
                                                 "day", "week",   "month",  "year"};
constexpr std::array<std::string_view, 7> kDays{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

std::string date_text(std::int64_t day) {
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string time_text(std::int64_t seconds, bool utc) {
    const std::int64_t day = floor_div(seconds, kDaySeconds), rest = seconds - day * kDaySeconds;
    return fmt::format("{} {:02}:{:02}:{:02}{}", date_text(day), rest / 3600, rest / 60 % 60,
                       rest % 60, utc ? " UTC" : "");
}

std::string length_text(std::int64_t days, std::int64_t seconds) {
    std::string out;
    const auto add = [&](std::int64_t n, std::string_view unit) {
        if (n != 0) out += fmt::format("{}{} {}", out.empty() ? "" : " ", n, unit);
    };
    add(days, days == 1 ? "day" : "days");
    add(seconds / 3600, "h");
    add(seconds / 60 % 60, "min");
    add(seconds % 60, "s");
    return out;
}

/// The members of a set, from 1 (or 0) and then those that count from the end.
std::string members(std::span<const std::uint64_t> set, std::span<const std::uint64_t> back = {}) {
    std::string out;
    for (const auto& words : {set, back})
        for (std::size_t n = 0; n < words.size() * 64; ++n)
            if (has_bit(words[n / 64], static_cast<int>(n % 64)))
                out += fmt::format("{}{}{}", out.empty() ? "" : ",",
                                   words.data() == back.data() ? "-" : "", n);
    return out;
}
std::string members(std::uint64_t set, std::uint64_t back) {
    return members(std::span(&set, 1), std::span(&back, back == 0 ? 0 : 1));
}

std::string weekdays(const Rule& r) {
    std::string out;
    const auto add = [&](std::string_view count, std::size_t day) {
        out += fmt::format("{}{}{}", out.empty() ? "" : ",", count, kDays[day]);
    };
    for (std::size_t day = 0; day < kDays.size(); ++day) {
        if (has_bit(r.weekday, static_cast<int>(day))) add("", day);
        for (int n = 1; n < 64; ++n) {
            if (has_bit(r.nth[day], n)) add(fmt::format("{}", n), day);
            if (has_bit(r.nth_back[day], n)) add(fmt::format("-{}", n), day);
        }
    }
    return out;
}

/// The times of day, unless they are that of dtstart only.
std::string times(const Rule& r) {
    const std::int64_t of_start = r.start - floor_div(r.start, kDaySeconds) * kDaySeconds;
    std::string out;
    const auto add = [&](std::uint64_t set, std::int64_t usual, std::string_view name) {
        if (set == 0 || set == std::uint64_t{1} << static_cast<unsigned>(usual)) return;
        out += fmt::format(", {} {}", name, members(set, 0));
    };
    if (r.freq >= Freq::daily) add(r.hour, of_start / 3600, "hours");
    if (r.freq >= Freq::hourly) add(r.minute, of_start / 60 % 60, "minutes");
    if (r.freq >= Freq::minutely) add(r.second, of_start % 60, "seconds");
    return out;
}

std::string end_text(const Rule& r) {
    std::string out;
    switch (r.until_kind) {
        case Rule::Until::never: break;
        case Rule::Until::instant: out = ", until " + time_text(r.until, true); break;
        case Rule::Until::local: out = ", until " + time_text(r.until, false); break;
        case Rule::Until::date: out = ", until " + date_text(r.until); break;
    }
    if (r.last != std::numeric_limits<Instant>::max())
        out += ", last at " + time_text(r.last, true);
    return out;
}

}  // namespace

std::string describe_rule(const Rule& r) {
    std::string out =
        fmt::format("from {} for {}", time_text(r.start, r.utc), length_text(r.days, r.seconds));
    if (r.freq == Freq::none) return out;
    const std::string_view unit = kUnits.at(static_cast<std::size_t>(r.freq));
    out += r.interval == 1 ? fmt::format(", every {}", unit)
                           : fmt::format(", every {} {}s", r.interval, unit);
    const auto add = [&](std::string_view name, const std::string& set) {
        if (!set.empty()) out += fmt::format(", {} {}", name, set);
    };
    add("months", members(r.month, 0));
    add("weeks", members(r.week, r.week_back));
    add("days of the year", members(r.year_day, r.year_day_back));
    add("days of the month", members(r.month_day, r.month_day_back));
    add("on", weekdays(r));
    out += times(r);
    add("of these number", members(r.position, r.position_back));
    if (r.freq == Freq::weekly && r.week_start != 0)
        add("weeks begin on", std::string(kDays.at(r.week_start)));
    return out + end_text(r);
}

}  // namespace fairlead::cpl
