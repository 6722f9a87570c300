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
/// Four levels (256 + 3 x 64 slots) hold up to 7.7 days; longer is cut to that.
class TimerWheel {
public:
    using ShmSafe = void;

    void init(std::uint8_t index, Ms now) noexcept;

    /// Arms an idle entry, or moves an armed one that is in this wheel. The owner's lock is held.
    void set(TimerEntry& entry, Ms due, HandlerId handler) noexcept;
    /// After this the entry is idle: not in the wheel, and a firing that is under way finds
    /// claim() false.
    void cancel(TimerEntry& entry) noexcept;

    /// Takes up to `out.size()` entries that are due at `now` off the wheel, marks them `firing`
    /// and protects them in `hazards` for `process_slot`, so that nobody frees them; returns how
    /// many. The caller calls each handler, which takes the owner's lock, asks claim(), acts, and
    /// then hazards.release(slot, entry). Call again while it returns out.size().
    std::size_t take_due(Ms now, Hazards& hazards, std::uint16_t process_slot,
                         std::span<TimerEntry*> out) noexcept;
    /// Under the owner's lock, in a handler: true if the entry still fires (it was neither
    /// cancelled nor set anew since take_due); it is idle from here on.
    [[nodiscard]] static bool claim(TimerEntry& entry) noexcept;

    /// How late this wheel is: now - the time up to which it was run; another process takes over at
    /// 100 ms.
    [[nodiscard]] Ms lateness(Ms now) const noexcept;
    /// True when nothing is armed (the loop need not tick).
    [[nodiscard]] bool empty() const noexcept;
    [[nodiscard]] std::uint64_t armed() const noexcept;

    RobustMutex mutex;
    void repair() noexcept;  ///< rebuilds back links, completes the operation that was under way

private:
    static constexpr std::size_t kLevel0 = 256, kLevelN = 64, kLevels = 4;
    static constexpr std::size_t kSlots = kLevel0 + (kLevels - 1) * kLevelN;

    void link(TimerEntry& entry) noexcept;
    void unlink(TimerEntry& entry) noexcept;
    void cascade(std::size_t level) noexcept;

    std::uint8_t index_;
    std::atomic<std::int64_t> tick_;  ///< next tick to run
    std::atomic<std::uint64_t> armed_;
    Ptr<TimerEntry> pending_;               ///< being linked; for repair()
    std::array<TimerEntry, kSlots> heads_;  ///< circular lists
};

}  // namespace fairlead::shm
