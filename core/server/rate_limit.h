// Keeps a flood of bad messages from becoming a flood of log lines. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <cstdint>

#include "core/base/clock.h"

namespace fairlead::server {

/// At most `kPerPeriod` lines in each period; what was held back is told with the next line that
/// passes. Per process.
class RateLimit {
public:
    static constexpr std::uint32_t kPerPeriod = 10;
    static constexpr Ms kPeriod{5000};

    /// True when a line may be written now; `held_back` is how many were not since the last one.
    [[nodiscard]] bool allow(Ms now, std::uint64_t& held_back) noexcept {
        if (now - began_ >= kPeriod) {
            began_ = now;
            written_ = 0;
        }
        if (written_ >= kPerPeriod) {
            ++held_back_;
            return false;
        }
        ++written_;
        held_back = held_back_;
        held_back_ = 0;
        return true;
    }

private:
    Ms began_{0};
    std::uint32_t written_ = 0;
    std::uint64_t held_back_ = 0;
};

}  // namespace fairlead::server
