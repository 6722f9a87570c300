// Nonces: a time, a number and a keyed hash over them, so that none has to be remembered; and the
// table that remembers what replay protection needs. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/core.h"

namespace fairlead::auth {

struct Nonce {
    std::uint32_t made = 0;  ///< seconds since 1970
    std::uint32_t number = 0;
};

/// `bound_to` is what must be the same when the nonce comes back, in bytes; "" for nothing.
[[nodiscard]] std::string write_nonce(std::string_view secret, const Nonce& nonce,
                                      std::string_view bound_to);

enum class Read : std::uint8_t { ok, forged, other_request };
/// `other_request`: the nonce is ours, but what it was bound to is not the same.
[[nodiscard]] Read read_nonce(std::string_view secret, std::string_view text,
                              std::string_view bound_to, Nonce& out);

/// The last count of each of the newest nonces, in shared memory. A nonce that was overwritten by a
/// newer one counts as stale.
class Tracked {
public:
    static constexpr std::uint32_t kMaxCount = 255;

    /// Before fork; `size` is rounded up to a power of two. False when memory is full.
    [[nodiscard]] bool prepare(Core& core, std::size_t size);
    /// Any process: the number of a new nonce.
    [[nodiscard]] std::uint32_t begin() noexcept;

    enum class Use : std::uint8_t { ok, used, forgotten };
    /// Whether `count` is greater than all that came with this nonce, which it then is for others.
    [[nodiscard]] Use use(std::uint32_t number, std::uint32_t count) noexcept;

private:
    struct Head {
        using ShmSafe = void;
        std::atomic<std::uint32_t> next{0};
    };
    [[nodiscard]] std::uint32_t generation(std::uint32_t number) const noexcept {
        return (number >> bits_) & 0xffffff;
    }
    Head* head_ = nullptr;
    std::atomic<std::uint32_t>* cells_ = nullptr;  ///< generation and, lowest 8 bits, last count
    std::uint32_t bits_ = 0;
};

}  // namespace fairlead::auth
