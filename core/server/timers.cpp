// The timer service. SPDX-License-Identifier: Apache-2.0
#include "core/server/timers.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"

namespace fairlead::server {

TimerService::TimerService(const Clock& clock, shm::Hazards& hazards,
                           std::vector<shm::TimerWheel*> wheels)
    : clock_(clock), hazards_(hazards), wheels_(std::move(wheels)) {}

bool TimerService::prepare(shm::Segment& memory) {
    firing_ = memory.make<FiringTable>(memory.tag("core", "firing timers"));
    return static_cast<bool>(firing_);
}

shm::TimerWheel* TimerService::own_wheel() const noexcept {
    if (slot_ < wheels_.size() && wheels_[slot_] != nullptr) return wheels_[slot_];
    // The supervisor has none: a timer that is set before fork goes to the first process that has.
    const auto any = std::ranges::find_if(wheels_, [](auto* w) { return w != nullptr; });
    return any != wheels_.end() ? *any : nullptr;
}

shm::HandlerId TimerService::add(std::string_view name, TimerHandler& handler) {
    handlers_.push_back(&handler);
    LOG(debug, "timer handler {} is {}", handlers_.size(), name);
    return static_cast<shm::HandlerId>(handlers_.size());
}

void TimerService::set(shm::TimerEntry& entry, Ms delay, shm::HandlerId handler) noexcept {
    // An armed entry may be in another process's wheel: it leaves that one first. The owner's lock
    // keeps everyone else from arming it meanwhile.
    cancel(entry);
    if (shm::TimerWheel* const wheel = own_wheel()) {
        wheel->set(entry, clock_.now() + delay, handler);
    }
}

void TimerService::cancel(shm::TimerEntry& entry) noexcept {
    if (!entry.is_armed()) return;
    if (shm::TimerWheel* const wheel = wheels_[entry.wheel]) wheel->cancel(entry);
}

void TimerService::every(Ms period, Ticker& ticker) {
    tickers_.push_back({&ticker, period, clock_.now() + period});
}

void TimerService::fire(shm::TimerEntry*& place) noexcept {
    shm::TimerEntry* const entry = std::exchange(place, nullptr);
    const auto index = static_cast<std::size_t>(entry->handler);
    if (index >= 1 && index <= handlers_.size()) {
        handlers_[index - 1]->fired(*entry);
    } else {
        LOG(bug, "a timer has the unknown handler {}", index);
    }
    hazards_.release(slot_, entry);
}

void TimerService::run_wheel(shm::TimerWheel& wheel, Ms now) noexcept {
    auto& batch = firing_->rows[slot_].entries;
    std::size_t taken;
    do {
        taken = wheel.take_due(now, hazards_, slot_, batch);
        for (auto*& entry : std::span(batch).first(taken)) fire(entry);
    } while (taken == batch.size());
}

void TimerService::run() noexcept {
    const Ms now = clock_.now();
    for (std::size_t i = 0; i < wheels_.size(); ++i) {
        shm::TimerWheel* const wheel = wheels_[i];
        if (wheel == nullptr) continue;
        if (i == slot_ || (!wheel->empty() && wheel->lateness(now) > kTakeOver)) {
            run_wheel(*wheel, now);
        }
    }
}

void TimerService::run_tickers() noexcept {
    const Ms now = clock_.now();
    for (Periodic& p : tickers_) {
        if (now < p.next) continue;
        p.next = std::max(p.next + p.period, now);  // after a pause: once, not once per period
        p.ticker->tick();
    }
}

void TimerService::recover() noexcept {
    for (auto*& entry : firing_->rows[slot_].entries) {
        // The place is emptied before the handler runs: should this entry be what killed the
        // predecessor, it costs this one timer and not every process after it.
        if (entry != nullptr) fire(entry);
    }
}

}  // namespace fairlead::server
