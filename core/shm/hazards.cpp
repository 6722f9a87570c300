// Hazards: one row per process, written by it alone, read by whoever wants to free.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/hazards.h"

namespace fairlead::shm {

namespace {

constexpr std::uintptr_t kTimerBit = 1;  // objects are aligned to 8 or more

std::uintptr_t address(const void* object) noexcept {
    return reinterpret_cast<std::uintptr_t>(object);
}

}  // namespace

// Orders between processes come from the locks: protect() is called under the lock of the table in
// which the object was found, in_use() after the object was removed under that same lock.
bool Hazards::protect(std::uint16_t process_slot, const void* object, Kind kind) noexcept {
    std::uint32_t seen = highest_.load(std::memory_order_relaxed);
    while (seen <= process_slot && !highest_.compare_exchange_weak(seen, process_slot + 1U)) {
    }
    for (auto& cell : rows_[process_slot].objects) {
        if (cell.load(std::memory_order_relaxed) != 0) continue;
        cell.store(address(object) | (kind == Kind::timer ? kTimerBit : 0),
                   std::memory_order_release);
        return true;
    }
    return false;
}

void Hazards::release(std::uint16_t process_slot, const void* object) noexcept {
    for (auto& cell : rows_[process_slot].objects) {
        if ((cell.load(std::memory_order_relaxed) & ~kTimerBit) != address(object)) continue;
        cell.store(0, std::memory_order_release);
        return;
    }
}

bool Hazards::in_use(const void* object, std::size_t size) const noexcept {
    const std::uintptr_t begin = address(object);
    const std::uint32_t rows = highest_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < rows; ++i) {
        for (const auto& cell : rows_[i].objects) {
            const std::uintptr_t held = cell.load(std::memory_order_acquire) & ~kTimerBit;
            if (held - begin < size) return true;  // below `begin` it wraps to a huge number
        }
    }
    return false;
}

const void* Hazards::at(std::uint16_t process_slot, std::size_t n) const noexcept {
    if (n >= kPerProcess) return nullptr;
    return reinterpret_cast<const void*>(rows_[process_slot].objects[n].load() & ~kTimerBit);
}

Hazards::Kind Hazards::kind(std::uint16_t process_slot, std::size_t n) const noexcept {
    const bool timer = (rows_[process_slot].objects[n].load() & kTimerBit) != 0;
    return timer ? Kind::timer : Kind::object;
}

void Hazards::clear(std::uint16_t process_slot) noexcept {
    for (auto& cell : rows_[process_slot].objects) cell.store(0, std::memory_order_release);
}

}  // namespace fairlead::shm
