// The object behind the built-in module "core", as its commands see it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::server {

class Engine;

class CoreBase : public Module {
public:
    Result<void> prepare(Core& core) override;
    [[nodiscard]] Engine& engine() const noexcept { return *engine_; }

protected:
    Engine* engine_ = nullptr;
};

/// All commands that need no module: core.*, corex.*, system.*, stats.*, cnt.*, shm.*.
inline constexpr std::size_t kCoreCommands = 47;
extern const std::array<Command, kCoreCommands> core_commands;
/// What can be tuned of the core: its log level, and whether it traces.
extern const std::array<Tunable, 2> core_tunables;

/// About counters and shared memory (stat_commands.cpp); `m` is the CoreBase.
namespace commands {
Result<void> clear(Module& m, Call& call);
Result<void> counter(Module& m, Call& call);
Result<void> counter_help(Module& m, Call& call);
Result<void> fetch(Module& m, Call& call);
Result<void> fetch_numbers(Module& m, Call& call);
Result<void> get_statistics(Module& m, Call& call);
Result<void> group_names(Module& m, Call& call);
Result<void> group_values(Module& m, Call& call);
Result<void> groups(Module& m, Call& call);
Result<void> memory(Module& m, Call& call);
Result<void> reset(Module& m, Call& call);
Result<void> reset_counter(Module& m, Call& call);
Result<void> top(Module& m, Call& call);
// About processes (load_command.cpp).
Result<void> load(Module& m, Call& call);
// About traces (trace_commands.cpp).
Result<void> clear_traces(Module& m, Call& call);
Result<void> list_traces(Module& m, Call& call);
Result<void> trace(Module& m, Call& call);
}  // namespace commands

}  // namespace fairlead::server
