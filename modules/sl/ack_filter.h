// Recognises the ACKs that answer our own stateless replies.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>

#include "core/api/shm.h"
#include "core/api/timer.h"
#include "modules/sl/tag.h"

namespace fairlead::sl {

/// Until when ACKs are looked at: one word that all processes share.
struct AckWindow {
    using ShmSafe = void;
    std::atomic<std::int64_t> until{0};  ///< Clock milliseconds
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// How long after a stateless reply ACKs are compared with our tag. A sender repeats its request
/// for longer than that, but each repetition is answered anew, and so opens the window again.
inline constexpr Ms kAckWindow{2000};

/// Notes that a reply went out. The word is written only when that moves it by more than a tenth of
/// a second, so that busy workers do not pass its cache line around for every reply.
inline void open_window(AckWindow& window, Ms now) noexcept {
    const std::int64_t needed = (now + kAckWindow).count();
    if (window.until.load(std::memory_order_relaxed) >= needed) return;
    window.until.store(needed + 100, std::memory_order_relaxed);
}

/// True for an ACK that only confirms a reply of ours and that nobody else is waiting for.
[[nodiscard]] inline bool is_own_ack(const AckWindow& window, const Tag& tag,
                                     const sip::Message& request, Ms now) noexcept {
    if (request.method() != sip::Method::ack) return false;
    if (now.count() >= window.until.load(std::memory_order_relaxed)) return false;
    return request.to() != nullptr && tag.is_ours(request.to()->tag, request);
}

}  // namespace fairlead::sl
