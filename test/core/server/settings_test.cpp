// Global parameters: types, bounds, unknown names, and the command line on top.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/settings.h"

#include <syslog.h>

#include <catch2/catch.hpp>

using namespace fairlead;
using namespace fairlead::server;

namespace {

struct Read {
    cfg::Diagnostics diagnostics;
    cfg::Config config;
    Settings values;
    explicit Read(const std::string& text, const Options& options = {}) {
        config = cfg::read_text(text + "\nrequest_route { exit; }\n", {}, diagnostics);
        values = read_settings(config, options, diagnostics);
    }
};

/// The global parameters of Kamailio 5.6 and some of newer versions.
constexpr std::string_view kNames =
    "debug log_stderror log_facility log_name log_color log_prefix log_prefix_mode "
    "log_engine_type log_engine_data memlog mem_log memdbg mem_dbg mem_summary "
    "mem_safety mem_join mem_status_mode corelog core_log sip_parser_log "
    "sip_parser_log_oneline sip_parser_mode latency_log latency_cfg_log "
    "latency_limit_action latency_limit_cfg latency_limit_db verbose_startup "
    "stats_name_separator port tls_port_no auto_aliases advertised_address "
    "advertised_port mhomed auto_bind_ipv6 bind_ipv6_link_local ipv6_hex_style "
    "ip_free_bind mcast_loopback mcast_ttl mcast tos pmtu_discovery maxbuffer "
    "udp4_raw udp4_raw_mtu udp4_raw_ttl udp_mtu udp_mtu_try_proto onsend_route_reply "
    "socket_workers children tcp_children sctp_children fork fork_delay modinit_delay "
    "user uid group gid chroot workdir wdir rundir run_dir shm_mem_size shm shm_mem "
    "shm_force_alloc mlock_pages real_time rt_prio rt_policy rt_timer1_prio "
    "rt_timer1_policy rt_timer2_prio rt_timer2_policy open_files_limit "
    "disable_core_dump exit_timeout ser_kill_timeout server_id async_workers "
    "async_workers_group async_nonblock async_usleep wait_worker1_mode "
    "wait_worker1_time wait_worker1_usleep route_locks_size max_while_loops "
    "max_recursive_level max_branches pv_buffer_size pv_buffer_slots pv_cache_limit "
    "pv_cache_action sql_buffer_size version_table server_signature server_header "
    "user_agent_header sip_warning reply_to_via check_via force_rport phone2tel "
    "local_rport dns rev_dns http_reply_parse http_reply_hack msg_time "
    "received_route_mode xavp_via_params xavp_via_fields uri_host_extra_chars "
    "hdr_name_extra_chars dns_try_ipv6 dns_try_naptr dns_srv_lb dns_srv_loadbalancing "
    "dns_udp_pref dns_udp_preference dns_tcp_pref dns_tcp_preference dns_tls_pref "
    "dns_tls_preference dns_sctp_pref dns_sctp_preference dns_retr_time dns_retr_no "
    "dns_servers_no dns_use_search_list dns_search_full_match dns_naptr_ignore_rfc "
    "dns_slow_query_ms dns_cache_init use_dns_cache use_dns_failover dns_cache_flags "
    "dns_cache_negative_ttl dns_cache_min_ttl dns_cache_max_ttl dns_cache_mem "
    "dns_cache_gc_interval dns_cache_delete_nonexpired dns_cache_delete_nonexp "
    "dns_cache_rec_pref use_dst_blocklist dst_blocklist_expire dst_blocklist_ttl "
    "dst_blocklist_mem dst_blocklist_gc_interval dst_blocklist_udp_imask "
    "dst_blocklist_tcp_imask dst_blocklist_tls_imask dst_blocklist_sctp_imask "
    "dst_blocklist_init disable_tcp tcp_connection_lifetime tcp_connect_timeout "
    "tcp_send_timeout tcp_max_connections tls_max_connections tcp_no_connect "
    "tcp_accept_aliases tcp_accept_unique tcp_connection_match tcp_poll_method "
    "tcp_async tcp_conn_wq_max tcp_wq_max tcp_rd_buf_size tcp_wq_blk_size "
    "tcp_buf_write tcp_fd_cache tcp_defer_accept tcp_delayed_ack tcp_syncnt "
    "tcp_linger2 tcp_keepidle tcp_keepintvl tcp_keepcnt tcp_keepalive tcp_crlf_ping "
    "tcp_accept_no_cl tcp_accept_hep3 tcp_accept_haproxy tcp_clone_rcvbuf "
    "tcp_reuse_port tcp_wait_data tcp_script_mode tcp_source_ipv4 tcp_source_ipv6 "
    "enable_tls disable_tls tls_disable tls_enable tls_certificate tls_private_key "
    "tls_ca_list tls_verify tls_require_certificate tls_method tls_handshake_timeout "
    "tls_send_timeout enable_sctp disable_sctp sctp_socket_rcvbuf sctp_socket_sndbuf "
    "sctp_autoclose sctp_send_ttl sctp_send_retries sctp_assoc_tracking "
    "sctp_assoc_reuse sctp_max_assocs sctp_srto_initial sctp_srto_max sctp_srto_min "
    "sctp_asocmaxrxt sctp_init_max_attempts sctp_init_max_timeo sctp_hbinterval "
    "sctp_pathmaxrxt sctp_sack_delay sctp_sack_freq sctp_max_burst ipfreebind "
    "ip_nonlocal_bind mem_add_size tcp_main_threads tcp_msg_read_timeout "
    "tcp_msg_data_timeout tcp_accept_iplimit tcp_close_rst tcp_listen_backlog "
    "tcp_check_timer msg_recv_max_size maxsndbuffer udp_receiver_mode "
    "udp_accept_proxy auto_domains add_local_rport msg_apply_changes_mode "
    "rpc_exec_delta rpc_exec_ulimit async_tkv_evname async_tkv_gname statistics "
    "rt_ftimer_prio rt_stimer_prio ";

}  // namespace

TEST_CASE("parameters reach their fields, under every name") {
    const Read r(
        "debug=2\nlog_stderror=yes\nlog_facility=LOG_LOCAL0\nchildren=3\nport=5080\n"
        "wdir=\"/tmp\"\nshm_mem_size=32\nserver_signature=no\nmax_branches=4\n"
        "server_header=\"Server: x\"\nsteering=\"callid\"\ntos=IPTOS_LOWDELAY\n");
    INFO(r.diagnostics.print());
    REQUIRE(r.diagnostics.errors() == 0);
    CHECK(r.values.debug == 2);
    CHECK(r.values.log_stderror);
    CHECK(r.values.log_facility == "LOG_LOCAL0");
    CHECK(r.values.workers == 3);
    CHECK(r.values.port == 5080);
    CHECK(r.values.work_dir == "/tmp");
    CHECK(r.values.memory_mb == 32);
    CHECK_FALSE(r.values.server_signature);
    CHECK(r.values.max_branches == 4);
    CHECK(r.values.server_header == "Server: x");
    CHECK(r.values.steering == "callid");
    CHECK(r.values.tos == 0x10);
}

TEST_CASE("parameters of streams reach their fields") {
    const Read r(
        "tcp_connection_lifetime=60\ntcp_connect_timeout=3\ntcp_send_timeout=4\n"
        "tcp_msg_read_timeout=5\ntcp_max_connections=9\ntcp_accept_iplimit=7\ntcp_no_connect=yes\n"
        "tcp_accept_aliases=yes\ntcp_conn_wq_max=1000\ntcp_wq_max=2000\ntcp_crlf_ping=no\n"
        "tcp_accept_no_cl=yes\ntcp_keepalive=no\nudp_mtu=1300\nudp_mtu_try_proto=TCP\n");
    INFO(r.diagnostics.print());
    CHECK(r.diagnostics.all().empty());
    CHECK(r.values.tcp_lifetime == 60);
    CHECK(r.values.tcp_connect_timeout == 3);
    CHECK(r.values.tcp_send_timeout == 4);
    CHECK(r.values.tcp_message_timeout == 5);
    CHECK(r.values.tcp_max_connections == 9);
    CHECK(r.values.tcp_ip_limit == 7);
    CHECK(r.values.tcp_no_connect);
    CHECK(r.values.tcp_accept_aliases);
    CHECK(r.values.tcp_conn_wq_max == 1000);
    CHECK(r.values.tcp_wq_max == 2000);
    CHECK_FALSE(r.values.tcp_crlf_ping);
    CHECK(r.values.tcp_accept_no_cl);
    CHECK_FALSE(r.values.tcp_keepalive);
    CHECK(r.values.udp_mtu == 1300);
    CHECK(r.values.udp_mtu_try_proto == "TCP");
    CHECK(Read("udp_mtu_try_proto=PIGEON\n").diagnostics.errors() == 1);
    CHECK(Read("tcp_max_connections=0\n").diagnostics.errors() == 1);
}

TEST_CASE("an unknown parameter is an error with its place and a suggestion") {
    const Read r("childern=3\n");
    REQUIRE(r.diagnostics.errors() == 1);
    const auto& error = r.diagnostics.all().front();
    CHECK(error.text == "unknown parameter childern");
    CHECK(error.hint == "did you mean children?");
    CHECK(error.at.line == 1);
}

TEST_CASE("wrong types and values are errors") {
    CHECK(Read("children=\"three\"\n").diagnostics.errors() == 1);
    CHECK(Read("children=0\n").diagnostics.errors() == 1);
    CHECK(Read("port=70000\n").diagnostics.errors() == 1);
    CHECK(Read("dns_servers=\"ns.example\"\n").diagnostics.errors() == 1);
    CHECK(Read("dns_servers=\"192.0.2.1, [2001:db8::1]:53\"\n").diagnostics.errors() == 0);
    CHECK(Read("dns_timeout_ms=0\n").diagnostics.errors() == 1);
    CHECK(Read("steering=\"random\"\n").diagnostics.errors() == 1);
    CHECK(Read("log_facility=LOG_NOWHERE\n").diagnostics.errors() == 1);
}

TEST_CASE("parameters without meaning give a notice, custom ones nothing") {
    const Read r("dns_cache_rec_pref=1\nmax_while_loops=200\npstn.gw_ip=\"\" desc \"x\"\n");
    INFO(r.diagnostics.print());
    CHECK(r.diagnostics.errors() == 0);
    REQUIRE(r.diagnostics.all().size() == 1);
    CHECK(r.diagnostics.all().front().severity == cfg::Severity::notice);
    CHECK(r.diagnostics.all().front().text.starts_with("dns_cache_rec_pref has no effect"));
}

TEST_CASE("socket_workers is for the next listen line only") {
    const Read r(
        "listen=udp:127.0.0.1:5060\nsocket_workers=2\nport=5070\n"
        "listen=udp:127.0.0.1:5080 advertise 192.0.2.1:5080 name \"trunk\" tcp:127.0.0.1:5081\n"
        "listen=udp:127.0.0.1:5090\nsocket_workers=0\nlisten=udp:127.0.0.1:5091\n");
    INFO(r.diagnostics.print());
    CHECK(r.diagnostics.all().empty());
    REQUIRE(r.config.listen.size() == 5);
    CHECK_FALSE(r.config.listen[0].workers);
    CHECK(r.config.listen[1].workers == 0U);
    CHECK(r.config.listen[2].workers == 0U);
    CHECK_FALSE(r.config.listen[3].workers);
    CHECK(r.config.listen[4].workers == 2U);
    CHECK(r.config.settings[*r.config.listen[1].workers].value.number == 2);
}

TEST_CASE("a socket_workers without a listen line is told, one that is too large is refused") {
    const Read none("listen=udp:127.0.0.1\nsocket_workers=2\n");
    REQUIRE(none.diagnostics.all().size() == 1);
    CHECK(none.diagnostics.all()[0].severity == cfg::Severity::warning);
    CHECK(none.diagnostics.all()[0].at.line == 2);
    CHECK(none.diagnostics.all()[0].text.starts_with("socket_workers has no effect"));
    const Read twice("socket_workers=2\nsocket_workers=3\nlisten=udp:127.0.0.1\n");
    REQUIRE(twice.diagnostics.all().size() == 1);
    CHECK(twice.diagnostics.all()[0].at.line == 1);

    for (const std::string_view wrong : {"-1", "200", "9999999999", "\"two\""}) {
        const Read r("socket_workers=" + std::string(wrong) + "\nlisten=udp:127.0.0.1\n");
        CAPTURE(wrong, r.diagnostics.print());
        CHECK(r.diagnostics.errors() == 1);
    }
    const std::string many =
        "socket_workers=100\nlisten=udp:127.0.0.1\nsocket_workers=99\nlisten=udp:127.0.0.2\n";
    CHECK(Read("children=1\n" + many).diagnostics.all().empty());
    const Read more("children=2\n" + many);
    REQUIRE(more.diagnostics.errors() == 1);
    CHECK(more.diagnostics.all()[0].at.line == 4);
    CHECK(more.diagnostics.all()[0].text ==
          "children and all socket_workers make 201 workers; more than 200 are not possible");
    CHECK(Read("fork=no\nchildren=2\n" + many).diagnostics.all().empty());
}

TEST_CASE("the command line wins") {
    Options o;
    o.children = 5;
    o.debug = 3;
    o.work_dir = "/var";
    o.fork = Fork::none;
    o.fork_given = true;
    o.auto_aliases = false;
    const Read r("children=3\ndebug=0\nworkdir=\"/tmp\"\nfork=yes\n", o);
    CHECK(r.values.workers == 5);
    CHECK(r.values.debug == 3);
    CHECK(r.values.work_dir == "/var");
    CHECK_FALSE(r.values.fork);
    CHECK_FALSE(r.values.auto_aliases);
}

TEST_CASE("syslog facilities by either spelling") {
    CHECK(syslog_facility("LOG_LOCAL7") == LOG_LOCAL7);
    CHECK(syslog_facility("daemon") == LOG_DAEMON);
    CHECK(syslog_facility("LOG_NOTHING") == -1);
}

TEST_CASE("names are unique") {
    auto names = setting_names();
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("every parameter of Kamailio 5.6 is known, and those without meaning say so once") {
    std::string_view rest = kNames;
    while (!rest.empty()) {
        const std::size_t end = rest.find(' ');
        const std::string name(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        INFO(name);
        const Read r(name + "=1\n");
        for (const auto& d : r.diagnostics.all()) {
            CHECK(d.text.find("unknown parameter") == std::string::npos);
        }
        CHECK(r.diagnostics.all().size() <= 1);
    }
}

TEST_CASE("callbacks of other languages are accepted with a notice") {
    const Read r("kemi.reply_route_callback=\"none\"\n");
    REQUIRE(r.diagnostics.all().size() == 1);
    CHECK(r.diagnostics.errors() == 0);
    CHECK(r.diagnostics.all().front().text.starts_with("kemi.reply_route_callback has no effect"));
}
