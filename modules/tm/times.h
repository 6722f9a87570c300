// The timer parameters of both generations: seconds and three fixed intervals in the older one,
// milliseconds and doubling in the newer. Pure. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace fairlead::tm {

/// The parameters whose unit is a question.
enum class TimeName : std::uint8_t {
    fr_timer,
    fr_inv_timer,
    wt_timer,
    delete_timer,
    retr_timer1,
    retr_timer1p1,
    retr_timer1p2,
    retr_timer1p3,
    retr_timer2,
    unix_tx_timeout,
    count
};

/// As the configuration gives it: a bare number, or a text with its unit ("30s", "500ms", "2m").
struct GivenTime {
    std::optional<std::int64_t> number;
    std::optional<std::uint32_t> exact;  ///< milliseconds; wins over a number
    [[nodiscard]] bool is_given() const noexcept { return number || exact; }
};

enum class TimerUnits : std::uint8_t { automatic, seconds, milliseconds };

struct GivenTimes {
    std::array<GivenTime, static_cast<std::size_t>(TimeName::count)> values;
    TimerUnits units = TimerUnits::automatic;
    [[nodiscard]] GivenTime& operator[](TimeName n) { return values[static_cast<std::size_t>(n)]; }
    [[nodiscard]] const GivenTime& operator[](TimeName n) const {
        return values[static_cast<std::size_t>(n)];
    }
};

/// All in milliseconds.
struct Times {
    std::uint32_t fr = 30000, fr_inv = 120000, wait = 5000;
    std::uint32_t t1 = 500, t2 = 4000;
    /// The second and third interval of the older generation, after which T2 follows; 0: doubling.
    std::uint32_t second = 0, third = 0;
    std::uint32_t unix_tx = 500;
    std::vector<std::string> guessed;  ///< a line for the log per bare number read as seconds
};

/// "fr_timer", … as modparam has it.
[[nodiscard]] std::string_view time_name(TimeName name) noexcept;

/// "30s", "500ms", "2m", or digits alone, which are milliseconds; at most 24 days.
[[nodiscard]] Result<std::uint32_t> parse_time(std::string_view text);

/// `timer_units` decides what bare numbers are. With `automatic` they are what makes sense: seconds
/// when they are too small for milliseconds, or when retr_timer1p1, 1p2, 1p3 or delete_timer is
/// there, which only the older generation had. An error when some can only be seconds and others
/// only milliseconds.
[[nodiscard]] Result<Times> resolve(const GivenTimes& given);

}  // namespace fairlead::tm
