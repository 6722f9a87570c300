// Which worker a datagram belongs to: its Call-ID, found without parsing the message, and a hash
// that the kernel's socket filter computes in the same way (docs/steering.md).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::net {

/// Bytes of a Call-ID that count; what follows them only makes two calls share a worker.
inline constexpr std::size_t kHashedBytes = 40;
inline constexpr std::uint32_t kHashSeed = 2166136261U, kHashFactor = 16777619U;  // FNV-1a
inline constexpr std::uint32_t kHashMix = 0x7feb352dU;

/// The value of the first Call-ID header (or its compact form `i`) up to the first white space;
/// "" when the header section has none. Looks at nothing else: the parser decides what is valid.
[[nodiscard]] std::string_view find_call_id(std::string_view message) noexcept;

[[nodiscard]] constexpr std::uint32_t call_id_hash(std::string_view call_id) noexcept {
    std::uint32_t h = kHashSeed;
    for (const char c : call_id.substr(0, kHashedBytes))
        h = (h ^ static_cast<std::uint8_t>(c)) * kHashFactor;
    h ^= h >> 16;
    h *= kHashMix;
    return h ^ (h >> 15);
}

/// 0-based; `workers` > 0.
[[nodiscard]] constexpr std::uint16_t owner_of(std::string_view call_id,
                                               std::size_t workers) noexcept {
    return static_cast<std::uint16_t>(call_id_hash(call_id) % workers);
}

}  // namespace fairlead::net
