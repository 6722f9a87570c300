// Timers for thousands of calls: one queue for each delay, so that setting costs an append.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace fairlead::sipload {

/// Monotonic time in nanoseconds.
using Now = std::chrono::nanoseconds;

/// Says which timer of which use of a slot it was; the owner ignores one that is out of date.
struct Timer {
    std::uint32_t slot = 0, generation = 0;
    std::uint16_t step = 0;     ///< the owner's: what was sent when it was set
    std::uint16_t attempt = 0;  ///< retransmissions so far
};

/// The delays of RFC 3261 17: T1, doubled up to T2; and one long one.
class Timers {
public:
    static constexpr std::chrono::milliseconds kT1{500}, kT2{4000};

    explicit Timers(std::chrono::milliseconds timeout) : timeout_(timeout) {}

    /// Retransmission number `attempt` + 1: after T1 · 2^attempt, at most `cap`.
    void retransmit(Now now, Timer timer, bool cap_at_t2) {
        const std::size_t level = timer.attempt < kLevels ? timer.attempt : kLevels - 1U;
        const std::size_t queue = cap_at_t2 && level > 3 ? 3 : level;
        queues_[queue].push_back({now + kT1 * (1U << queue), timer});
    }
    void expire(Now now, Timer timer) { expiry_.push_back({now + timeout_, timer}); }

    /// The next retransmission that is due, if any.
    [[nodiscard]] std::optional<Timer> due(Now now) {
        for (auto& queue : queues_) {
            if (auto timer = take(queue, now)) return timer;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<Timer> expired(Now now) { return take(expiry_, now); }

private:
    static constexpr std::size_t kLevels = 7;
    struct Entry {
        Now at;
        Timer timer;
    };
    static std::optional<Timer> take(std::deque<Entry>& queue, Now now) {
        if (queue.empty() || queue.front().at > now) return std::nullopt;
        const Timer timer = queue.front().timer;
        queue.pop_front();
        return timer;
    }

    std::chrono::milliseconds timeout_;
    std::array<std::deque<Entry>, kLevels> queues_;
    std::deque<Entry> expiry_;
};

}  // namespace fairlead::sipload
