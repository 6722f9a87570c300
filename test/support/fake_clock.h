// Time that stands still until a test moves it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/base/clock.h"

namespace fairlead::test {

class FakeClock final : public Clock {
public:
    [[nodiscard]] Ms now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override {
        return 1'700'000'000 + std::chrono::duration_cast<std::chrono::seconds>(now_).count();
    }
    [[nodiscard]] std::int64_t unix_microseconds() const noexcept override {
        constexpr std::int64_t kStart = 1'700'000'000'000'000;
        return kStart + std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
    }
    void advance(Ms by) noexcept { now_ += by; }

private:
    Ms now_{1'000'000};
};

}  // namespace fairlead::test
