// CPU time of a process and all below it, from /proc. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>

namespace fairlead::sipload {

/// Time on a CPU of `pid` and its descendants: to the nanosecond for those that live, to the clock
/// tick for children that have ended and were waited for. Zero when there is no such process.
[[nodiscard]] std::chrono::nanoseconds cpu_time(int pid);

}  // namespace fairlead::sipload
