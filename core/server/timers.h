// The timer service: handlers by number, this process's wheel, and those of late neighbours.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <string>
#include <vector>

#include "core/api/core.h"
#include "core/shm/hazards.h"
#include "core/shm/segment.h"

namespace fairlead::server {

/// A wheel that is this late is run by whoever notices: its process is dead or busy.
inline constexpr Ms kTakeOver{100};

/// One per process, made in the supervisor before fork.
class TimerService final : public Timers {
public:
    TimerService(const Clock& clock, shm::Hazards& hazards, std::vector<shm::TimerWheel*> wheels);

    /// Before fork: the table in which each process notes what it recovers. False: no memory.
    [[nodiscard]] bool prepare(shm::Segment& memory);
    /// Before fork: the wheel of the next slot.
    void add_wheel(shm::TimerWheel& wheel) { wheels_.push_back(&wheel); }
    /// After fork: from now on `slot` is this process.
    void enter(std::uint16_t slot) noexcept { slot_ = slot; }
    /// In a process that replaces a dead one, after the modules' start(): fires what its
    /// predecessor had taken off a wheel and not finished.
    void recover() noexcept;

    /// Runs all that is due in this process's wheel and in late ones.
    void run() noexcept;
    /// Control process only: calls the tickers that are due.
    void run_tickers() noexcept;

    [[nodiscard]] shm::HandlerId add(std::string_view name, TimerHandler& handler) override;
    void set(shm::TimerEntry& entry, Ms delay, shm::HandlerId handler) noexcept override;
    void cancel(shm::TimerEntry& entry) noexcept override;
    void every(Ms period, Ticker& ticker) override;

private:
    static constexpr std::size_t kBatch = 8;  // half of Hazards::kPerProcess: handlers need some
    /// By slot: what recover() is firing. In shared memory, so that an entry that ends one process
    /// after the other is fired at most twice.
    struct Recovering {
        using ShmSafe = void;
        std::array<shm::Ptr<shm::TimerEntry>, shm::kMaxProcesses> current;
    };
    struct Periodic {
        Ticker* ticker;
        Ms period, next;
    };

    void run_wheel(shm::TimerWheel& wheel, Ms now) noexcept;
    void fire(shm::TimerEntry& entry) noexcept;
    [[nodiscard]] shm::TimerWheel* own_wheel() const noexcept;

    const Clock& clock_;
    shm::Hazards& hazards_;
    std::vector<shm::TimerWheel*> wheels_;
    std::vector<TimerHandler*> handlers_;  ///< index = HandlerId - 1
    std::vector<Periodic> tickers_;
    shm::Ptr<Recovering> recovering_;
    std::uint16_t slot_ = 0;
};

}  // namespace fairlead::server
