// Latencies in microseconds, counted in buckets that are at most 1.6 % wide: constant memory,
// constant time per value. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

namespace fairlead::sipload {

class Histogram {
public:
    void add(std::uint64_t microseconds) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    /// The value below or at which this share (0…1) of the values lies, to within a bucket; 0 when
    /// empty.
    [[nodiscard]] std::uint64_t percentile(double share) const noexcept;

private:
    // 1024 buckets for each power of two: values below 1024 are exact, of 10 s it is 8 ms.
    static constexpr unsigned kBits = 10, kPowers = 34;
    static std::size_t index(std::uint64_t value) noexcept;
    static std::uint64_t upper(std::size_t index) noexcept;

    std::array<std::uint64_t, (kPowers + 1) << kBits> buckets_{};
    std::uint64_t count_ = 0, max_ = 0;
};

}  // namespace fairlead::sipload
