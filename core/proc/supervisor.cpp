// The supervisor. SPDX-License-Identifier: Apache-2.0
#include "core/proc/supervisor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/base/log.h"

namespace fairlead::proc {

void Ready::say() const noexcept {
    const auto ignored = ::write(descriptor_, &slot_, sizeof slot_);
    static_cast<void>(ignored);
}

Ms Backoff::died(Ms now) noexcept {
    const Ms oldest = recent_[count_ % kDeaths];  // of the last kDeaths
    const bool often = count_ >= kDeaths && now - oldest < kWindow;
    recent_[count_++ % kDeaths] = now;
    if (!often)
        delay_ = Ms(0);
    else
        delay_ = std::min(std::max(delay_ * 2, kFirst), kLongest);
    return delay_;
}

Supervisor::Supervisor(const std::vector<Process>& processes, Workload& workload, Ms exit_timeout)
    : workload_(workload), exit_timeout_(exit_timeout), self_(getpid()) {
    for (const auto& process : processes) {
        children_.push_back(std::make_unique<Child>(*this));
        children_.back()->process = process;
    }
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
        watches_.push_back(loop_.on_signal(number, *this));
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        ready_read_.reset(ends[0]);
        ready_write_.reset(ends[1]);
        watches_.push_back(loop_.watch(ready_read_.get(), Loop::Interest::readable, *this));
    }
}

Supervisor::~Supervisor() = default;

Result<void> Supervisor::start() {
    if (!ready_read_) return fail("cannot make a pipe", {}, errno);
    starting_ = true;
    for (const auto& child : children_) {
        fork_child(*child);
        if (start_failed_) break;
    }
    while (!all_ready() && !start_failed_ && !stopping_) loop_.run_once(true);
    starting_ = false;
    if (!start_failed_) return {};
    begin_stop();
    while (any_alive()) loop_.run_once(true);
    return fail("a process could not start");
}

int Supervisor::run() {
    while (!stopping_ || any_alive()) loop_.run_once(true);
    return exit_status_;
}

void Supervisor::fork_child(Child& child) noexcept {
    child.ready = false;
    const pid_t pid = fork();
    if (pid == 0) become(child);
    if (pid < 0) {
        LOG(critical, "cannot fork {}: {}", child.process.name, std::strerror(errno));
        if (starting_) {
            start_failed_ = true;
        } else {
            child.timer = loop_.after(Backoff::kLongest, child);
        }
        return;
    }
    child.pid = pid;
}

void Supervisor::become(Child& child) noexcept {
    // Whatever happens to the supervisor, even SIGKILL, no process outlives it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self_) _exit(1);
    // A terminal sends these to the whole group; the supervisor decides what they mean.
    for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE})
        std::signal(number, SIG_IGN);
    loop_.abandon();
    log::set_process(child.process.slot);
    const Ready ready(ready_write_.get(), child.process.slot);
    _exit(workload_.run(child.process, ready));
}

void Supervisor::ready(int descriptor) noexcept {
    std::uint16_t slot = 0;
    while (::read(descriptor, &slot, sizeof slot) == sizeof slot) {
        for (const auto& child : children_)
            if (child->process.slot == slot) child->ready = true;
    }
}

void Supervisor::signalled(int number) noexcept {
    switch (number) {
        case SIGCHLD: reap(); break;
        case SIGTERM:
        case SIGINT:
            LOG(notice, "signal {} received: stopping", number);
            begin_stop();
            break;
        case SIGUSR1: workload_.report(); break;
        default: LOG(notice, "signal {} received: nothing is done upon it", number); break;
    }
}

void Supervisor::reap() noexcept {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        const auto child = std::ranges::find_if(children_, [&](auto& c) { return c->pid == pid; });
        if (child != children_.end()) ended(**child, status);
    }
}

void Supervisor::ended(Child& child, int status) noexcept {
    const pid_t pid = std::exchange(child.pid, 0);
    if (stopping_) return;
    if (WIFSIGNALED(status)) {
        LOG(alert, "child process {} exited by a signal {}", pid, WTERMSIG(status));
        LOG(alert, "core was {}generated", WCOREDUMP(status) ? "" : "not ");
    } else {
        LOG(alert, "child process {} exited normally, status={}", pid, WEXITSTATUS(status));
    }
    if (starting_ && !child.ready) {
        start_failed_ = true;
        return;
    }
    if (!workload_.lost(child.process, pid)) {
        exit_status_ = 1;
        return begin_stop();
    }
    replace(child);
}

void Supervisor::replace(Child& child) noexcept {
    child.process.reborn = true;
    ++respawned_;
    const Ms delay = child.backoff.died(SystemClock().now());
    if (delay == Ms(0)) return fork_child(child);
    LOG(alert, "{} dies too often: the next one starts in {} ms", child.process.name,
        delay.count());
    child.timer = loop_.after(delay, child);
}

void Supervisor::Child::expired() noexcept {
    if (pid == 0 && !owner.stopping_) owner.fork_child(*this);
}

void Supervisor::begin_stop() noexcept {
    if (stopping_) return;
    stopping_ = true;
    kill_all(SIGTERM);
    exit_timer_ = loop_.after(std::max(exit_timeout_, Ms(1)), leftovers_);
}

void Supervisor::kill_all(int signal) noexcept {
    for (const auto& child : children_)
        if (child->pid > 0) kill(child->pid, signal);
}

void Supervisor::kill_leftovers() noexcept {
    LOG(alert, "processes are still there after {} ms: killing them", exit_timeout_.count());
    kill_all(SIGKILL);
}

bool Supervisor::any_alive() const noexcept {
    return std::ranges::any_of(children_, [](const auto& c) { return c->pid > 0; });
}

bool Supervisor::all_ready() const noexcept {
    return std::ranges::all_of(children_, [](const auto& c) { return c->ready; });
}

}  // namespace fairlead::proc
