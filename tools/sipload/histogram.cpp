// Log-linear buckets. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fairlead::sipload {

std::size_t Histogram::index(std::uint64_t value) noexcept {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kBits) return value;
    const unsigned power = std::min(width - kBits, kPowers);
    const std::uint64_t place =
        std::min<std::uint64_t>(value >> (power - 1), (2U << kBits) - 1) - (1U << kBits);
    return (static_cast<std::size_t>(power) << kBits) + place;
}

std::uint64_t Histogram::upper(std::size_t index) noexcept {
    const std::size_t power = index >> kBits, place = index & ((1U << kBits) - 1);
    if (power == 0) return place;
    return (((place + (1U << kBits)) + 1) << (power - 1)) - 1;
}

void Histogram::add(std::uint64_t microseconds) noexcept {
    ++buckets_[index(microseconds)];
    ++count_;
    max_ = std::max(max_, microseconds);
}

std::uint64_t Histogram::percentile(double share) const noexcept {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(upper(i), max_);
    }
    return max_;
}

}  // namespace fairlead::sipload
