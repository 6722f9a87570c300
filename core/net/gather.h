// When a busy worker waits a moment before it reads, so that one system call serves several
// datagrams. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>

namespace fairlead::net {

/// Like the interrupt moderation of network cards: below a rate at which several datagrams would
/// come within the pause there is none, so a lone message is never late. Of one process.
class Gather {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::microseconds;

    /// `pause` is how long to wait; 0 never waits.
    explicit Gather(Duration pause) noexcept : pause_(pause) {}

    /// A datagram came: read from a socket or handed over by another worker.
    void count() noexcept { ++count_; }
    /// How long to wait before the next look at the sockets: the pause or nothing.
    [[nodiscard]] Duration wait(Time now) noexcept {
        if (pause_ == Duration::zero()) return {};
        if (now - since_ >= kWindow) measure(now);
        return is_worth_it_ ? pause_ : Duration::zero();
    }

private:
    /// Long enough to see a rate, short enough to notice when it ends.
    static constexpr std::chrono::milliseconds kWindow{5};
    /// Datagrams within a pause that make it worth its own system call.
    static constexpr std::uint64_t kWorth = 2;

    void measure(Time now) noexcept {
        const auto passed = std::chrono::duration_cast<Duration>(now - since_);
        is_worth_it_ = count_ * static_cast<std::uint64_t>(pause_.count()) >=
                       kWorth * static_cast<std::uint64_t>(passed.count());
        since_ = now;
        count_ = 0;
    }

    Duration pause_;
    Time since_{};
    std::uint64_t count_ = 0;
    bool is_worth_it_ = false;
};

}  // namespace fairlead::net
