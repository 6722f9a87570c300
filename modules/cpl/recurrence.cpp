// Evaluation of recurring periods: from the instant asked about backwards to the last start before
// it, never from dtstart onwards. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/recurrence.h"

#include <algorithm>

#include "modules/cpl/rule_days.h"

namespace fairlead::cpl {

namespace {

constexpr std::int64_t unit_of(Freq freq) {
    return freq == Freq::hourly ? 3600 : freq == Freq::minutely ? 60 : 1;
}
constexpr bool is_sub_day(Freq freq) {
    return freq == Freq::secondly || freq == Freq::minutely || freq == Freq::hourly;
}

/// One evaluation: rule, zone of the rule, and the steps that are left.
class Walk {
public:
    Walk(const Rule& rule, const Zone& zone, int& steps)
        : rule_(rule),
          zone_(rule.utc ? Zone::utc() : zone),
          start_(zone_.nearest(rule.start)),
          times_(times_of(rule)),
          steps_(steps) {}

    bool covers(Instant at) const;
    bool forward(const std::function<bool(Local, Instant)>& visit);

private:
    using Visit = std::function<bool(Local)>;

    /// Seconds after which no period that began can still be running.
    [[nodiscard]] std::int64_t reach() const {
        return rule_.days * kDaySeconds + rule_.seconds + (rule_.days > 0 ? kDaySeconds : 0);
    }
    [[nodiscard]] Instant end_of(Local wall, Instant begin) const {
        if (rule_.days == 0) return begin + rule_.seconds;
        return zone_.nearest(wall + rule_.days * kDaySeconds) + rule_.seconds;
    }
    [[nodiscard]] bool within_until(Local wall, Instant begin) const {
        switch (rule_.until_kind) {
            case Rule::Until::instant: return begin <= rule_.until && begin <= rule_.last;
            case Rule::Until::local: return wall <= rule_.until && begin <= rule_.last;
            case Rule::Until::date:
                return floor_div(wall, kDaySeconds) <= rule_.until && begin <= rule_.last;
            case Rule::Until::never: break;
        }
        return begin <= rule_.last;
    }
    bool step() const { return --steps_ > 0; }
    /// The days of a period; a step for every 16 that are looked at.
    [[nodiscard]] DayList take_days(std::int64_t n) const {
        const Span span = period(rule_, n);
        steps_ -= static_cast<int>((span.last - span.first) / 16);
        return days_of(rule_, span);
    }

    bool covered_by_days(Instant at) const;
    bool covered_by_units(Instant at) const;
    void days_down(std::int64_t n, Local from, const Visit& visit) const;
    bool days_up(std::int64_t n, Local from, const Visit& visit) const;
    [[nodiscard]] bool allows_unit(Local wall) const;
    [[nodiscard]] std::int64_t skip_unit(std::int64_t k, Local wall, bool up) const;
    void units_in(Instant base, bool up, const Visit& visit) const;
    bool forward_days(const std::function<bool(Local, Instant)>& visit);
    bool forward_units(const std::function<bool(Local, Instant)>& visit);

    /// Where the periods of an hourly, minutely or secondly rule are counted from.
    [[nodiscard]] Instant unit_base() const {
        return start_ -
               (rule_.start - unit_of(rule_.freq) * floor_div(rule_.start, unit_of(rule_.freq)));
    }
    [[nodiscard]] std::int64_t unit_step() const { return unit_of(rule_.freq) * rule_.interval; }

    const Rule& rule_;
    Zone zone_;
    Instant start_;
    TimeSet times_;
    int& steps_;
};

bool Walk::covers(Instant at) const {
    if (at < start_) return false;
    if (at < end_of(rule_.start, start_)) return true;
    if (rule_.freq == Freq::none || rule_.interval == 0) return false;
    return is_sub_day(rule_.freq) ? covered_by_units(at) : covered_by_days(at);
}

/// The starts of period `n` at or before `from`, latest first.
void Walk::days_down(std::int64_t n, Local from, const Visit& visit) const {
    const DayList days = take_days(n);
    if (has_positions(rule_)) {
        const int each = times_.count();
        const Positions list = positions_of(rule_, days.count * each);
        for (int i = list.count; i-- > 0;) {
            const int element = list.element[static_cast<std::size_t>(i)];
            const Local wall = days.day[static_cast<std::size_t>(element / each)] * kDaySeconds +
                               times_.member(element % each);
            if (wall <= from && !visit(wall)) return;
        }
        return;
    }
    const std::int64_t last_day = floor_div(from, kDaySeconds);
    for (int i = days.count; i-- > 0;) {
        const std::int64_t day = days.day[static_cast<std::size_t>(i)];
        if (day > last_day) continue;
        const int latest = day == last_day ? static_cast<int>(from - day * kDaySeconds) : 86399;
        for (int time = times_.at_or_before(latest); time != kNoTime;
             time = times_.at_or_before(time - 1)) {
            if (!visit(day * kDaySeconds + time)) return;
        }
    }
}

bool Walk::covered_by_days(Instant at) const {
    // In the hours after clocks were put back a greater wall time may lie before `at`.
    const std::int64_t offset = zone_.offset(at);
    const std::int64_t back = std::max<std::int64_t>(0, zone_.offset(at - kDaySeconds) - offset);
    const Local from = at + offset + back;
    std::int64_t n = period_of(rule_, floor_div(from, kDaySeconds));
    n -= n - rule_.interval * floor_div(n, rule_.interval);
    bool found = false, more = true;
    for (; n >= 0 && more && step(); n -= rule_.interval) {
        const Local period_end = (period(rule_, n).last + 2) * kDaySeconds;
        if (period_end + kDaySeconds + reach() <= at) break;
        days_down(n, from, [&](Local wall) {
            if (!step()) return more = false;
            const auto begin = zone_.instant(wall);
            if (!begin || *begin > at) return true;
            if (*begin <= start_) return more = false;
            if (!within_until(wall, *begin)) return true;
            found = at < end_of(wall, *begin);
            return more = !found && *begin + reach() > at;
        });
    }
    return found;
}

bool Walk::allows_unit(Local wall) const {
    if (!allows_day(rule_, floor_div(wall, kDaySeconds))) return false;
    const std::int64_t time = wall - kDaySeconds * floor_div(wall, kDaySeconds);
    if (!has_bit(rule_.hour, static_cast<int>(time / 3600))) return false;
    if (rule_.freq == Freq::hourly) return true;
    if (!has_bit(rule_.minute, static_cast<int>(time / 60 % 60))) return false;
    return rule_.freq == Freq::minutely || has_bit(rule_.second, static_cast<int>(time % 60));
}

/// The next period behind (or before) the day, hour or minute that does not allow period `k`.
std::int64_t Walk::skip_unit(std::int64_t k, Local wall, bool up) const {
    const std::int64_t day = floor_div(wall, kDaySeconds);
    std::int64_t part = 60;
    if (!allows_day(rule_, day)) {
        part = kDaySeconds;
    } else if (!has_bit(rule_.hour, static_cast<int>((wall - day * kDaySeconds) / 3600))) {
        part = 3600;
    } else if (rule_.freq != Freq::secondly ||
               has_bit(rule_.minute,
                       static_cast<int>(floor_div(wall, 60) - 60 * floor_div(wall, 3600)))) {
        return up ? k + 1 : k - 1;
    }
    const Local begin = part * floor_div(wall, part);
    const std::int64_t base = unit_base();
    if (up) return std::max(k + 1, -floor_div(base - zone_.nearest(begin + part), unit_step()));
    return std::min(k - 1, floor_div(zone_.nearest(begin) - 1 - base, unit_step()));
}

/// The starts of one hour, minute or second, as seconds since `base`.
void Walk::units_in(Instant base, bool up, const Visit& visit) const {
    if (!has_positions(rule_)) {
        int time = up ? times_.at_or_after(0) : times_.at_or_before(3599);
        while (time != kNoTime && visit(base + time))
            time = up ? times_.at_or_after(time + 1) : times_.at_or_before(time - 1);
        return;
    }
    const Positions list = positions_of(rule_, times_.count());
    for (int i = 0; i < list.count; ++i) {
        const int index = up ? i : list.count - 1 - i;
        if (!visit(base + times_.member(list.element[static_cast<std::size_t>(index)]))) return;
    }
}

bool Walk::covered_by_units(Instant at) const {
    const Instant base = unit_base();
    bool found = false, more = true;
    for (std::int64_t k = floor_div(at - base, unit_step()); k >= 0 && more && step();) {
        const Instant begin = base + k * unit_step();
        if (begin + unit_of(rule_.freq) + reach() <= at) break;
        const Local wall = zone_.local(begin);
        if (!allows_unit(wall)) {
            k = skip_unit(k, wall, false);
            continue;
        }
        units_in(begin, false, [&](Instant s) {
            if (!step()) return more = false;
            if (s > at) return true;
            if (s <= start_) return more = false;
            if (!within_until(zone_.local(s), s)) return true;
            found = at < end_of(zone_.local(s), s);
            return more = !found && s + reach() > at;
        });
        --k;
    }
    return found;
}

/// The starts of period `n` at or behind `from`, earliest first; false when `visit` ended it.
bool Walk::days_up(std::int64_t n, Local from, const Visit& visit) const {
    const DayList days = take_days(n);
    if (has_positions(rule_)) {
        const int each = times_.count();
        const Positions list = positions_of(rule_, days.count * each);
        for (int i = 0; i < list.count; ++i) {
            const int element = list.element[static_cast<std::size_t>(i)];
            const Local wall = days.day[static_cast<std::size_t>(element / each)] * kDaySeconds +
                               times_.member(element % each);
            if (wall >= from && !visit(wall)) return false;
        }
        return true;
    }
    for (int i = 0; i < days.count; ++i) {
        const std::int64_t day = days.day[static_cast<std::size_t>(i)];
        const std::int64_t earliest = std::max<std::int64_t>(0, from - day * kDaySeconds);
        if (earliest >= kDaySeconds) continue;
        for (int time = times_.at_or_after(static_cast<int>(earliest)); time != kNoTime;
             time = times_.at_or_after(time + 1)) {
            if (!visit(day * kDaySeconds + time)) return false;
        }
    }
    return true;
}

bool Walk::forward_days(const std::function<bool(Local, Instant)>& visit) {
    const std::int64_t first = period_of(rule_, floor_div(rule_.start, kDaySeconds));
    for (std::int64_t n = std::max<std::int64_t>(0, first);; n += rule_.interval) {
        if (!step()) return false;
        bool within = true;
        const bool more = days_up(n, rule_.start, [&](Local wall) {
            if (!step()) return false;
            const auto begin = zone_.instant(wall);
            if (!begin || *begin <= start_) return true;
            within = within_until(wall, *begin);
            return within && visit(wall, *begin);
        });
        if (!more) return steps_ > 0;
    }
}

bool Walk::forward_units(const std::function<bool(Local, Instant)>& visit) {
    for (std::int64_t k = 0;;) {
        if (!step()) return false;
        const Instant base = unit_base() + k * unit_step();
        const Local wall = zone_.local(base);
        if (!allows_unit(wall)) {
            k = skip_unit(k, wall, true);
            continue;
        }
        bool more = true;
        units_in(base, true, [&](Instant s) {
            if (!step()) return more = false;
            if (s <= start_) return true;
            return more = within_until(zone_.local(s), s) && visit(zone_.local(s), s);
        });
        if (!more) return steps_ > 0;
        ++k;
    }
}

bool Walk::forward(const std::function<bool(Local, Instant)>& visit) {
    if (!visit(rule_.start, start_) || rule_.freq == Freq::none) return true;
    return is_sub_day(rule_.freq) ? forward_units(visit) : forward_days(visit);
}

}  // namespace

bool covers(const Rule& rule, const Zone& zone, Instant at) {
    int steps = kMaxSteps;
    return Walk(rule, zone, steps).covers(at);
}

bool each_start(const Rule& rule, const Zone& zone, int& steps,
                const std::function<bool(Local, Instant)>& visit) {
    return Walk(rule, zone, steps).forward(visit);
}

}  // namespace fairlead::cpl
