// The condition of CPL's <time>: a period that may recur (RFC 3880 4.4, RFC 5545 3.3.10). Pure: no
// clock, no memory; every evaluation takes a bounded number of steps.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "modules/cpl/zone.h"

namespace fairlead::cpl {

enum class Freq : std::uint8_t { none, secondly, minutely, hourly, daily, weekly, monthly, yearly };

/// One checked condition. Sets are bit sets, the bit's number being the member; `_back` holds the
/// members that count from the end (-1 is bit 1).
struct Rule {
    enum class Until : std::uint8_t { never, instant, local, date };
    using Days = std::array<std::uint64_t, 6>;  ///< bits 1 to 366

    Freq freq = Freq::none;
    Until until_kind = Until::never;
    std::uint8_t week_start = 0;  ///< 0: Monday
    bool utc = false;             ///< dtstart is UTC, and so is the whole rule
    std::uint32_t interval = 1;
    std::int32_t days = 0;     ///< nominal part of the length
    std::int64_t seconds = 0;  ///< exact part
    Local start = 0;
    std::int64_t until = 0;  ///< Instant, Local or number of the day, by until_kind
    Instant last = std::numeric_limits<Instant>::max();  ///< the last start, when count is given

    std::uint64_t second = 0, minute = 0;
    std::uint32_t hour = 0, month_day = 0, month_day_back = 0;
    std::uint16_t month = 0;
    std::uint8_t weekday = 0;                        ///< bit 0: Monday; those without ordinal
    std::array<std::uint64_t, 7> nth{}, nth_back{};  ///< ordinals for each weekday
    std::uint64_t week = 0, week_back = 0;
    Days year_day{}, year_day_back{}, position{}, position_back{};
};

/// The attributes of <time> as written; absent ones are empty, which is never a valid value.
struct TimeText {
    std::string_view dtstart, dtend, duration, freq, interval, until, count, bysecond, byminute,
        byhour, byday, bymonthday, byyearday, byweekno, bymonth, wkst, bysetpos;
};

/// A wrong attribute: its name and what is wrong with it.
struct TimeFault {
    std::string_view attribute;
    std::string text;
};

/// Reads and checks all attributes, turns count into the last start, refuses periods that overlap
/// and rules that cost too much. `zone` is that of floating times; `steps` is what all rules of a
/// script together may take of kScriptSteps, and becomes less.
[[nodiscard]] std::expected<Rule, TimeFault> parse_rule(const TimeText& text, const Zone& zone,
                                                        int& steps);

inline constexpr int kScriptSteps = 100000;

/// True when a period of the rule covers the instant. At most kMaxSteps steps; when they do not
/// suffice (only possible for a rule that parse_rule did not make) the answer is false.
[[nodiscard]] bool covers(const Rule& rule, const Zone& zone, Instant at);

inline constexpr int kMaxSteps = 10000;

/// Calls `visit` for each start in order, dtstart first, until it says false or there are no more.
/// Every start and period takes from `steps`; false when these ran out.
bool each_start(const Rule& rule, const Zone& zone, int& steps,
                const std::function<bool(Local, Instant)>& visit);

}  // namespace fairlead::cpl
