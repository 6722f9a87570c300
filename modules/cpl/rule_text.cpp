// Reads the attributes of <time> (RFC 3880 4.4): iCalendar values, their ranges and combinations.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "core/api/text.h"
#include "modules/cpl/recurrence.h"
#include "modules/cpl/rule_days.h"

namespace fairlead::cpl {

namespace {

using text::is_digit;
using text::to_lower;

constexpr int kMinYear = 1900, kMaxYear = 2200;
constexpr std::int64_t kMaxLength = 100 * 366 * kDaySeconds;
constexpr int kMaxSearch = 20000;    ///< starts and periods, to find the last of `count`
constexpr int kOverlapStarts = 500;  ///< starts that are compared with their next
constexpr int kOverlapSteps = 5000;
constexpr std::int64_t kOverlapSpan = 6 * 366 * kDaySeconds;
constexpr std::array<std::string_view, 7> kWeekdays{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::array<std::string_view, 7> kFreqs{"secondly", "minutely", "hourly", "daily",
                                                 "weekly",   "monthly",  "yearly"};

std::unexpected<TimeFault> fault(std::string_view attribute, std::string text) {
    return std::unexpected(TimeFault{attribute, std::move(text)});
}

/// Exactly `count` digits of `s` at `at`; -1 when there is something else.
int digits(std::string_view s, std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (i >= s.size() || !is_digit(s[i])) return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

struct DateTime {
    Local wall = 0;
    bool utc = false, is_date = false;
};

/// YYYYMMDD, YYYYMMDDTHHMMSS or that with a final Z.
std::optional<DateTime> parse_date_time(std::string_view s) {
    namespace ch = std::chrono;
    DateTime at;
    if (s.size() != 8 && s.size() != 15 && s.size() != 16) return std::nullopt;
    const int y = digits(s, 0, 4), mon = digits(s, 4, 2), d = digits(s, 6, 2);
    if (y < kMinYear || y > kMaxYear || mon < 1 || d < 1) return std::nullopt;
    const ch::year_month_day date{ch::year(y), ch::month(static_cast<unsigned>(mon)),
                                  ch::day(static_cast<unsigned>(d))};
    if (!date.ok()) return std::nullopt;
    at.wall = ch::sys_days(date).time_since_epoch().count() * kDaySeconds;
    at.is_date = s.size() == 8;
    if (at.is_date) return at;
    const int h = digits(s, 9, 2), min = digits(s, 11, 2), sec = digits(s, 13, 2);
    const bool fits = h >= 0 && h < 24 && min >= 0 && min < 60 && sec >= 0 && sec < 60;
    if (!fits || to_lower(s[8]) != 't') return std::nullopt;
    at.utc = s.size() == 16;
    if (at.utc && to_lower(s[15]) != 'z') return std::nullopt;
    at.wall += h * 3600 + min * 60 + sec;
    return at;
}

struct Length {
    std::int64_t days = 0, seconds = 0;
};

/// Takes "<digits><letter>" off `s`; nullopt when it is not there.
std::optional<std::int64_t> take_part(std::string_view& s, char letter) {
    std::size_t n = 0;
    while (n < s.size() && is_digit(s[n])) ++n;
    if (n == 0 || n > 9 || n == s.size() || to_lower(s[n]) != letter) return std::nullopt;
    const auto value = text::parse_uint(s.substr(0, n), 999999999);
    s.remove_prefix(n + 1);
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

/// RFC 5545 3.3.6, without a minus; nW alone, or days, hours, minutes, seconds in order.
std::optional<Length> parse_duration(std::string_view s) {
    if (s.starts_with('+')) s.remove_prefix(1);
    if (s.empty() || to_lower(s.front()) != 'p') return std::nullopt;
    s.remove_prefix(1);
    Length length;
    if (const auto weeks = take_part(s, 'w')) {
        length.days = 7 * *weeks;
        return s.empty() ? std::optional(length) : std::nullopt;
    }
    const auto days = take_part(s, 'd');
    length.days = days.value_or(0);
    if (s.empty()) return days ? std::optional(length) : std::nullopt;
    if (to_lower(s.front()) != 't') return std::nullopt;
    s.remove_prefix(1);
    bool any = false;
    for (const auto& [letter, seconds] : {std::pair('h', 3600), {'m', 60}, {'s', 1}}) {
        const auto part = take_part(s, letter);
        any |= part.has_value();
        length.seconds += part.value_or(0) * seconds;
    }
    return any && s.empty() ? std::optional(length) : std::nullopt;
}

/// Calls `add` with each item of a comma-separated list; false for an empty list or item.
template <class Add>
bool each_item(std::string_view list, Add add) {
    for (;;) {
        const std::size_t comma = list.find(',');
        if (!add(text::trim(list.substr(0, comma)))) return false;
        if (comma == list.npos) return true;
        list.remove_prefix(comma + 1);
    }
}

/// A number with an optional sign; nullopt when it is none, or above 999.
std::optional<int> number(std::string_view s) {
    const bool minus = s.starts_with('-');
    if (minus || s.starts_with('+')) s.remove_prefix(1);
    const auto value = text::parse_uint(s, 999);
    if (!value) return std::nullopt;
    return minus ? -static_cast<int>(*value) : static_cast<int>(*value);
}

struct Bounds {
    int min, max;
    bool from_end;  ///< negative numbers count from the end; zero is none
};

/// Fills sets of numbers; `set(n)` gets the number, `back(n)` its negative.
template <class Set, class Back>
bool fill(std::string_view list, Bounds bounds, Set set, Back back) {
    return each_item(list, [&](std::string_view item) {
        const auto n = number(item);
        if (!n || std::abs(*n) > bounds.max || std::abs(*n) < bounds.min) return false;
        if (*n < 0 && !bounds.from_end) return false;
        if (*n < 0)
            back(-*n);
        else
            set(*n);
        return true;
    });
}

class Reader {
public:
    Reader(const TimeText& text, const Zone& zone, int& steps)
        : text_(text), zone_(zone), steps_(steps) {}
    std::expected<Rule, TimeFault> read();

private:
    using Done = std::expected<void, TimeFault>;
    Done read_length();
    Done read_freq();
    Done read_until();
    Done read_times();
    Done read_dates();
    Done read_weekdays();
    Done check_combinations() const;
    Done settle();
    Done find_last();
    Done check_overlap();
    bool add_weekday(std::string_view item);
    /// each_start with at most `max` of the steps that are left.
    bool enumerate(int max, const std::function<bool(Local, Instant)>& visit) {
        const int given = std::min(max, steps_);
        int left = given;
        const bool complete = each_start(rule_, zone_, left, visit);
        steps_ -= given - std::max(0, left);
        return complete;
    }
    [[nodiscard]] bool by_weekday() const { return !text_.byday.empty(); }

    const TimeText& text_;
    const Zone& zone_;
    int& steps_;  ///< left for the whole script
    Rule rule_;
    std::uint64_t count_ = 0;
    bool ordinals_ = false;
};

Reader::Done Reader::read_length() {
    const auto start = parse_date_time(text_.dtstart);
    if (!start || start->is_date)
        return fault("dtstart", "is not a date and time (YYYYMMDDTHHMMSS, or with a final Z)");
    rule_.start = start->wall;
    rule_.utc = start->utc;
    if (text_.dtend.empty() == text_.duration.empty())
        return fault("dtend", "exactly one of dtend and duration must be given");
    if (!text_.duration.empty()) {
        const auto length = parse_duration(text_.duration);
        if (!length) return fault("duration", "is not a duration such as PT8H30M, P1D or P2W");
        if (length->days + length->seconds <= 0) return fault("duration", "must not be zero");
        if (length->days * kDaySeconds + length->seconds > kMaxLength)
            return fault("duration", "is longer than a hundred years");
        rule_.days = static_cast<std::int32_t>(length->days);
        rule_.seconds = length->seconds;
        return {};
    }
    const auto end = parse_date_time(text_.dtend);
    if (!end || end->is_date)
        return fault("dtend", "is not a date and time (YYYYMMDDTHHMMSS, or with a final Z)");
    const auto instant = [&](const DateTime& at) {
        return at.utc ? at.wall : zone_.nearest(at.wall);
    };
    rule_.seconds = instant(*end) - instant(*start);
    if (rule_.seconds <= 0) return fault("dtend", "is not behind dtstart");
    if (rule_.seconds > kMaxLength) return fault("dtend", "is more than a hundred years away");
    return {};
}

Reader::Done Reader::read_freq() {
    const auto* found = std::ranges::find_if(
        kFreqs, [&](std::string_view f) { return text::ci_equal(f, text_.freq); });
    if (found == kFreqs.end())
        return fault("freq",
                     "is none of secondly, minutely, hourly, daily, weekly, monthly, yearly");
    rule_.freq = static_cast<Freq>(1 + (found - kFreqs.begin()));
    if (!text_.interval.empty()) {
        const auto n = text::parse_uint(text_.interval, 1000000);
        if (!n || *n == 0) return fault("interval", "is not a number from 1 to 1000000");
        rule_.interval = static_cast<std::uint32_t>(*n);
    }
    if (!text_.wkst.empty()) {
        const auto* day = std::ranges::find_if(
            kWeekdays, [&](std::string_view d) { return text::ci_equal(d, text_.wkst); });
        if (day == kWeekdays.end()) return fault("wkst", "is not a weekday (MO, TU, …)");
        rule_.week_start = static_cast<std::uint8_t>(day - kWeekdays.begin());
    }
    return {};
}

Reader::Done Reader::read_until() {
    if (!text_.until.empty() && !text_.count.empty())
        return fault("count", "until and count exclude each other");
    if (!text_.count.empty()) {
        const auto n = text::parse_uint(text_.count, 1000000000);
        if (!n || *n == 0) return fault("count", "is not a positive number");
        count_ = *n;
    }
    if (text_.until.empty()) return {};
    const auto until = parse_date_time(text_.until);
    if (!until) return fault("until", "is not a date, nor a date and time");
    rule_.until = until->is_date ? floor_div(until->wall, kDaySeconds) : until->wall;
    rule_.until_kind = until->is_date ? Rule::Until::date
                       : until->utc   ? Rule::Until::instant
                                      : Rule::Until::local;
    return {};
}

Reader::Done Reader::read_times() {
    const auto none = [](int) {};
    const auto into = [](auto& set) {
        return [&set](int n) {
            set |= static_cast<std::remove_reference_t<decltype(set)>>(std::uint64_t{1} << n);
        };
    };
    if (!text_.bysecond.empty() && !fill(text_.bysecond, {0, 59, false}, into(rule_.second), none))
        return fault("bysecond", "is not a list of numbers from 0 to 59");
    if (!text_.byminute.empty() && !fill(text_.byminute, {0, 59, false}, into(rule_.minute), none))
        return fault("byminute", "is not a list of numbers from 0 to 59");
    if (!text_.byhour.empty() && !fill(text_.byhour, {0, 23, false}, into(rule_.hour), none))
        return fault("byhour", "is not a list of numbers from 0 to 23");
    if (!text_.bymonth.empty() && !fill(text_.bymonth, {1, 12, false}, into(rule_.month), none))
        return fault("bymonth", "is not a list of numbers from 1 to 12");
    if (!text_.bymonthday.empty() &&
        !fill(text_.bymonthday, {1, 31, true}, into(rule_.month_day), into(rule_.month_day_back)))
        return fault("bymonthday", "is not a list of numbers from 1 to 31 or -31 to -1");
    if (!text_.byweekno.empty() &&
        !fill(text_.byweekno, {1, 53, true}, into(rule_.week), into(rule_.week_back)))
        return fault("byweekno", "is not a list of numbers from 1 to 53 or -53 to -1");
    return {};
}

Reader::Done Reader::read_dates() {
    const auto into = [](Rule::Days& set) {
        return [&set](int n) {
            set[static_cast<std::size_t>(n) / 64] |= std::uint64_t{1} << (n % 64);
        };
    };
    if (!text_.byyearday.empty() &&
        !fill(text_.byyearday, {1, 366, true}, into(rule_.year_day), into(rule_.year_day_back)))
        return fault("byyearday", "is not a list of numbers from 1 to 366 or -366 to -1");
    if (!text_.bysetpos.empty() &&
        !fill(text_.bysetpos, {1, 366, true}, into(rule_.position), into(rule_.position_back)))
        return fault("bysetpos", "is not a list of numbers from 1 to 366 or -366 to -1");
    return {};
}

bool Reader::add_weekday(std::string_view item) {
    if (item.size() < 2) return false;
    const std::string_view name = item.substr(item.size() - 2);
    const auto* day = std::ranges::find_if(
        kWeekdays, [&](std::string_view d) { return text::ci_equal(d, name); });
    if (day == kWeekdays.end()) return false;
    const auto row = static_cast<std::size_t>(day - kWeekdays.begin());
    if (item.size() == 2) {
        rule_.weekday = static_cast<std::uint8_t>(rule_.weekday | (1U << row));
        return true;
    }
    const auto n = number(item.substr(0, item.size() - 2));
    const bool in_month = rule_.freq == Freq::monthly || rule_.month != 0;
    if (!n || *n == 0 || std::abs(*n) > (in_month ? 5 : 53)) return false;
    (*n > 0 ? rule_.nth : rule_.nth_back)[row] |= std::uint64_t{1} << std::abs(*n);
    ordinals_ = true;
    return true;
}

Reader::Done Reader::read_weekdays() {
    if (text_.byday.empty()) return {};
    if (!each_item(text_.byday, [this](std::string_view item) { return add_weekday(item); }))
        return fault("byday", "is not a list of weekdays, with or without a number that fits");
    return {};
}

Reader::Done Reader::check_combinations() const {
    if (!text_.byweekno.empty() && rule_.freq != Freq::yearly)
        return fault("byweekno", "goes with a yearly rule only");
    if (ordinals_ && rule_.freq != Freq::monthly && rule_.freq != Freq::yearly)
        return fault("byday", "numbers before weekdays go with monthly and yearly rules only");
    if (ordinals_ && !text_.byweekno.empty())
        return fault("byday", "numbers before weekdays do not go together with byweekno");
    const auto given = [](std::string_view s) { return !s.empty(); };
    const bool other = std::ranges::any_of(
        std::array{text_.bysecond, text_.byminute, text_.byhour, text_.byday, text_.bymonthday,
                   text_.byyearday, text_.byweekno, text_.bymonth},
        given);
    if (!text_.bysetpos.empty() && !other)
        return fault("bysetpos", "needs another attribute that begins with by");
    return {};
}

/// What the attributes leave open comes from dtstart.
Reader::Done Reader::settle() {
    if (const Done done = check_combinations(); !done) return done;
    namespace ch = std::chrono;
    const auto time = rule_.start - kDaySeconds * floor_div(rule_.start, kDaySeconds);
    const ch::year_month_day date{ch::sys_days(ch::days(floor_div(rule_.start, kDaySeconds)))};
    constexpr std::uint64_t kSixty = (std::uint64_t{1} << 60) - 1;
    const auto bit = [](std::int64_t n) { return std::uint64_t{1} << n; };
    const bool by_day = by_weekday() || rule_.month_day != 0 || rule_.month_day_back != 0;
    const bool by_year = !text_.byweekno.empty() || !text_.byyearday.empty();
    const auto start_weekday =
        static_cast<std::uint8_t>(1U << (ch::weekday(ch::sys_days(date)).iso_encoding() - 1));

    if (rule_.second == 0) rule_.second = rule_.freq >= Freq::minutely ? bit(time % 60) : kSixty;
    if (rule_.minute == 0) rule_.minute = rule_.freq >= Freq::hourly ? bit(time / 60 % 60) : kSixty;
    if (rule_.hour == 0)
        rule_.hour =
            rule_.freq >= Freq::daily ? static_cast<std::uint32_t>(bit(time / 3600)) : 0xffffffU;
    const auto start_day = static_cast<std::uint32_t>(bit(static_cast<unsigned>(date.day())));
    if (rule_.freq == Freq::weekly && !by_weekday()) rule_.weekday = start_weekday;
    if (rule_.freq == Freq::monthly && !by_day) rule_.month_day = start_day;
    if (rule_.freq != Freq::yearly || by_day) return {};
    if (!by_year) {
        rule_.month_day = start_day;
        if (rule_.month == 0)
            rule_.month = static_cast<std::uint16_t>(bit(static_cast<unsigned>(date.month())));
    } else if (text_.byyearday.empty()) {
        rule_.weekday = start_weekday;
    }
    return {};
}

/// Turns `count` into the instant of the last start, so that a call need not count.
Reader::Done Reader::find_last() {
    if (count_ == 0) return {};
    std::uint64_t seen = 0;
    Instant last = 0;
    const bool complete = enumerate(kMaxSearch, [&](Local, Instant begin) {
        last = begin;
        return ++seen < count_;
    });
    if (!complete) return fault("count", "takes too long to find the last of so many periods");
    rule_.last = last;
    return {};
}

/// RFC 3880 4.4: consecutive periods must not overlap. Days are compared by the wall clock, so that
/// an hour lost in spring is no overlap.
Reader::Done Reader::check_overlap() {
    const bool by_wall = rule_.freq >= Freq::daily;
    const std::int64_t length = rule_.days * kDaySeconds + rule_.seconds;
    std::optional<std::int64_t> before;
    const std::int64_t horizon = rule_.start + kOverlapSpan;
    int seen = 0;
    bool overlap = false;
    enumerate(kOverlapSteps, [&](Local wall, Instant begin) {
        const std::int64_t at = by_wall ? wall : begin;
        overlap = before && *before + length > at;
        before = at;
        return !overlap && ++seen < kOverlapStarts && wall < horizon;
    });
    if (steps_ <= 0) return fault("freq", "costs too much together with the script's other times");
    if (!overlap) return {};
    return fault(text_.duration.empty() ? "dtend" : "duration",
                 "is longer than the time to the next period");
}

std::expected<Rule, TimeFault> Reader::read() {
    if (const Done done = read_length(); !done) return std::unexpected(done.error());
    if (text_.freq.empty()) return rule_;  // RFC 3880 4.4: all other attributes are ignored
    for (const auto part :
         {&Reader::read_freq, &Reader::read_until, &Reader::read_times, &Reader::read_dates,
          &Reader::read_weekdays, &Reader::settle, &Reader::find_last, &Reader::check_overlap}) {
        if (const Done done = (this->*part)(); !done) return std::unexpected(done.error());
    }
    return rule_;
}

}  // namespace

std::expected<Rule, TimeFault> parse_rule(const TimeText& text, const Zone& zone, int& steps) {
    return Reader(text, zone, steps).read();
}

}  // namespace fairlead::cpl
