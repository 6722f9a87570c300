// The sizes in which the allocator hands out memory: steps of 16 bytes up to 128, then eight steps
// per doubling up to 64 KiB, so that rounding wastes at most 1/9 of a block.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>

namespace fairlead::shm {

inline constexpr std::size_t kLargestSmall = 64 * 1024;
inline constexpr std::size_t kClasses = 80;
inline constexpr std::size_t kLargeClass = kClasses;  ///< blocks that are chunks of their own

constexpr std::size_t class_of(std::size_t bytes) noexcept {
    if (bytes <= 128) return bytes == 0 ? 0 : (bytes - 1) / 16;
    const auto exponent = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
    return 8 + (exponent - 7) * 8 + (((bytes - 1) >> (exponent - 3)) & 7);
}

constexpr std::size_t class_size(std::size_t index) noexcept {
    if (index < 8) return (index + 1) * 16;
    const std::size_t exponent = 7 + (index - 8) / 8, step = (index - 8) % 8 + 1;
    return (std::size_t{1} << exponent) + (step << (exponent - 3));
}
static_assert(class_of(kLargestSmall) == kClasses - 1);
static_assert(class_size(kClasses - 1) == kLargestSmall);

/// How much a process caches of one class: little enough that caches of all processes together are
/// a small part of the segment, enough that most allocations take no lock. 0: no cache.
constexpr std::size_t cache_limit(std::size_t index, std::size_t segment_bytes) noexcept {
    const std::size_t bytes = std::clamp<std::size_t>(segment_bytes / 4096, 2048, 16 * 1024);
    return std::min<std::size_t>(bytes / class_size(index), 64);
}

}  // namespace fairlead::shm
