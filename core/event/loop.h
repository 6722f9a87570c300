// The event loop of one process, over libevent: descriptors, timers, signals, and work at the end
// of a batch. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "core/base/clock.h"

struct event_base;
namespace fairlead::http {
class Server;
}
namespace fairlead {

/// Called when a watched descriptor is ready. Not owned by the loop; outlives its Watch.
class Watcher {
public:
    virtual void ready(int fd) noexcept = 0;

protected:
    ~Watcher() = default;
};

/// Called when a timer of the loop ends.
class TimerTask {
public:
    virtual void expired() noexcept = 0;

protected:
    ~TimerTask() = default;
};

/// Called once for each signal received (equal signals may arrive as one).
class SignalHandler {
public:
    virtual void signalled(int number) noexcept = 0;

protected:
    ~SignalHandler() = default;
};

/// Called after all handlers of one wake-up have run: the place to flush what they gathered.
class BatchEnd {
public:
    virtual void batch_done() noexcept = 0;

protected:
    ~BatchEnd() = default;
};

/// A TimerTask that calls a member function, for classes with several timers.
template <class C>
class TimerCall final : public TimerTask {
public:
    TimerCall(C& object, void (C::*method)() noexcept) noexcept
        : object_(&object), method_(method) {}
    void expired() noexcept override { (object_->*method_)(); }

private:
    C* object_;
    void (C::*method_)() noexcept;
};

/// A Watcher that calls a member function, for classes that watch several things.
template <class C>
class WatchCall final : public Watcher {
public:
    WatchCall(C& object, void (C::*method)() noexcept) noexcept
        : object_(&object), method_(method) {}
    void ready(int) noexcept override { (object_->*method_)(); }

private:
    C* object_;
    void (C::*method_)() noexcept;
};

/// The time at which the current batch began: one system call per wake-up, however many handlers
/// ask. Outside a batch it is the time of the call.
class LoopClock final : public Clock {
public:
    [[nodiscard]] Ms now() const noexcept override;
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override;
    [[nodiscard]] std::int64_t unix_microseconds() const noexcept override {
        return SystemClock().unix_microseconds();
    }
    [[nodiscard]] std::int64_t ns() const noexcept override;
    [[nodiscard]] std::int64_t exact_ns() const noexcept override { return SystemClock().ns(); }

private:
    friend class Loop;
    mutable std::int64_t now_ = 0;  ///< nanoseconds
    mutable std::int64_t unix_seconds_ = 0;
    mutable bool has_now_ = false, has_unix_ = false;
    bool in_batch_ = false;
};

/// What the loop was asked to do, as long as this lives. May be destroyed inside its own handler.
/// Must not outlive the Loop, except when the loop was abandoned.
class Watch {
public:
    Watch() noexcept;
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    [[nodiscard]] explicit operator bool() const noexcept { return node_ != nullptr; }
    /// Stops and forgets it.
    void reset() noexcept;
    /// Descriptors: not called while paused. Timers: pausing stops one, resuming starts it anew.
    void pause() noexcept;
    void resume() noexcept;

private:
    friend class Loop;
    struct Node;
    explicit Watch(std::unique_ptr<Node> node) noexcept;
    std::unique_ptr<Node> node_;
};

/// One per process. Make it in the process that runs it: a child that inherited its parent's loop
/// calls abandon() before anything else touches the loop or its watches.
class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    enum class Interest : unsigned char { readable, writable };
    /// Level-triggered: called once per wake-up as long as `fd` is ready. An empty Watch when the
    /// system refuses (logged).
    [[nodiscard]] Watch watch(int fd, Interest interest, Watcher& watcher);
    /// First after one period. A late loop skips what it missed.
    [[nodiscard]] Watch every(Ms period, TimerTask& task);
    [[nodiscard]] Watch after(Ms delay, TimerTask& task);
    /// Blocks the signal for this process and delivers it here (signalfd). The mask is inherited by
    /// fork: abandon() restores it in the child.
    [[nodiscard]] Watch on_signal(int number, SignalHandler& handler);
    /// For the whole life of the loop, in the order of the calls.
    void at_end_of_batch(BatchEnd& end);

    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }

    /// Until stop(), or until nothing is watched any more.
    void run() noexcept;
    /// One wake-up: waits for the first event when `wait`, runs what is ready, ends the batch.
    /// False when nothing is watched.
    bool run_once(bool wait) noexcept;
    /// From a handler: run() returns after this batch.
    void stop() noexcept { stopping_ = true; }

    /// In a child after fork: lets go of the parent's loop without disturbing it. Afterwards the
    /// loop can only be destroyed, and its watches are without effect.
    void abandon() noexcept;

private:
    friend class Watch;
    friend class http::Server;
    [[nodiscard]] event_base* base() const noexcept;  ///< for what else libevent runs in it
    struct Impl;
    std::unique_ptr<Impl> impl_;
    LoopClock clock_;
    bool stopping_ = false;
};

}  // namespace fairlead
