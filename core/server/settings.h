// The global parameters of the configuration, checked and typed.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/config.h"
#include "core/server/options.h"

namespace fairlead::server {

/// Values in force: defaults, then the configuration, then the command line.
struct Settings {
    // Log
    std::int64_t debug = 0;
    bool log_stderror = false;
    std::string log_facility = "LOG_DAEMON", log_name = "fairlead", log_engine;
    // Sockets
    std::int64_t port = 5060, advertised_port = 0, tos = 0x10, receive_buffer = 262144;
    std::string advertised_address;
    bool auto_bind_ipv6 = false, mhomed = false, auto_aliases = true, free_bind = false,
         path_mtu_discovery = false;
    bool disable_tcp = false;
    std::string steering = "callid";
    std::int64_t gather_usec = 300;
    bool trace = false;
    std::int64_t trace_transactions = 256;
    // Processes and the system
    std::int64_t workers = 8, memory_mb = 64, exit_timeout = 60, open_files = 0, server_id = 0;
    bool fork = true, disable_core_dump = false;
    std::string user, group, root_dir, work_dir = "/", run_dir = "/run/fairlead";
    std::int64_t async_workers = 0;
    std::vector<std::string> async_groups;
    // SIP
    std::int64_t max_branches = 12;
    bool server_signature = true, force_rport = false, local_rport = false, check_via = false;
    std::string server_header, user_agent_header;
};

/// Applies `config.settings` and then the command line. An unknown name, a value of the wrong type
/// or out of range is an error with its place; what has no meaning here is a notice.
[[nodiscard]] Settings read_settings(const cfg::Config& config, const Options& options,
                                     cfg::Diagnostics& diagnostics);

/// All names that read_settings knows, for documentation and suggestions.
[[nodiscard]] std::vector<std::string_view> setting_names();

/// "LOG_LOCAL0" or "local0" to the number that syslog wants, shifted; -1 when unknown.
[[nodiscard]] int syslog_facility(std::string_view name) noexcept;

}  // namespace fairlead::server
