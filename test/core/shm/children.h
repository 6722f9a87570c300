// Forked children for tests: some run to their end, some are killed, some after an exact number of
// instructions. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "test/support/one_cpu.h"

namespace fairlead::test {

/// Forks a child that runs `work` and exits with what it returns (as int).
template <class F>
pid_t spawn(F&& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::signal(SIGABRT, SIG_DFL);  // Catch would report an intended abort as a failure
        ::alarm(120);                   // a lock that hangs ends the test instead of blocking it
        ::_exit(static_cast<int>(work()));
    }
    return pid;
}

/// Waits for the end of `pid`: its exit status, or -1 when it was killed.
inline int reap(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return -2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline void kill_and_reap(pid_t pid) {
    ::kill(pid, SIGKILL);
    reap(pid);
}

enum class Stepped { killed, finished, not_allowed };

/// Forks a child that runs `work`, and kills it after `instructions` of it.
template <class F>
Stepped kill_after(long instructions, F&& work) {
    const OneCpu together;
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
        ::raise(SIGSTOP);
        work();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFEXITED(status)) return Stepped::not_allowed;
    for (long i = 0; i < instructions; ++i) {
        ::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
        ::waitpid(pid, &status, 0);
        if (WIFEXITED(status)) return Stepped::finished;
    }
    kill_and_reap(pid);
    return Stepped::killed;
}

}  // namespace fairlead::test
