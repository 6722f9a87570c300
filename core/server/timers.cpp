// The timer service. SPDX-License-Identifier: Apache-2.0
#include "core/server/timers.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/base/log.h"

namespace fairlead::server {

TimerService::TimerService(const Clock& clock, shm::Hazards& hazards,
                           std::vector<shm::TimerWheel*> wheels)
    : clock_(clock), hazards_(hazards), wheels_(std::move(wheels)) {}

bool TimerService::prepare(shm::Segment& memory) {
    recovering_ = memory.make<Recovering>(memory.tag("core", "timer recovery"));
    return static_cast<bool>(recovering_);
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
    shm::TimerWheel* const wheel = own_wheel();
    if (wheel == nullptr) return;
    // An entry in another process's wheel leaves that one first. The owner's lock keeps everyone
    // else from arming it meanwhile.
    if (entry.is_armed() && wheels_[entry.wheel] != wheel) cancel(entry);
    wheel->set(entry, clock_.now() + delay, handler);
}

void TimerService::cancel(shm::TimerEntry& entry) noexcept {
    if (!entry.is_armed()) return;
    if (shm::TimerWheel* const wheel = wheels_[entry.wheel]) wheel->cancel(entry);
}

void TimerService::every(Ms period, Ticker& ticker) {
    tickers_.push_back({&ticker, period, clock_.now() + period});
}

void TimerService::fire(shm::TimerEntry& entry) noexcept {
    const auto index = static_cast<std::size_t>(entry.handler);
    if (index >= 1 && index <= handlers_.size()) {
        handlers_[index - 1]->fired(entry);
    } else {
        LOG(bug, "a timer has the unknown handler {}", index);
    }
    hazards_.release(slot_, &entry);
}

void TimerService::run_wheel(shm::TimerWheel& wheel, Ms now) noexcept {
    std::array<shm::TimerEntry*, kBatch> batch;
    std::size_t taken;
    do {
        taken = wheel.take_due(now, hazards_, slot_, batch);
        for (auto* const entry : std::span(batch).first(taken)) fire(*entry);
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
    std::array<shm::TimerEntry*, shm::Hazards::kPerProcess> left;
    const std::size_t count = shm::TimerWheel::left_firing(hazards_, slot_, left);
    auto& current = recovering_->current[slot_];
    const shm::TimerEntry* const killed_us = current.get();
    for (auto* const entry : std::span(left).first(count)) {
        if (entry == killed_us) {
            LOG(error, "a timer ended two processes: it is left out");
            hazards_.release(slot_, entry);
            continue;
        }
        current = entry;
        fire(*entry);
    }
    current = nullptr;
}

}  // namespace fairlead::server
