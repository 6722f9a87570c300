// Days and times of a period of a recurrence rule. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/rule_days.h"

#include <algorithm>
#include <chrono>

namespace fairlead::cpl {

namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;

std::int64_t number(const sys_days& at) {
    return at.time_since_epoch().count();
}
year_month_day date(std::int64_t n) {
    return year_month_day(sys_days(days(n)));
}
/// 0 is Monday; the epoch was a Thursday.
int weekday_of(std::int64_t n) {
    return static_cast<int>(n - 7 * floor_div(n + 3, 7) + 3);
}
std::int64_t first_of(int y, unsigned m) {
    return number(sys_days(year(y) / month(m) / day(1)));
}
int month_length(const year_month_day& at) {
    return static_cast<int>(static_cast<unsigned>(
        year_month_day_last(at.year() / at.month() / std::chrono::last).day()));
}

int highest(std::uint64_t set, int from) {
    if (from < 0) return -1;
    const std::uint64_t below = from >= 63 ? set : set & ((std::uint64_t{2} << from) - 1);
    return below == 0 ? -1 : 63 - std::countl_zero(below);
}
int lowest(std::uint64_t set, int from) {
    if (from > 63) return -1;
    const std::uint64_t above = set & (~std::uint64_t{0} << from);
    return above == 0 ? -1 : std::countr_zero(above);
}
int nth_bit(std::uint64_t set, int n) {
    for (; n > 0; --n) set &= set - 1;
    return std::countr_zero(set);
}

/// RFC 5545: the first week with at least four days in the year.
std::int64_t week_one(const Rule& rule, int y) {
    const std::int64_t fourth = first_of(y, 1) + 3;
    return fourth - (weekday_of(fourth) - rule.week_start + 7) % 7;
}

bool any(const Rule::Days& set) {
    return std::ranges::any_of(set, [](std::uint64_t word) { return word != 0; });
}

bool allows_weekday(const Rule& rule, std::int64_t n, const year_month_day& at) {
    const int wanted = weekday_of(n);
    if (has_bit(rule.weekday, wanted)) return true;
    const std::size_t row = static_cast<std::size_t>(wanted);
    if (rule.nth[row] == 0 && rule.nth_back[row] == 0) return false;
    // Ordinals count inside the month, or in a yearly rule without months inside the year.
    const bool in_month = rule.freq == Freq::monthly || rule.month != 0;
    const int y = static_cast<int>(at.year());
    const std::int64_t first =
        in_month ? first_of(y, static_cast<unsigned>(at.month())) : first_of(y, 1);
    const std::int64_t length = in_month ? month_length(at) : first_of(y + 1, 1) - first;
    const std::int64_t index = n - first;
    return has_bit(rule.nth[row], static_cast<int>(index / 7 + 1)) ||
           has_bit(rule.nth_back[row], static_cast<int>((length - 1 - index) / 7 + 1));
}

}  // namespace

int TimeSet::at_or_before(int from) const noexcept {
    if (from < 0) return kNoTime;
    const int h = from / 3600, m = from / 60 % 60, s = from % 60;
    if (has_bit(hour, h)) {
        if (has_bit(minute, m))
            if (const int found = highest(second, s); found >= 0) return h * 3600 + m * 60 + found;
        if (const int found = highest(minute, m - 1); found >= 0)
            return h * 3600 + found * 60 + highest(second, 63);
    }
    const int found = highest(hour, h - 1);
    if (found < 0) return kNoTime;
    return found * 3600 + highest(minute, 63) * 60 + highest(second, 63);
}

int TimeSet::at_or_after(int from) const noexcept {
    const int h = from / 3600, m = from / 60 % 60, s = from % 60;
    if (has_bit(hour, h)) {
        if (has_bit(minute, m))
            if (const int found = lowest(second, s); found >= 0) return h * 3600 + m * 60 + found;
        if (const int found = lowest(minute, m + 1); found >= 0)
            return h * 3600 + found * 60 + lowest(second, 0);
    }
    const int found = lowest(hour, h + 1);
    if (found < 0) return kNoTime;
    return found * 3600 + lowest(minute, 0) * 60 + lowest(second, 0);
}

int TimeSet::member(int n) const noexcept {
    const int seconds = std::popcount(second), minutes = std::popcount(minute);
    return nth_bit(hour, n / (seconds * minutes)) * 3600 +
           nth_bit(minute, n / seconds % minutes) * 60 + nth_bit(second, n % seconds);
}

TimeSet times_of(const Rule& rule) noexcept {
    switch (rule.freq) {
        case Freq::secondly: return {};
        case Freq::minutely: return {rule.second, 1, 1};
        case Freq::hourly: return {rule.second, rule.minute, 1};
        default: return {rule.second, rule.minute, rule.hour};
    }
}

bool allows_day(const Rule& rule, std::int64_t n) noexcept {
    const year_month_day at = date(n);
    if (rule.month != 0 &&
        !has_bit(rule.month, static_cast<int>(static_cast<unsigned>(at.month()))))
        return false;
    if (rule.month_day != 0 || rule.month_day_back != 0) {
        const int d = static_cast<int>(static_cast<unsigned>(at.day()));
        if (!has_bit(rule.month_day, d) && !has_bit(rule.month_day_back, month_length(at) - d + 1))
            return false;
    }
    if (any(rule.year_day) || any(rule.year_day_back)) {
        const int y = static_cast<int>(at.year());
        const int d = static_cast<int>(n - first_of(y, 1)) + 1;
        const int length = static_cast<int>(first_of(y + 1, 1) - first_of(y, 1));
        if (!has_day(rule.year_day, d) && !has_day(rule.year_day_back, length - d + 1))
            return false;
    }
    const auto used = [](std::uint64_t set) { return set != 0; };
    const bool by_weekday = rule.weekday != 0 || std::ranges::any_of(rule.nth, used) ||
                            std::ranges::any_of(rule.nth_back, used);
    return !by_weekday || allows_weekday(rule, n, at);
}

Span period(const Rule& rule, std::int64_t n) noexcept {
    const std::int64_t start = floor_div(rule.start, kDaySeconds);
    const year_month_day at = date(start);
    if (rule.freq == Freq::daily) return {start + n, start + n};
    if (rule.freq == Freq::weekly) {
        const std::int64_t first = start - (weekday_of(start) - rule.week_start + 7) % 7 + 7 * n;
        return {first, first + 6};
    }
    if (rule.freq == Freq::monthly) {
        const std::int64_t month = 12 * static_cast<std::int64_t>(static_cast<int>(at.year())) +
                                   static_cast<unsigned>(at.month()) - 1 + n;
        const auto first_day = [](std::int64_t m) {
            return first_of(static_cast<int>(floor_div(m, 12)),
                            static_cast<unsigned>(m - 12 * floor_div(m, 12)) + 1);
        };
        return {first_day(month), first_day(month + 1) - 1};
    }
    const int y = static_cast<int>(static_cast<int>(at.year()) + n);
    if (rule.week != 0 || rule.week_back != 0)
        return {week_one(rule, y), week_one(rule, y + 1) - 1};
    return {first_of(y, 1), first_of(y + 1, 1) - 1};
}

std::int64_t period_of(const Rule& rule, std::int64_t n) noexcept {
    const std::int64_t start = floor_div(rule.start, kDaySeconds);
    const year_month_day from = date(start), at = date(n);
    if (rule.freq == Freq::daily) return n - start;
    if (rule.freq == Freq::weekly) return floor_div(n - period(rule, 0).first, 7);
    const std::int64_t years = static_cast<int>(at.year()) - static_cast<int>(from.year());
    if (rule.freq == Freq::monthly)
        return 12 * years + static_cast<int>(static_cast<unsigned>(at.month())) -
               static_cast<int>(static_cast<unsigned>(from.month()));
    if (n < period(rule, years).first) return years - 1;
    return n > period(rule, years).last ? years + 1 : years;
}

DayList days_of(const Rule& rule, const Span& span) noexcept {
    DayList list;
    const bool by_week = rule.week != 0 || rule.week_back != 0;
    const int weeks = static_cast<int>((span.last - span.first + 1) / 7);
    for (std::int64_t n = span.first; n <= span.last && list.count < 372; ++n) {
        const int week = static_cast<int>((n - span.first) / 7) + 1;
        if (by_week && !has_bit(rule.week, week) && !has_bit(rule.week_back, weeks - week + 1))
            continue;
        if (allows_day(rule, n))
            list.day[static_cast<std::size_t>(list.count++)] = static_cast<std::int32_t>(n);
    }
    return list;
}

bool has_positions(const Rule& rule) noexcept {
    return any(rule.position) || any(rule.position_back);
}

Positions positions_of(const Rule& rule, int elements) noexcept {
    Positions list;
    for (int n = 1; n <= 366; ++n) {
        if (n <= elements && has_day(rule.position, n))
            list.element[static_cast<std::size_t>(list.count++)] = n - 1;
        if (n <= elements && has_day(rule.position_back, n))
            list.element[static_cast<std::size_t>(list.count++)] = elements - n;
    }
    const auto end = list.element.begin() + list.count;
    std::sort(list.element.begin(), end);
    list.count = static_cast<int>(std::unique(list.element.begin(), end) - list.element.begin());
    return list;
}

}  // namespace fairlead::cpl
