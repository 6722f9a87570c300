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

/// All commands that need no module: core.*, corex.*, dns.*, system.*, stats.*, cnt.*,
/// shm.*.
inline constexpr std::size_t kCoreCommands = 64;
extern const std::array<Command, kCoreCommands> core_commands;
/// What can be tuned of the core: its log level, and whether it traces.
extern const std::array<Tunable, 2> core_tunables;

/// About counters, shared memory and streams (stat_commands.cpp, tcp_commands.cpp); `m` is the
/// CoreBase.
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
Result<void> tcp_info(Module& m, Call& call);
Result<void> tcp_list(Module& m, Call& call);
Result<void> tcp_options(Module& m, Call& call);
Result<void> top(Module& m, Call& call);
// About DNS (dns_commands.cpp).
Result<void> dns_add_a(Module& m, Call& call);
Result<void> dns_add_aaaa(Module& m, Call& call);
Result<void> dns_add_srv(Module& m, Call& call);
Result<void> dns_debug(Module& m, Call& call);
Result<void> dns_debug_all(Module& m, Call& call);
Result<void> dns_delete_a(Module& m, Call& call);
Result<void> dns_delete_aaaa(Module& m, Call& call);
Result<void> dns_delete_all(Module& m, Call& call);
Result<void> dns_delete_all_force(Module& m, Call& call);
Result<void> dns_delete_cname(Module& m, Call& call);
Result<void> dns_delete_naptr(Module& m, Call& call);
Result<void> dns_delete_ptr(Module& m, Call& call);
Result<void> dns_delete_srv(Module& m, Call& call);
Result<void> dns_delete_txt(Module& m, Call& call);
Result<void> dns_lookup(Module& m, Call& call);
Result<void> dns_mem_info(Module& m, Call& call);
Result<void> dns_view(Module& m, Call& call);
// About processes (load_command.cpp).
Result<void> load(Module& m, Call& call);
// About traces (trace_commands.cpp).
Result<void> clear_traces(Module& m, Call& call);
Result<void> list_traces(Module& m, Call& call);
Result<void> trace(Module& m, Call& call);
}  // namespace commands

}  // namespace fairlead::server
