// The report of SIGUSR1. SPDX-License-Identifier: Apache-2.0
#include "core/server/report.h"

#include <fmt/format.h>

#include "core/base/log.h"

namespace fairlead::server {
namespace {

/// Somebody asked for it, so the level does not matter.
void line(const std::string& text) {
    log::write(log::Level::notice, "<core>", {}, text);
}

void computed(const module::Registry& registry) {
    for (const auto& module : registry.modules())
        for (const auto& row : module->descriptor->statistics)
            if (row.read != nullptr)
                line(fmt::format("{}:{} = {}", module->name, row.name, row.read(*module->object)));
}

}  // namespace

void report_statistics(const shm::Counters& counters, const module::Registry& registry,
                       const shm::Segment& memory) noexcept {
    try {
        for (const auto& row : counters.rows()) {
            if (row.name.empty()) continue;  // the cell of what was never registered
            line(fmt::format("{}:{} = {}", row.group, row.name,
                             counters.sum(shm::Counter(row.cell))));
        }
        computed(registry);
        const auto totals = memory.totals();
        line(fmt::format("shmem:total_size = {}", totals.size));
        line(fmt::format("shmem:used_size = {}", totals.used));
        line(fmt::format("shmem:in_slabs = {}", totals.in_slabs));
        line(fmt::format("shmem:blocks = {}", totals.blocks));
        for (const auto& usage : memory.top())
            line(fmt::format("shmem:{} = {} bytes in {} blocks", usage.tag, usage.bytes,
                             usage.blocks));
    } catch (const std::exception& e) {
        LOG(error, "the report ends early: {}", e.what());
    }
}

}  // namespace fairlead::server
