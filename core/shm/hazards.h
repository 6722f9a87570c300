// What each process is using right now: a shared object is freed only when nobody does.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/shm/segment.h"

namespace fairlead::shm {

/// Instead of reference counts, which a dying process would leave wrong for ever. The rule:
/// - whoever finds an object under the lock of its table calls protect() before unlocking;
/// - whoever removes it unlinks it under that lock, and frees it only when in_use() says no,
///   else tries again later;
/// - what a dead process protected stays protected until it was handled (clear()).
/// Lives in shared memory; each row is written by its process only (by the supervisor after death).
class Hazards {
public:
    using ShmSafe = void;
    static constexpr std::size_t kPerProcess = 15;
    /// What a hazard is: an object that somebody works on, or a timer entry that is about to fire.
    enum class Kind : std::uint8_t { object, timer };

    /// False when this process already protects kPerProcess objects: treat as out of memory.
    [[nodiscard]] bool protect(std::uint16_t process_slot, const void* object,
                               Kind kind = Kind::object) noexcept;
    /// Undoes one protect(), of either kind.
    void release(std::uint16_t process_slot, const void* object) noexcept;
    /// Whether any process protects an address in [object, object + size).
    [[nodiscard]] bool in_use(const void* object, std::size_t size) const noexcept;
    /// The n-th protected object of a process or null, for recovery after its death.
    [[nodiscard]] const void* at(std::uint16_t process_slot, std::size_t n) const noexcept;
    [[nodiscard]] Kind kind(std::uint16_t process_slot, std::size_t n) const noexcept;
    void clear(std::uint16_t process_slot) noexcept;

private:
    struct Row {
        /// Cells from here on are empty, so that readers look at one cache line for each process.
        std::atomic<std::uint32_t> end;
        std::array<std::atomic<std::uintptr_t>, kPerProcess> objects;  ///< lowest bit: Kind
    };
    std::array<Row, kMaxProcesses> rows_;
    std::atomic<std::uint32_t> highest_;  ///< rows above were never used
};

}  // namespace fairlead::shm
