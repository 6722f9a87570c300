// A hash that is the same in all processes and after a restart: for branches and tags that are made
// without state. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

namespace fairlead::server {

/// FNV-1a, 64 bits, parts kept apart, with a final mix. Not a secret and not collision-proof
/// against an attacker, who could only confuse calls of his own.
class StableHash {
public:
    static constexpr std::size_t kText = 16;

    constexpr void add(std::string_view part) noexcept {
        for (const char c : part) step(static_cast<unsigned char>(c));
        step(0x100);  // no byte: "ab","c" and "a","bc" differ
    }
    [[nodiscard]] constexpr std::uint64_t value() const noexcept {
        std::uint64_t h = state_;
        h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
        h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
        return h ^ (h >> 33);
    }
    /// 16 hexadecimal digits into `out` (kText bytes).
    constexpr std::string_view text(char* out) const noexcept {
        std::uint64_t h = value();
        for (std::size_t i = kText; i-- > 0; h >>= 4) out[i] = "0123456789abcdef"[h & 15];
        return {out, kText};
    }

private:
    constexpr void step(std::uint64_t n) noexcept { state_ = (state_ ^ n) * 0x100000001b3ULL; }
    std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace fairlead::server
