// The report of SIGUSR1: all statistics and who owns the shared memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/module/registry.h"
#include "core/shm/counters.h"
#include "core/shm/segment.h"

namespace fairlead::server {

/// One line "group:name = value" each, whatever the log level is. In the supervisor.
void report_statistics(const shm::Counters& counters, const module::Registry& registry,
                       const shm::Segment& memory) noexcept;

}  // namespace fairlead::server
