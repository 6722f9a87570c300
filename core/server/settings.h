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

/// The most workers, those of `children` and of `socket_workers` together.
inline constexpr std::int64_t kMostWorkers = 200;

/// Values in force: defaults, then the configuration, then the command line.
struct Settings {
    // Log
    std::int64_t debug = 0;
    bool log_stderror = false;
    std::string log_facility = "LOG_DAEMON", log_name = "fairlead", log_engine;
    // Sockets
    std::int64_t port = 5060, advertised_port = 0, tos = 0x10, receive_buffer = 4194304;
    std::string advertised_address;
    bool auto_bind_ipv6 = false, mhomed = false, auto_aliases = true, free_bind = false,
         path_mtu_discovery = false;
    bool disable_tcp = false, enable_tls = false, disable_tls = false;
    std::int64_t tls_port = 5061, tls_max_connections = 2048;
    // Streams; times in seconds, sizes in bytes
    std::int64_t tcp_lifetime = 120, tcp_connect_timeout = 10, tcp_send_timeout = 10,
                 tcp_message_timeout = 20, tcp_max_connections = 2048, tcp_ip_limit = 0,
                 tcp_conn_wq_max = 32 * 1024, tcp_wq_max = 10 * 1024 * 1024, tcp_defer_accept = 0,
                 tcp_syncnt = 0, tcp_linger2 = 0, tcp_keepidle = 0, tcp_keepintvl = 0,
                 tcp_keepcnt = 0, tcp_backlog = 1024;
    bool tcp_no_connect = false, tcp_accept_aliases = false, tcp_connection_match = false,
         tcp_keepalive = true, tcp_crlf_ping = true, tcp_accept_no_cl = false,
         tcp_accept_haproxy = false;
    std::int64_t udp_mtu = 0;
    std::string udp_mtu_try_proto;
    // DNS; times in seconds unless the name says otherwise, -1: as it fits
    bool use_dns = true, dns_try_ipv6 = true, dns_try_naptr = false, dns_srv_lb = false,
         dns_use_search_list = true, dns_naptr_ignore_rfc = true, use_dns_cache = true,
         dns_cache_init = true, use_dns_failover = false, dns_cache_delete_nonexpired = false;
    std::int64_t dns_udp_pref = 30, dns_tcp_pref = 20, dns_tls_pref = 10, dns_retr_time = -1,
                 dns_retr_no = -1, dns_servers_no = -1, dns_slow_query_ms = 0, dns_cache_flags = 0,
                 dns_cache_negative_ttl = 60, dns_cache_min_ttl = 0, dns_cache_max_ttl = INT32_MAX,
                 dns_cache_stale_ttl = 3600, dns_cache_kb = 500, dns_cache_gc_interval = 120,
                 dns_timeout_ms = 2000;
    std::string dns_servers;
    std::string steering = "callid";
    std::int64_t gather_usec = 300;
    bool trace = false;
    std::int64_t trace_transactions = 256;
    // Processes and the system; socket_workers is the last one, ListenLine has those that count
    std::int64_t workers = 8, socket_workers = 0, memory_mb = 64, exit_timeout = 60, open_files = 0,
                 server_id = 0;
    bool fork = true, disable_core_dump = false;
    std::string user, group, root_dir, work_dir = "/", run_dir = "/run/fairlead";
    std::int64_t async_workers = 0;
    std::vector<std::string> async_groups;
    // SIP
    std::int64_t max_branches = 12;
    bool server_signature = true, force_rport = false, local_rport = false, check_via = false,
         sip_warning = false;
    std::string server_header, user_agent_header, xavp_via_params, xavp_via_fields;
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
