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
    {"steering", &S::steering},
    {"udp_gather_usec", &S::gather_usec, 0, 10'000},
    // Processes and the system
    {"children", &S::workers, 1, 200},
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
     "http_reply_hack phone2tel msg_time xavp_via_params xavp_via_fields "
     "onsend_route_reply msg_apply_changes_mode add_local_rport auto_domains udp_mtu "
     "udp_mtu_try_proto udp4_raw udp4_raw_mtu "
     "udp4_raw_ttl",
     "messages are parsed and sent in one way"},
    {"reply_to_via", "replies go to where the request came from (RFC 3261 18.2.2)"},
    {"bind_ipv6_link_local ipv6_hex_style mcast mcast_loopback mcast_ttl",
     "sockets are made in one way"},
    {"sip_warning", "replies tell nobody about the inside of the server"},
    {"socket_workers udp_receiver_mode udp_accept_proxy", "each worker listens on every socket"},
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
    {"dns rev_dns dns_try_ipv6 dns_try_naptr dns_srv_lb dns_srv_loadbalancing dns_udp_pref "
     "dns_tcp_pref dns_tls_pref dns_sctp_pref dns_udp_preference dns_tcp_preference "
     "dns_tls_preference dns_sctp_preference dns_retr_time dns_retr_no dns_servers_no "
     "dns_use_search_list dns_search_full_match dns_naptr_ignore_rfc dns_slow_query_ms "
     "dns_cache_init use_dns_cache use_dns_failover dns_cache_flags dns_cache_negative_ttl "
     "dns_cache_min_ttl dns_cache_max_ttl dns_cache_mem dns_cache_gc_interval "
     "dns_cache_delete_nonexpired dns_cache_delete_nonexp dns_cache_rec_pref use_dst_blocklist "
     "dst_blocklist_expire dst_blocklist_ttl dst_blocklist_mem dst_blocklist_gc_interval "
     "dst_blocklist_udp_imask dst_blocklist_tcp_imask dst_blocklist_tls_imask "
     "dst_blocklist_sctp_imask dst_blocklist_init",
     "next hops are addresses or names of the hosts file; nothing asks DNS"},
    {"tcp_children tcp_connection_lifetime tcp_connect_timeout tcp_send_timeout "
     "tcp_max_connections tls_max_connections tcp_no_connect tcp_accept_aliases "
     "tcp_accept_unique tcp_connection_match tcp_poll_method tcp_async tcp_conn_wq_max "
     "tcp_wq_max tcp_rd_buf_size tcp_wq_blk_size tcp_buf_write tcp_fd_cache tcp_defer_accept "
     "tcp_delayed_ack tcp_syncnt tcp_linger2 tcp_keepidle tcp_keepintvl tcp_keepcnt "
     "tcp_keepalive tcp_crlf_ping tcp_accept_no_cl tcp_accept_hep3 tcp_accept_haproxy "
     "tcp_clone_rcvbuf tcp_reuse_port tcp_wait_data tcp_script_mode tcp_source_ipv4 "
     "tcp_source_ipv6 enable_tls disable_tls tls_disable tls_enable tls_port_no "
     "tls_certificate tls_private_key tls_ca_list tls_verify tls_require_certificate "
     "tls_method tls_handshake_timeout tls_send_timeout tcp_main_threads tcp_msg_read_timeout "
     "tcp_msg_data_timeout tcp_accept_iplimit tcp_close_rst tcp_listen_backlog "
     "tcp_check_timer msg_recv_max_size maxsndbuffer",
     "only UDP is built in"},
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
