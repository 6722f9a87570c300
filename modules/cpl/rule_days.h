// Which days and times of day a recurrence rule selects inside one of its periods.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <cstdint>

#include "modules/cpl/recurrence.h"

namespace fairlead::cpl {

inline constexpr std::int64_t kDaySeconds = 86400;
inline constexpr int kNoTime = -1;

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
    return a / b - (a % b < 0 ? 1 : 0);
}
constexpr bool has_bit(std::uint64_t set, int n) noexcept {
    return n >= 0 && n < 64 && ((set >> static_cast<unsigned>(n)) & 1U) != 0;
}
constexpr bool has_day(const Rule::Days& set, int n) noexcept {
    return n > 0 && n < 384 && has_bit(set[static_cast<std::size_t>(n) / 64], n % 64);
}

/// The times of one day (or hour, or minute: then the greater parts are the set {0}).
struct TimeSet {
    std::uint64_t second = 1, minute = 1;
    std::uint32_t hour = 1;

    /// The greatest member not above `from`, or kNoTime.
    [[nodiscard]] int at_or_before(int from) const noexcept;
    /// The least member not below `from`, or kNoTime.
    [[nodiscard]] int at_or_after(int from) const noexcept;
    [[nodiscard]] int count() const noexcept {
        return std::popcount(second) * std::popcount(minute) * std::popcount(hour);
    }
    /// The member number `n` from zero; n < count().
    [[nodiscard]] int member(int n) const noexcept;
};

/// The times inside one period of the rule's freq, or inside a day of a longer period.
[[nodiscard]] TimeSet times_of(const Rule& rule) noexcept;

/// True when month, day of the month, day of the year and weekday allow the day (its number since
/// 1970-01-01). The week of the year is the business of `period`.
[[nodiscard]] bool allows_day(const Rule& rule, std::int64_t day) noexcept;

/// First and last day of a period.
struct Span {
    std::int64_t first, last;
};
/// Period number `n`, counted from that of dtstart; freq daily and longer. With byweekno the
/// periods of a yearly rule are years of whole weeks.
[[nodiscard]] Span period(const Rule& rule, std::int64_t n) noexcept;
/// The number of the period that holds the day.
[[nodiscard]] std::int64_t period_of(const Rule& rule, std::int64_t day) noexcept;

/// The days that the rule selects in a period, ascending.
struct DayList {
    std::array<std::int32_t, 372> day;
    int count = 0;
};
[[nodiscard]] DayList days_of(const Rule& rule, const Span& span) noexcept;

/// The offsets (day index * 86400 + time) that bysetpos picks out of a period with so many days,
/// ascending, as numbers of elements: element / times.count() is the day's index.
struct Positions {
    std::array<int, 732> element;
    int count = 0;
};
[[nodiscard]] Positions positions_of(const Rule& rule, int elements) noexcept;
[[nodiscard]] bool has_positions(const Rule& rule) noexcept;

}  // namespace fairlead::cpl
