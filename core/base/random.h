// Random numbers for tags, branches and Call-IDs: fast, seedable in tests, reseeded after fork.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace fairlead {

/// xoshiro256**. Not for secrets: keys and nonces come from OpenSSL.
class Random {
public:
    /// Seeds from the kernel (getrandom).
    Random();
    explicit Random(std::uint64_t seed) noexcept { reseed(seed); }

    void reseed(std::uint64_t seed) noexcept;
    /// Each process calls this after fork, so that no two of them make the same identifiers.
    void reseed_from_kernel() noexcept;

    [[nodiscard]] std::uint64_t next() noexcept;
    /// Uniform in [0, bound); bound > 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

private:
    std::uint64_t state_[4] = {};
};

}  // namespace fairlead
