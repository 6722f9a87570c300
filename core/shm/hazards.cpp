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
    Row& row = rows_[process_slot];
    for (std::size_t i = 0; i < kPerProcess; ++i) {
        if (row.objects[i].load(std::memory_order_relaxed) != 0) continue;
        // The end first: what at() shows after a death must have been protected.
        if (i >= row.end.load(std::memory_order_relaxed)) {
            row.end.store(static_cast<std::uint32_t>(i + 1), std::memory_order_release);
        }
        row.objects[i].store(address(object) | (kind == Kind::timer ? kTimerBit : 0),
                             std::memory_order_release);
        return true;
    }
    return false;
}

void Hazards::release(std::uint16_t process_slot, const void* object) noexcept {
    Row& row = rows_[process_slot];
    for (auto& cell : row.objects) {
        if ((cell.load(std::memory_order_relaxed) & ~kTimerBit) != address(object)) continue;
        cell.store(0, std::memory_order_release);
        break;
    }
    std::uint32_t end = row.end.load(std::memory_order_relaxed);
    while (end > 0 && row.objects[end - 1].load(std::memory_order_relaxed) == 0) --end;
    row.end.store(end, std::memory_order_release);
}

bool Hazards::in_use(const void* object, std::size_t size) const noexcept {
    const std::uintptr_t begin = address(object);
    const std::uint32_t rows = highest_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < rows; ++i) {
        const Row& row = rows_[i];
        const std::uint32_t end = row.end.load(std::memory_order_acquire);
        for (std::uint32_t k = 0; k < end; ++k) {
            const std::uintptr_t held = row.objects[k].load(std::memory_order_acquire) & ~kTimerBit;
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
    rows_[process_slot].end.store(0, std::memory_order_release);
}

}  // namespace fairlead::shm
