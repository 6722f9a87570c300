// Writing to FIFOs and UNIX sockets of other programs without ever waiting: what cannot be written
// at once is tried again by a timer until its time is over.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "core/api/timer.h"

namespace fairlead::tm {

enum class Outlet : std::uint8_t { fifo, socket };

inline constexpr std::size_t kMaxPath = 107;  ///< of a UNIX socket, without its NUL

/// A message that waits for its reader.
struct LateWrite : shm::TimerEntry {
    using ShmSafe = void;
    shm::Ptr<char> bytes;  ///< null: the place is free
    Ms until{0};
    std::uint32_t size = 0;
    std::uint16_t tried_by = UINT16_MAX;  ///< process that tries just now
    Outlet outlet = Outlet::fifo;
    std::array<char, kMaxPath + 1> path{};
};

/// In shared memory.
struct LateWriteTable {
    using ShmSafe = void;
    static constexpr std::size_t kPlaces = 64;
    shm::RobustMutex mutex;
    void repair() noexcept {}  ///< a place whose process died is freed by recover()
    std::array<LateWrite, kPlaces> places;
};

struct WriteCounts {
    shm::Counter late;  ///< could not be written at once
    shm::Counter lost;  ///< … and not later either
};

class LateWrites final : TimerHandler {
public:
    WriteCounts counts;

    /// Before fork. False when there is no memory.
    [[nodiscard]] bool init(Core& core);
    /// In a process that replaces a dead one.
    void recover() noexcept;
    /// Any process. True when it was written or is kept to be written within `patience`; false,
    /// with a line in the log, when nobody listens, when the path is neither FIFO nor socket, or
    /// when too much waits already.
    [[nodiscard]] bool write(Outlet outlet, std::string_view path, std::string_view bytes,
                             Ms patience) noexcept;

private:
    void fired(shm::TimerEntry& entry) noexcept override;
    [[nodiscard]] bool keep(Outlet outlet, std::string_view path, std::string_view bytes,
                            Ms patience) noexcept;

    Core* core_ = nullptr;
    LateWriteTable* table_ = nullptr;
    shm::HandlerId timer_{};
    shm::Tag tag_{};
};

}  // namespace fairlead::tm
