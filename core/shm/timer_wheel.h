// A timing wheel in shared memory: 10 ms per slot, O(1) to set and to cancel, any process may run
// it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "core/base/clock.h"
#include "core/shm/hazards.h"
#include "core/shm/ptr.h"
#include "core/shm/robust_mutex.h"

namespace fairlead::shm {

/// Which function a timer calls: an index into a table that every process has, made before fork.
enum class HandlerId : std::uint16_t { none = 0 };

/// Embedded in what it times. All members belong to the wheel; zero-initialise, then leave alone.
struct TimerEntry {
    using ShmSafe = void;
    enum class State : std::uint8_t { idle, armed, firing };

    Ptr<TimerEntry> next, previous;
    Ms due{0};
    HandlerId handler{};
    std::uint8_t wheel = 0;
    std::atomic<State> state{State::idle};

    [[nodiscard]] bool is_armed() const noexcept { return state != State::idle; }
};

inline constexpr Ms kTick{10};

/// One wheel. An entry is never early; it is late by at most one tick plus the delay of run().
/// Four levels (512 + 3 x 128 slots) hold up to 7.7 days; longer is cut to that. Levels have twice
/// the slots that their range needs, so that a slot is emptied into the level below bit by bit
/// during the whole round before it is due, and no tick has to move a crowd at once.
///
/// Which wheel: an entry that is armed is moved and cancelled by the wheel it is in (entry.wheel);
/// one that is idle or firing may be set in any wheel. Only entries in published memory may be
/// armed: recover() frees a block in hand without looking into it.
class TimerWheel {
public:
    using ShmSafe = void;

    void init(std::uint8_t index, Ms now) noexcept;

    /// Arms an idle entry, or moves an armed one that is in this wheel. The owner's lock is held.
    void set(TimerEntry& entry, Ms due, HandlerId handler) noexcept;
    /// After this the entry is idle: not in the wheel, and a firing that is under way finds
    /// claim() false. The owner's lock is held.
    void cancel(TimerEntry& entry) noexcept;

    /// Takes up to `out.size()` entries that are due at `now` off the wheel, marks them `firing`
    /// and protects them in `hazards` for `process_slot`, so that nobody frees them; returns how
    /// many (fewer when the process has no hazards left). The caller calls each handler, which
    /// takes the owner's lock, asks claim(), acts, and then hazards.release(slot, entry). Call
    /// again while it returns out.size(). If `out` is in shared memory and the process dies, its
    /// successor finds there, or by left_firing(), what it had taken, and calls the handlers.
    std::size_t take_due(Ms now, Hazards& hazards, std::uint16_t process_slot,
                         std::span<TimerEntry*> out) noexcept;
    /// Under the owner's lock, in a handler: true if the entry still fires (it was neither
    /// cancelled nor set anew since take_due); it is idle from here on.
    [[nodiscard]] static bool claim(TimerEntry& entry) noexcept;
    /// What `dead_slot` took off any wheel and did not claim before it died, by its hazards; at
    /// most Hazards::kPerProcess. For the process that replaces it: call each handler as after
    /// take_due.
    static std::size_t left_firing(const Hazards& hazards, std::uint16_t dead_slot,
                                   std::span<TimerEntry*> out) noexcept;

    /// How late this wheel is: now - the time up to which it was run; another process takes over at
    /// 100 ms. 0 when nothing is armed.
    [[nodiscard]] Ms lateness(Ms now) const noexcept;
    /// True when nothing is armed (the loop need not tick).
    [[nodiscard]] bool empty() const noexcept;
    [[nodiscard]] std::uint64_t armed() const noexcept;

    RobustMutex mutex;
    void repair() noexcept;  ///< rebuilds back links, completes the operation that was under way

private:
    static constexpr std::size_t kLevel0 = 512, kLevelN = 128, kLevels = 4;
    static constexpr std::size_t kSlots = kLevel0 + (kLevels - 1) * kLevelN;

    [[nodiscard]] TimerEntry& slot_for(std::int64_t tick) noexcept;
    void link(TimerEntry& entry) noexcept;
    void unlink(TimerEntry& entry) noexcept;
    void take_off(TimerEntry& entry, TimerEntry::State state) noexcept;
    void finish(TimerEntry& entry) noexcept;
    void move(TimerEntry& entry, Ms due, HandlerId handler) noexcept;
    std::size_t cascade(std::size_t level) noexcept;
    std::size_t run(std::int64_t last, Hazards& hazards, std::uint16_t process_slot,
                    std::span<TimerEntry*> out) noexcept;

    std::uint8_t index_;
    std::atomic<std::int64_t> tick_;  ///< next tick to run
    std::atomic<std::uint64_t> armed_;
    /// The operation under way, for repair(): what, on which entry, and what it is to become.
    enum class Operation : std::uint8_t { arm, cancel, take };
    void begin(Operation operation, TimerEntry& entry) noexcept;
    void end() noexcept;
    Ptr<TimerEntry> pending_;
    Operation operation_;
    Ms pending_due_;
    HandlerId pending_handler_;
    std::array<TimerEntry, kSlots> heads_;  ///< circular lists
};

}  // namespace fairlead::shm
