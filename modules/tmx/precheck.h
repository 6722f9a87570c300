// Which requests the processes work on right now: a repeat that comes meanwhile is found before its
// transaction exists. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "core/api/shm.h"

namespace fairlead::tmx {

/// In shared memory. A request is the hash of its Call-ID and CSeq number, never 0.
class Precheck {
public:
    using ShmSafe = void;

    /// Before fork.
    void init() noexcept { mutex.init(shm::Rank::table); }
    /// True when another process works on `request`; else it is noted for this one.
    [[nodiscard]] bool elsewhere(std::uint16_t slot, std::uint64_t request) noexcept {
        const shm::Guard guard(*this);
        for (std::size_t i = 0; i < requests_.size(); ++i)
            if (i != slot && requests_[i].load(std::memory_order_relaxed) == request) return true;
        requests_[slot].store(request, std::memory_order_relaxed);
        return false;
    }
    /// This process is done with it. Also when it was forked again: its predecessor's is void.
    void leave(std::uint16_t slot) noexcept { requests_[slot].store(0, std::memory_order_relaxed); }

    shm::RobustMutex mutex;
    void repair() noexcept {}  ///< each change is one store

private:
    std::array<std::atomic<std::uint64_t>, shm::kMaxProcesses> requests_{};
};

}  // namespace fairlead::tmx
