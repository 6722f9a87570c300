// Timers for modules: entries embedded in shared objects, fired in whichever process runs the
// wheel. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/base/clock.h"
#include "core/shm/timer_wheel.h"

namespace fairlead {

/// Who is called when a timer fires. Lives in the module; registered before fork, so that every
/// process has it under the same id.
class TimerHandler {
public:
    /// In a process with an event loop, without any lock held. Take the owner's lock, ask
    /// TimerWheel::claim(entry), act. The entry stays valid during the call (it is protected).
    virtual void fired(shm::TimerEntry& entry) noexcept = 0;

protected:
    ~TimerHandler() = default;
};

class Timers {
public:
    /// Before fork (in prepare()).
    [[nodiscard]] virtual shm::HandlerId add(std::string_view name, TimerHandler& handler) = 0;
    /// Any process, with the owner's lock held. An armed entry is moved.
    virtual void set(shm::TimerEntry& entry, Ms delay, shm::HandlerId handler) noexcept = 0;
    /// Any process, with the owner's lock held.
    virtual void cancel(shm::TimerEntry& entry) noexcept = 0;
    /// Before fork: `handler.tick()` runs every `period` in the control process.
    class Ticker {
    public:
        virtual void tick() noexcept = 0;

    protected:
        ~Ticker() = default;
    };
    virtual void every(Ms period, Ticker& ticker) = 0;

protected:
    ~Timers() = default;
};

}  // namespace fairlead
