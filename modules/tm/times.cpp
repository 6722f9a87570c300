// The timer parameters of both generations.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/times.h"

#include <algorithm>

#include "core/api/text.h"

namespace fairlead::tm {
namespace {

struct Row {
    std::string_view name;
    /// A bare number below it makes sense only as seconds, from it on only as milliseconds.
    std::int64_t first_ms;
};
/// Nobody waits 0.2 s for an answer or lets a telephone ring for a second; nobody asks for 100 s
/// of wait time or a first interval of more than 10 s.
constexpr std::array<Row, static_cast<std::size_t>(TimeName::count)> kRows{{
    {"fr_timer", 200},
    {"fr_inv_timer", 1000},
    {"wt_timer", 100},
    {"delete_timer", 100},
    {"retr_timer1", 11},
    {"retr_timer1p1", 11},
    {"retr_timer1p2", 11},
    {"retr_timer1p3", 11},
    {"retr_timer2", 61},
    {"unix_tx_timeout", 61},
}};

constexpr TimeName nth(std::size_t i) noexcept {
    return static_cast<TimeName>(i);
}

/// Whether a parameter is given that only the older generation had.
bool any_old(const GivenTimes& given) {
    return given[TimeName::delete_timer].is_given() || given[TimeName::retr_timer1p1].is_given() ||
           given[TimeName::retr_timer1p2].is_given() || given[TimeName::retr_timer1p3].is_given();
}

/// What all bare numbers are, or automatic when each speaks for itself.
Result<TimerUnits> units_of(const GivenTimes& given) {
    if (given.units != TimerUnits::automatic) return given.units;
    std::string small, large;
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        const auto number = given[nth(i)].number;
        if (!number || given[nth(i)].exact) continue;
        std::string& list = *number < kRows[i].first_ms ? small : large;
        if (!list.empty()) list += ", ";
        list += std::string(kRows[i].name) + "=" + std::to_string(*number);
    }
    if (large.empty() && (!small.empty() || any_old(given))) return TimerUnits::seconds;
    if (small.empty() && !any_old(given)) return TimerUnits::milliseconds;
    if (small.empty()) small = "retr_timer1p1, 1p2, 1p3 and delete_timer";
    return fail(small + " can only be seconds, " + large +
                " only milliseconds: set timer_units to \"s\" or \"ms\", or give each its unit "
                "(\"30s\", \"500ms\")");
}

Result<std::uint32_t> in_ms(TimeName name, const GivenTime& given, TimerUnits units) {
    if (given.exact) return *given.exact;
    const std::int64_t ms = *given.number * (units == TimerUnits::seconds ? 1000 : 1);
    if (ms < 1 || ms > INT32_MAX)
        return fail(std::string(time_name(name)) + "=" + std::to_string(*given.number) +
                    (units == TimerUnits::seconds ? " seconds" : " ms") + " is out of range");
    return static_cast<std::uint32_t>(ms);
}

}  // namespace

std::string_view time_name(TimeName name) noexcept {
    return kRows[static_cast<std::size_t>(name)].name;
}

Result<std::uint32_t> parse_time(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string_view unit = digits == text.size() ? "ms" : text.substr(digits);
    const auto number = text::parse_uint(text.substr(0, digits), 1'000'000'000);
    const std::uint64_t factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60000 : 0;
    if (!number || *number == 0 || factor == 0 || *number * factor > INT32_MAX)
        return fail("not a time such as \"500ms\", \"30s\" or \"2m\"");
    return static_cast<std::uint32_t>(*number * factor);
}

Result<Times> resolve(const GivenTimes& given) {
    const Result<TimerUnits> units = units_of(given);
    if (!units) return std::unexpected(units.error());
    Times times;
    std::array<std::optional<std::uint32_t>, kRows.size()> ms;
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        const GivenTime& value = given[nth(i)];
        if (!value.is_given()) continue;
        const Result<std::uint32_t> read = in_ms(nth(i), value, *units);
        if (!read) return std::unexpected(read.error());
        ms[i] = *read;
        if (!value.exact && *units == TimerUnits::seconds && given.units == TimerUnits::automatic)
            times.guessed.push_back(std::string(kRows[i].name) + "=" +
                                    std::to_string(*value.number) + " is read as seconds");
    }
    const auto of = [&](TimeName name) { return ms[static_cast<std::size_t>(name)]; };
    times.fr = of(TimeName::fr_timer).value_or(times.fr);
    times.fr_inv = of(TimeName::fr_inv_timer).value_or(times.fr_inv);
    times.wait = of(TimeName::wt_timer).value_or(times.wait);
    times.t2 = of(TimeName::retr_timer2).value_or(times.t2);
    times.unix_tx = of(TimeName::unix_tx_timeout).value_or(times.unix_tx);
    times.t1 = of(TimeName::retr_timer1).value_or(times.t1);
    const auto p1 = of(TimeName::retr_timer1p1), p2 = of(TimeName::retr_timer1p2),
               p3 = of(TimeName::retr_timer1p3);
    if (p1 || p2 || p3) {
        times.t1 = p1.value_or(1000);  // the older generation's default
        times.second = p2.value_or(2 * times.t1);
        times.third = p3.value_or(4 * times.t1);
    }
    return times;
}

}  // namespace fairlead::tm
