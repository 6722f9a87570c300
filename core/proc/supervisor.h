// The supervisor: forks the server's processes, forks again those that die, and stops them all.
// It touches no SIP. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/api/core.h"
#include "core/base/result.h"
#include "core/event/fd.h"
#include "core/event/loop.h"

namespace fairlead::proc {

/// Tells the supervisor that a process has started: it serves from here on.
class Ready {
public:
    Ready(int descriptor, std::uint16_t slot) : descriptor_(descriptor), slot_(slot) {}
    void say() const noexcept;

private:
    int descriptor_;
    std::uint16_t slot_;
};

/// What the processes do; written by the server.
class Workload {
public:
    /// In the new process, until it is told to stop (SIGTERM). Returns its exit status; calls
    /// `ready.say()` once it serves.
    virtual int run(const Process& process, const Ready& ready) = 0;
    /// In the supervisor, when a process was reaped that had not been told to stop, before it is
    /// forked again: repair what it left. False ends the server (status 1).
    virtual bool lost(const Process& process, pid_t pid) noexcept = 0;
    /// In the supervisor: SIGUSR1.
    virtual void report() noexcept = 0;

protected:
    ~Workload() = default;
};

/// When to fork again: at once, unless the slot dies often. Pure; time is given.
class Backoff {
public:
    static constexpr std::size_t kDeaths = 5;  ///< within kWindow are replaced at once
    static constexpr Ms kWindow{10'000}, kFirst{100}, kLongest{2'000};

    /// A death at `now`; how long to wait before the next fork. 0: at once.
    [[nodiscard]] Ms died(Ms now) noexcept;

private:
    std::array<Ms, kDeaths> recent_{};  ///< a ring of the last deaths
    std::size_t count_ = 0;
    Ms delay_{0};
};

class Supervisor final : SignalHandler, Watcher {
public:
    /// `processes` have their slots; names are owned by the caller.
    Supervisor(const std::vector<Process>& processes, Workload& workload, Ms exit_timeout);
    ~Supervisor();

    /// Forks all and waits until each is ready. An error when one ended before; the others are
    /// stopped by then.
    [[nodiscard]] Result<void> start();
    /// Until SIGTERM or SIGINT; the exit status of the server.
    int run();

    [[nodiscard]] std::uint64_t respawned() const noexcept { return respawned_; }

private:
    /// One process slot.
    struct Child final : TimerTask {
        explicit Child(Supervisor& supervisor) : owner(supervisor) {}
        void expired() noexcept override;
        Supervisor& owner;
        Process process;
        pid_t pid = 0;  ///< 0: none
        bool ready = false;
        Backoff backoff;
        Watch timer;
    };

    void signalled(int number) noexcept override;
    void ready(int descriptor) noexcept override;  // the pipe of Ready
    void fork_child(Child& child) noexcept;
    [[noreturn]] void become(Child& child) noexcept;
    void reap() noexcept;
    void ended(Child& child, int status) noexcept;
    void replace(Child& child) noexcept;
    void begin_stop() noexcept;
    void kill_all(int signal) noexcept;
    [[nodiscard]] bool any_alive() const noexcept;
    [[nodiscard]] bool all_ready() const noexcept;
    void kill_leftovers() noexcept;

    Loop loop_;
    Workload& workload_;
    Ms exit_timeout_;
    std::vector<std::unique_ptr<Child>> children_;
    std::vector<Watch> watches_;
    TimerCall<Supervisor> leftovers_{*this, &Supervisor::kill_leftovers};
    Watch exit_timer_;
    Fd ready_read_, ready_write_;
    pid_t self_;
    bool starting_ = false, start_failed_ = false, stopping_ = false;
    int exit_status_ = 0;
    std::uint64_t respawned_ = 0;
};

}  // namespace fairlead::proc
