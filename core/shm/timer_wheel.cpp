// The wheel. A level-0 slot is one tick; a slot of level n spans 256 x 64^(n-1) ticks.
//
// Whatever a process was doing here when it died, the chains of `next` links are whole, and
// pending_ names the one entry that may be in none of them. An entry that is in a chain, or about
// to be, or not yet out of it, is `armed` with `wheel` naming us: so whoever wants to touch it must
// take our lock first, and that repairs. States that let others go on without our lock (idle,
// firing) are stored only when the entry is out. SPDX-License-Identifier: Apache-2.0
#include "core/shm/timer_wheel.h"

#include <algorithm>

namespace fairlead::shm {

namespace {

using State = TimerEntry::State;

constexpr int shift_of(std::size_t level) noexcept {
    return 8 + 6 * (static_cast<int>(level) - 1);  // of levels 1…3
}

/// Entries moved under one hold of the lock before others get a turn.
constexpr std::size_t kWorkPerHold = 512;

/// The first tick at which `due` has passed: never early.
std::int64_t tick_of(Ms due) noexcept {
    return (due.count() + kTick.count() - 1) / kTick.count();
}

/// Keeps stores in program order, so that a process killed between two has made the first only.
void then() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

void TimerWheel::init(std::uint8_t index, Ms now) noexcept {
    mutex.init(Rank::timer);
    index_ = index;
    tick_.store(now / kTick);
    armed_.store(0);
    pending_ = nullptr;
    for (TimerEntry& head : heads_) head.next = head.previous = &head;
}

// ---- Lists -------------------------------------------------------------------------------------

TimerEntry& TimerWheel::slot_for(std::int64_t tick) noexcept {
    const std::int64_t now = tick_.load(std::memory_order_relaxed);
    tick = std::max(tick, now);
    if (tick - now < static_cast<std::int64_t>(kLevel0)) {
        return heads_[static_cast<std::size_t>(tick) % kLevel0];
    }
    std::size_t level = 1;
    auto ahead = [&] { return (tick >> shift_of(level)) - (now >> shift_of(level)); };
    while (level + 1 < kLevels && ahead() >= static_cast<std::int64_t>(kLevelN)) ++level;
    const auto slot = static_cast<std::size_t>(tick >> shift_of(level));
    return heads_[kLevel0 + (level - 1) * kLevelN + slot % kLevelN];
}

void TimerWheel::link(TimerEntry& entry) noexcept {
    TimerEntry& head = slot_for(tick_of(entry.due));
    TimerEntry& last = *head.previous;
    entry.next = &head;
    entry.previous = &last;
    then();
    last.next = &entry;  // from this store on it is in the chain
    then();
    head.previous = &entry;
}

void TimerWheel::unlink(TimerEntry& entry) noexcept {
    entry.previous->next = entry.next;  // from this store on it is out of the chain
    then();
    entry.next->previous = entry.previous;
}

void TimerWheel::begin(Operation operation, TimerEntry& entry) noexcept {
    operation_ = operation;
    then();
    pending_ = &entry;
    then();
}

void TimerWheel::end() noexcept {
    then();
    pending_ = nullptr;
}

/// Ends what begin() began: out of the chain first, then the state that shows it.
void TimerWheel::take_off(TimerEntry& entry, TimerEntry::State state) noexcept {
    unlink(entry);
    armed_.store(armed_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    then();
    entry.state.store(state, std::memory_order_release);
    end();
}

void TimerWheel::move(TimerEntry& entry, Ms due, HandlerId handler) noexcept {
    pending_due_ = due;
    pending_handler_ = handler;
    begin(Operation::arm, entry);
    if (entry.state.load(std::memory_order_relaxed) == State::armed) {
        unlink(entry);
    } else {
        entry.wheel = index_;
        then();
        entry.state.store(State::armed, std::memory_order_release);
        armed_.store(armed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    entry.due = due;
    entry.handler = handler;
    link(entry);
    end();
}

// ---- For owners of entries ---------------------------------------------------------------------

void TimerWheel::set(TimerEntry& entry, Ms due, HandlerId handler) noexcept {
    constexpr std::int64_t kHorizon = std::int64_t{64} << shift_of(kLevels - 1);
    Guard guard(*this);
    const std::int64_t now = tick_.load(std::memory_order_relaxed);
    move(entry, std::min(due, Ms((now + kHorizon) * kTick.count())), handler);
}

void TimerWheel::cancel(TimerEntry& entry) noexcept {
    const State state = entry.state.load(std::memory_order_acquire);
    if (state == State::idle) return;
    if (state == State::firing) {
        // With the owner's lock held nobody else takes it out of this state.
        entry.state.store(State::idle, std::memory_order_release);
        return;
    }
    Guard guard(*this);
    // It may have begun to fire meanwhile.
    if (entry.state.load(std::memory_order_relaxed) == State::armed) {
        begin(Operation::cancel, entry);
        take_off(entry, State::idle);
    } else {
        entry.state.store(State::idle, std::memory_order_release);
    }
}

bool TimerWheel::claim(TimerEntry& entry) noexcept {
    State firing = State::firing;
    return entry.state.compare_exchange_strong(firing, State::idle, std::memory_order_acq_rel);
}

// ---- Running -----------------------------------------------------------------------------------

/// Empties the slot of `level` that is due next, as far as this tick's share goes. The share is
/// enough that the slot is empty when its time begins: what is armed bounds what is in it.
std::size_t TimerWheel::cascade(std::size_t level) noexcept {
    const std::int64_t now = tick_.load(std::memory_order_relaxed);
    const std::int64_t width = std::int64_t{1} << shift_of(level);
    const auto left = static_cast<std::uint64_t>(width - (now & (width - 1)));
    const std::uint64_t share = 16 + armed_.load(std::memory_order_relaxed) / left;
    const auto next = static_cast<std::size_t>((now >> shift_of(level)) + 1);
    TimerEntry& head = heads_[kLevel0 + (level - 1) * kLevelN + next % kLevelN];
    std::size_t moved = 0;
    for (; moved < share && head.next != &head; ++moved) {
        TimerEntry& entry = *head.next;
        move(entry, entry.due, entry.handler);
    }
    return moved;
}

/// Runs ticks up to and including `last`, until `out` is full or enough was done for one hold.
std::size_t TimerWheel::run(std::int64_t last, Hazards& hazards, std::uint16_t process_slot,
                            std::span<TimerEntry*> out) noexcept {
    std::size_t taken = 0, work = 0;
    std::int64_t tick = tick_.load(std::memory_order_relaxed);
    while (tick <= last && work < kWorkPerHold) {
        if (armed_.load(std::memory_order_relaxed) == 0) {
            tick_.store(last + 1, std::memory_order_relaxed);
            return taken;
        }
        TimerEntry& head = heads_[static_cast<std::size_t>(tick) % kLevel0];
        while (head.next != &head) {
            TimerEntry& entry = *head.next;
            if (taken == out.size()) return taken;
            if (!hazards.protect(process_slot, &entry, Hazards::Kind::timer)) return taken;
            out[taken++] = &entry;
            begin(Operation::take, entry);
            take_off(entry, State::firing);
        }
        for (std::size_t level = 1; level < kLevels; ++level) work += cascade(level);
        tick_.store(++tick, std::memory_order_relaxed);
    }
    return taken;
}

std::size_t TimerWheel::take_due(Ms now, Hazards& hazards, std::uint16_t process_slot,
                                 std::span<TimerEntry*> out) noexcept {
    const std::int64_t last = now / kTick;
    std::size_t taken = 0;
    for (;;) {
        const std::int64_t before = tick_.load(std::memory_order_relaxed);
        if (before > last) return taken;
        Guard guard(*this);
        const std::size_t got = run(last, hazards, process_slot, out.subspan(taken));
        guard.unlock();
        taken += got;
        const bool moved_on = tick_.load(std::memory_order_relaxed) != before;
        if (taken == out.size() || !moved_on) return taken;
    }
}

std::size_t TimerWheel::left_firing(const Hazards& hazards, std::uint16_t dead_slot,
                                    std::span<TimerEntry*> out) noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < Hazards::kPerProcess && count < out.size(); ++i) {
        const void* const object = hazards.at(dead_slot, i);
        if (object == nullptr || hazards.kind(dead_slot, i) != Hazards::Kind::timer) continue;
        auto* const entry = static_cast<TimerEntry*>(const_cast<void*>(object));
        if (entry->state.load(std::memory_order_acquire) == State::firing) out[count++] = entry;
    }
    return count;
}

Ms TimerWheel::lateness(Ms now) const noexcept {
    if (empty()) return Ms(0);
    return std::max(now - Ms(tick_.load(std::memory_order_relaxed) * kTick.count()), Ms(0));
}

bool TimerWheel::empty() const noexcept {
    return armed() == 0;
}

std::uint64_t TimerWheel::armed() const noexcept {
    return armed_.load(std::memory_order_relaxed);
}

// ---- After a death -----------------------------------------------------------------------------

void TimerWheel::repair() noexcept {
    // An operation that had not yet made the entry ours, or had let go of it already, changes
    // nothing any more; the entry may be in another wheel by now.
    TimerEntry* pending = pending_.get();
    if (pending != nullptr && (pending->state.load(std::memory_order_acquire) != State::armed ||
                               pending->wheel != index_)) {
        pending = nullptr;
    }
    std::uint64_t count = 0;
    for (TimerEntry& head : heads_) {
        TimerEntry* last = &head;
        for (TimerEntry* entry = head.next.get(); entry != &head; entry = entry->next.get()) {
            if (entry == pending) continue;
            if (last->next != entry) last->next = entry;
            entry->previous = last;
            last = entry;
            ++count;
        }
        last->next = &head;
        head.previous = last;
    }
    armed_.store(count, std::memory_order_relaxed);
    if (pending != nullptr) finish(*pending);
    end();
}

/// Completes the operation on an entry that is in no chain now.
void TimerWheel::finish(TimerEntry& entry) noexcept {
    switch (operation_) {
        case Operation::cancel: entry.state.store(State::idle, std::memory_order_release); break;
        case Operation::take:
            // Back into the wheel, not on to `firing`: the successor of the dead process may have
            // looked for what was left firing before anybody took this lock.
            armed_.store(armed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            link(entry);
            break;
        case Operation::arm:
            entry.due = pending_due_;
            entry.handler = pending_handler_;
            armed_.store(armed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            link(entry);
            break;
    }
}

}  // namespace fairlead::shm
