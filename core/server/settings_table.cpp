// One row for each global parameter: name, type, bounds, and the field it sets or why it has none.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/settings_table.h"

namespace fairlead::server {
namespace {

using S = Settings;

constexpr SettingRow kRows[] = {
    // Log
    {"debug", &S::debug, -10, 10},
    {"log_stderror", &S::log_stderror},
    {"log_facility", &S::log_facility},
    {"log_name", &S::log_name},
    {"log_engine_type", &S::log_engine},
    {"trace", &S::trace},
    {"trace_transactions", &S::trace_transactions, 1, 100'000},
    // Sockets
    {"port", &S::port, 1, 65535},
    {"advertised_address", &S::advertised_address},
    {"advertised_port", &S::advertised_port, 0, 65535},
    {"mhomed", &S::mhomed},
    {"auto_bind_ipv6", &S::auto_bind_ipv6},
    {"auto_aliases", &S::auto_aliases},
    {"ip_free_bind", &S::free_bind},
    {"ipfreebind", &S::free_bind},
    {"ip_nonlocal_bind", &S::free_bind},
    {"pmtu_discovery", &S::path_mtu_discovery},
    {"tos", &S::tos, 0, 255},
    {"maxbuffer", &S::receive_buffer, 4096, INT32_MAX},
    {"disable_tcp", &S::disable_tcp},
    {"enable_tls", &S::enable_tls},
    {"tls_enable", &S::enable_tls},
    {"disable_tls", &S::disable_tls},
    {"tls_disable", &S::disable_tls},
    {"tls_port_no", &S::tls_port, 1, 65535},
    {"tls_max_connections", &S::tls_max_connections, 1, 10'000'000},
    {"udp_mtu", &S::udp_mtu, 0, 65535},
    {"udp_mtu_try_proto", &S::udp_mtu_try_proto},
    // Streams
    {"tcp_connection_lifetime", &S::tcp_lifetime, 0, 86400},
    {"tcp_connect_timeout", &S::tcp_connect_timeout, 1, 3600},
    {"tcp_send_timeout", &S::tcp_send_timeout, 1, 3600},
    {"tcp_msg_read_timeout", &S::tcp_message_timeout, 1, 3600},
    {"tcp_max_connections", &S::tcp_max_connections, 1, 10'000'000},
    {"tcp_accept_iplimit", &S::tcp_ip_limit, 0, 10'000'000},
    {"tcp_no_connect", &S::tcp_no_connect},
    {"tcp_accept_aliases", &S::tcp_accept_aliases},
    {"tcp_connection_match", &S::tcp_connection_match},
    {"tcp_conn_wq_max", &S::tcp_conn_wq_max, 0, 1 << 30},
    {"tcp_wq_max", &S::tcp_wq_max, 0, INT32_MAX},
    {"tcp_defer_accept", &S::tcp_defer_accept, 0, 3600},
    {"tcp_syncnt", &S::tcp_syncnt, 0, 255},
    {"tcp_linger2", &S::tcp_linger2, 0, 3600},
    {"tcp_keepalive", &S::tcp_keepalive},
    {"tcp_keepidle", &S::tcp_keepidle, 0, 32767},
    {"tcp_keepintvl", &S::tcp_keepintvl, 0, 32767},
    {"tcp_keepcnt", &S::tcp_keepcnt, 0, 127},
    {"tcp_crlf_ping", &S::tcp_crlf_ping},
    {"tcp_accept_no_cl", &S::tcp_accept_no_cl},
    {"tcp_accept_haproxy", &S::tcp_accept_haproxy},
    {"tcp_listen_backlog", &S::tcp_backlog, 1, 65535},
    // DNS
    {"use_dns_resolver", &S::use_dns},
    {"dns_servers", &S::dns_servers},
    {"dns_timeout_ms", &S::dns_timeout_ms, 10, 60'000},
    {"dns_try_ipv6", &S::dns_try_ipv6},
    {"dns_try_naptr", &S::dns_try_naptr},
    {"dns_naptr_ignore_rfc", &S::dns_naptr_ignore_rfc},
    {"dns_srv_lb", &S::dns_srv_lb},
    {"dns_srv_loadbalancing", &S::dns_srv_lb},
    {"dns_udp_pref", &S::dns_udp_pref, -1, INT32_MAX},
    {"dns_udp_preference", &S::dns_udp_pref, -1, INT32_MAX},
    {"dns_tcp_pref", &S::dns_tcp_pref, -1, INT32_MAX},
    {"dns_tcp_preference", &S::dns_tcp_pref, -1, INT32_MAX},
    {"dns_tls_pref", &S::dns_tls_pref, -1, INT32_MAX},
    {"dns_tls_preference", &S::dns_tls_pref, -1, INT32_MAX},
    {"dns_retr_time", &S::dns_retr_time, -1, 60},
    {"dns_retr_no", &S::dns_retr_no, -1, 100},
    {"dns_servers_no", &S::dns_servers_no, -1, 100},
    {"dns_use_search_list", &S::dns_use_search_list},
    {"dns_slow_query_ms", &S::dns_slow_query_ms, 0, INT32_MAX},
    {"dns_cache_init", &S::dns_cache_init},
    {"use_dns_cache", &S::use_dns_cache},
    {"use_dns_failover", &S::use_dns_failover},
    {"dns_cache_flags", &S::dns_cache_flags, 0, 4},
    {"dns_cache_negative_ttl", &S::dns_cache_negative_ttl, 0, INT32_MAX},
    {"dns_cache_min_ttl", &S::dns_cache_min_ttl, 0, INT32_MAX},
    {"dns_cache_max_ttl", &S::dns_cache_max_ttl, 0, INT32_MAX},
    {"dns_cache_stale_ttl", &S::dns_cache_stale_ttl, 0, 604'800},
    {"dns_cache_mem", &S::dns_cache_kb, 0, 4'000'000},
    {"dns_cache_gc_interval", &S::dns_cache_gc_interval, 1, 86'400},
    {"dns_cache_delete_nonexpired", &S::dns_cache_delete_nonexpired},
    {"dns_cache_delete_nonexp", &S::dns_cache_delete_nonexpired},
    {"steering", &S::steering},
    {"udp_gather_usec", &S::gather_usec, 0, 10'000},
    // Processes and the system
    {"children", &S::workers, 1, kMostWorkers},
    {"socket_workers", &S::socket_workers, 0, kMostWorkers - 1},
    {"fork", &S::fork},
    {"async_workers", &S::async_workers, 0, 100},
    {"async_workers_group", &S::async_groups},
    {"shm_mem_size", &S::memory_mb, 1, 1024 * 1024},
    {"shm_mem", &S::memory_mb, 1, 1024 * 1024},
    {"shm", &S::memory_mb, 1, 1024 * 1024},
    {"exit_timeout", &S::exit_timeout, 0, 3600},
    {"ser_kill_timeout", &S::exit_timeout, 0, 3600},
    {"open_files_limit", &S::open_files, 0, 1 << 30},
    {"disable_core_dump", &S::disable_core_dump},
    {"server_id", &S::server_id, INT32_MIN, INT32_MAX},
    {"user", &S::user},
    {"uid", &S::user},
    {"group", &S::group},
    {"gid", &S::group},
    {"chroot", &S::root_dir},
    {"workdir", &S::work_dir},
    {"wdir", &S::work_dir},
    {"rundir", &S::run_dir},
    {"run_dir", &S::run_dir},
    // SIP
    {"max_branches", &S::max_branches, 1, static_cast<std::int64_t>(kMaxBranches)},
    {"server_signature", &S::server_signature},
    {"server_header", &S::server_header},
    {"user_agent_header", &S::user_agent_header},
    {"force_rport", &S::force_rport},
    {"local_rport", &S::local_rport},
    {"check_via", &S::check_via},
    {"sip_warning", &S::sip_warning},
    {"xavp_via_params", &S::xavp_via_params},
    {"xavp_via_fields", &S::xavp_via_fields},
};

constexpr IgnoredSettings kIgnored[] = {
    // The compiler of scripts reads these itself.
    {"max_while_loops max_recursive_level log_prefix log_prefix_mode received_route_mode", ""},
    {"log_color log_engine_data memlog mem_log memdbg mem_dbg mem_summary "
     "mem_safety mem_join mem_status_mode corelog core_log sip_parser_log "
     "sip_parser_log_oneline latency_log latency_cfg_log latency_limit_action latency_limit_cfg "
     "latency_limit_db verbose_startup statistics stats_name_separator",
     "the log has no such setting"},
    {"sip_parser_mode hdr_name_extra_chars uri_host_extra_chars http_reply_parse "
     "http_reply_hack phone2tel msg_time "
     "onsend_route_reply msg_apply_changes_mode add_local_rport auto_domains udp4_raw udp4_raw_mtu "
     "udp4_raw_ttl",
     "messages are parsed and sent in one way"},
    {"reply_to_via", "replies go to where the request came from (RFC 3261 18.2.2)"},
    {"bind_ipv6_link_local ipv6_hex_style mcast mcast_loopback mcast_ttl",
     "sockets are made in one way"},
    {"udp_receiver_mode udp_accept_proxy", "datagrams are read in one way"},
    {"fork_delay modinit_delay wait_worker1_mode wait_worker1_time wait_worker1_usleep",
     "the start waits for nothing but the workers"},
    {"shm_force_alloc mlock_pages real_time rt_prio rt_policy rt_timer1_prio rt_timer1_policy "
     "rt_timer2_prio rt_timer2_policy rt_ftimer_prio rt_ftimer_policy rt_stimer_prio "
     "rt_stimer_policy",
     "scheduling and locking of memory belong to the service manager"},
    {"async_nonblock async_usleep", "asynchronous workers wait in an event loop"},
    {"async_tkv_evname async_tkv_gname rpc_exec_delta rpc_exec_ulimit", "nothing here uses it"},
    {"route_locks_size pv_buffer_size pv_buffer_slots pv_cache_limit pv_cache_action "
     "sql_buffer_size version_table mem_add_size",
     "the server has no such limit"},
    {"dns rev_dns", "a host in a Via is compared as it is written"},
    {"dns_sctp_pref dns_sctp_preference", "there is no SCTP"},
    {"dns_search_full_match", "an answer only counts for the name that was asked for"},
    {"dns_cache_rec_pref", "a new answer takes the place of the old one"},
    {"use_dst_blocklist dst_blocklist_expire dst_blocklist_ttl dst_blocklist_mem "
     "dst_blocklist_gc_interval dst_blocklist_udp_imask dst_blocklist_tcp_imask "
     "dst_blocklist_tls_imask dst_blocklist_sctp_imask dst_blocklist_init",
     "no destination is avoided because it failed before"},
    {"tcp_children tcp_main_threads", "streams are served by the same workers"},
    {"tcp_async tcp_fd_cache tcp_buf_write tcp_poll_method tcp_wait_data tcp_script_mode "
     "tcp_rd_buf_size tcp_wq_blk_size tcp_clone_rcvbuf tcp_reuse_port tcp_check_timer "
     "tcp_delayed_ack tcp_accept_unique tcp_close_rst tcp_msg_data_timeout msg_recv_max_size "
     "maxsndbuffer",
     "streams are read and written in one way"},
    {"tcp_source_ipv4 tcp_source_ipv6", "a connection comes from the address of its listener"},
    {"tcp_accept_hep3", "HEP is not spoken"},
    {"tls_certificate tls_private_key tls_ca_list tls_verify tls_require_certificate tls_method",
     "say it to the tls module: modparam(\"tls\", …)"},
    {"tls_handshake_timeout tls_send_timeout",
     "tcp_connect_timeout and tcp_send_timeout hold for TLS as well"},
    {"enable_sctp disable_sctp sctp_children sctp_socket_rcvbuf sctp_socket_sndbuf "
     "sctp_autoclose sctp_send_ttl sctp_send_retries sctp_assoc_tracking sctp_assoc_reuse "
     "sctp_max_assocs sctp_srto_initial sctp_srto_max sctp_srto_min sctp_asocmaxrxt "
     "sctp_init_max_attempts sctp_init_max_timeo sctp_hbinterval sctp_pathmaxrxt "
     "sctp_sack_delay sctp_sack_freq sctp_max_burst",
     "there is no SCTP"},
};

}  // namespace

std::span<const SettingRow> setting_rows() noexcept {
    return kRows;
}

std::span<const IgnoredSettings> ignored_settings() noexcept {
    return kIgnored;
}

}  // namespace fairlead::server
