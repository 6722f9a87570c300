// Keeps a process and its children on one processor. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sched.h>

namespace fairlead::test {

/// While it lives. For processes that take turns, as one that steps through another does: on two
/// processors each turn is a wake-up of the other, which takes a virtual machine milliseconds.
class OneCpu {
public:
    OneCpu() noexcept {
        if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(::sched_getcpu(), &one);
        (void)::sched_setaffinity(0, sizeof one, &one);
    }
    ~OneCpu() { (void)::sched_setaffinity(0, sizeof before_, &before_); }
    OneCpu(const OneCpu&) = delete;
    OneCpu& operator=(const OneCpu&) = delete;

private:
    cpu_set_t before_{};
};

}  // namespace fairlead::test
