// Time: monotonic milliseconds, and the one interface through which anything asks for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>

namespace fairlead {

using Ms = std::chrono::milliseconds;

/// Monotonic time. Production code is handed the loop's clock, tests a FakeClock.
class Clock {
public:
    /// Milliseconds since an arbitrary fixed point, the same in all processes; never goes back.
    /// Workers get the time at which the current batch of events began, not a new system call.
    [[nodiscard]] virtual Ms now() const noexcept = 0;
    /// Seconds since 1970 (wall clock) for texts, dates and expiry values shown to people.
    [[nodiscard]] virtual std::int64_t unix_seconds() const noexcept = 0;
    /// The same in microseconds, at the time of the call.
    [[nodiscard]] virtual std::int64_t unix_microseconds() const noexcept = 0;
    /// now() in nanoseconds: for measuring, without a system call.
    [[nodiscard]] virtual std::int64_t ns() const noexcept { return now().count() * 1'000'000; }
    /// The same at the time of the call: what ns() gave earlier taken off it is how long something
    /// took.
    [[nodiscard]] virtual std::int64_t exact_ns() const noexcept { return ns(); }

protected:
    ~Clock() = default;
};

/// CLOCK_MONOTONIC, read at each call.
class SystemClock final : public Clock {
public:
    [[nodiscard]] Ms now() const noexcept override {
        return std::chrono::duration_cast<Ms>(std::chrono::steady_clock::now().time_since_epoch());
    }
    [[nodiscard]] std::int64_t ns() const noexcept override {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }
    [[nodiscard]] std::int64_t exact_ns() const noexcept override { return ns(); }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override {
        return std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
    [[nodiscard]] std::int64_t unix_microseconds() const noexcept override {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
};

}  // namespace fairlead
