// The functions of Kamailio 5.6's modules, by module: for the hint when a module is not loaded.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/known_names.h"

namespace fairlead::cfg {

namespace {

constexpr KnownNames kFunctions[] = {
    {"sl", "sl_send_reply send_reply send_reply_mode sl_reply_error sl_forward_reply"},
    {"tm",
     "t_relay t_relay_to_udp t_relay_to_tcp t_relay_to_tls t_relay_to_sctp t_on_failure "
     "t_on_branch_failure t_on_reply t_on_branch t_newtran t_reply t_send_reply "
     "t_lookup_request t_retransmit_reply t_release t_forward_nonack t_forward_nonack_udp "
     "t_forward_nonack_tcp t_forward_nonack_tls t_forward_nonack_sctp t_set_fr t_reset_fr "
     "t_set_max_lifetime t_reset_max_lifetime t_set_retr t_reset_retr t_set_auto_inv_100 "
     "t_branch_timeout t_branch_replied t_any_timeout t_any_replied t_grep_status "
     "t_is_canceled t_is_expired t_relay_cancel t_lookup_cancel t_drop_replies "
     "t_save_lumps t_load_contacts t_next_contacts t_next_contact_flow t_check_status "
     "t_check_trans t_set_disable_6xx t_set_disable_failover t_set_disable_internal_reply "
     "t_replicate t_relay_to t_set_no_e2e_cancel_reason t_is_set t_use_uac_headers "
     "t_is_retr_async_reply t_uac_send t_get_status_code t_clean register_tmcb load_tm "
     "t_is_failure_route t_is_branch_route t_is_local t_is_reply_route t_is_request_route"},
    {"tmx",
     "t_cancel_branches t_cancel_callid t_reply_callid t_flush_flags t_flush_xflags "
     "t_is_failure_route t_is_branch_route t_is_reply_route t_is_request_route t_suspend "
     "t_continue t_drop t_reuse_branch t_precheck_trans"},
    {"rr",
     "loose_route loose_route_preloaded loose_route_mode record_route remove_record_route "
     "record_route_preset record_route_advertised_address add_rr_param check_route_param "
     "is_direction rr_next_hop_route get_route_param register_rrcb"},
    {"xlog", "xlog xdbg xinfo xnotice xwarn xerr xbug xcrit xalert xlogl xdbgl xlogm"},
    {"maxfwd",
     "maxfwd_process mf_process_maxfwd_header process_maxfwd is_maxfwd_lt maxfwd_at_least "
     "mf_lowlimit"},
    {"textops",
     "search search_body search_str search_hf search_append search_append_body replace "
     "replace_body replace_hdrs replace_all replace_body_all replace_body_atonce "
     "replace_str replace_body_str replace_hdrs_str subst subst_uri subst_user subst_body "
     "subst_hf set_body set_reply_body filter_body append_to_reply append_hf insert_hf "
     "append_urihf is_present_hf is_present_hf_pv is_present_hf_re is_present_hf_re_pv "
     "append_time append_time_to_request is_method remove_hf remove_hf_pv remove_hf_re "
     "remove_hf_re_pv remove_hf_exp remove_hf_exp_pv remove_hf_idx remove_hf_match "
     "has_body is_audio_on_hold is_privacy in_list in_list_prefix cmp_str cmp_istr "
     "starts_with ends_with str_find str_ifind set_body_multipart append_body_part "
     "append_body_part_hex get_body_part get_body_part_raw remove_body_part "
     "regex_substring"},
    {"textopsx",
     "msg_apply_changes msg_set_buffer change_reply_status change_reply_status_code "
     "remove_body keep_hf fnmatch append_hf_value insert_hf_value remove_hf_value "
     "remove_hf_value2 assign_hf_value assign_hf_value2 include_hf_value exclude_hf_value "
     "hf_value_exists hf_iterator_start hf_iterator_end hf_iterator_next hf_iterator_prev "
     "hf_iterator_rm hf_iterator_append hf_iterator_insert bl_iterator_start "
     "bl_iterator_end bl_iterator_next bl_iterator_rm bl_iterator_append "
     "bl_iterator_insert"},
    {"siputils",
     "options_reply is_user has_totag uri_param uri_param_any add_uri_param get_uri_param "
     "uri_param_rm tel2sip is_e164 is_uri_user_e164 is_uri is_tel_number is_numeric "
     "is_alphanum is_alphanumex encode_contact decode_contact decode_contact_header "
     "cmp_uri cmp_aor cmp_hdr_name append_rpid_hf is_rpid_user_e164 set_uri_user "
     "set_uri_host is_request is_reply is_gruu is_supported is_first_hop "
     "sip_p_charging_vector contact_param_encode contact_param_decode "
     "contact_param_decode_uri contact_param_rm hdr_date_check has_user_agent "
     "ring_insert_callid"},
    {"sanity", "sanity_check sanity_reply"},
    {"pv",
     "pv_isset pv_unset is_int typeof not_empty xavp_copy xavp_params_explode "
     "xavp_params_implode xavu_params_explode xavu_params_implode xavp_slist_explode "
     "xavp_child_seti xavi_child_seti xavp_child_sets xavi_child_sets xavp_rm xavi_rm "
     "xavp_child_rm xavi_child_rm sbranch_set_ruri sbranch_append sbranch_reset "
     "pv_xavp_print pv_xavu_print pv_xavi_print pv_var_to_xavp pv_xavp_to_var pv_evalx "
     "pv_printf"},
    {"kex",
     "setsflag issflagset resetsflag setbflag isbflagset resetbflag setdsturi resetdsturi "
     "isdsturiset pv_printf is_myself setdebug resetdebug km_append_branch"},
    {"corex",
     "append_branch send_udp send_tcp send_data sendx is_incoming msg_iflag_set "
     "msg_iflag_reset msg_iflag_is_set file_read file_write setxflag isxflagset resetxflag "
     "set_send_socket set_send_socket_name set_recv_socket set_recv_socket_name "
     "set_source_address via_add_srvid via_add_xavp_params via_use_xavp_fields "
     "is_faked_msg is_socket_name forward_reply has_ruri_user"},
    {"async",
     "async_route async_ms_route async_sleep async_ms_sleep async_task_route "
     "async_task_group_route async_task_data async_task_group_data async_workers_group"},
    {"cpl", "cpl_run_script cpl_process_register cpl_process_register_norpl"},
    {"cplc", "cpl_run_script cpl_process_register cpl_process_register_norpl"},
    {"usrloc",
     "ul_register_domain ul_insert_urecord ul_delete_urecord ul_delete_urecord_by_ruid "
     "ul_get_urecord ul_lock_udomain ul_unlock_udomain ul_release_urecord "
     "ul_insert_ucontact ul_delete_ucontact ul_get_ucontact ul_get_all_ucontacts "
     "ul_update_ucontact ul_bind_ursloc ul_register_ulcb ul_get_num_users "
     "reg_free_contacts"},
    {"registrar",
     "save lookup lookup_to_dset lookup_branches registered add_sock_hdr unregister "
     "reg_fetch_contacts reg_free_contacts reg_send_reply reg_from_user"},
    {"auth",
     "consume_credentials has_credentials www_challenge proxy_challenge auth_challenge "
     "pv_www_authenticate pv_proxy_authenticate pv_auth_check auth_get_www_authenticate"},
    {"auth_db",
     "www_authenticate www_authorize proxy_authenticate proxy_authorize auth_check "
     "is_subscriber"},
    {"dispatcher",
     "ds_select_dst ds_select_domain ds_select ds_select_routes ds_next_dst ds_next_domain "
     "ds_set_dst ds_set_domain ds_mark_dst ds_list_exists ds_is_from_list ds_is_active "
     "ds_load_update ds_load_unset ds_reload"},
    {"permissions",
     "allow_routing allow_register allow_uri allow_address allow_source_address "
     "allow_source_address_group allow_address_group allow_trusted"},
    {"pike", "pike_check_req pike_check_ip"},
    {"htable",
     "sht_print sht_rm sht_rm_name_re sht_rm_value_re sht_rm_name sht_rm_value sht_setxs "
     "sht_setxi sht_reset sht_lock sht_unlock sht_iterator_start sht_iterator_end "
     "sht_iterator_next sht_iterator_rm sht_iterator_sets sht_iterator_seti "
     "sht_iterator_setex sht_match_name sht_has_name sht_match_str_value sht_has_str_value"},
    {"nathelper",
     "fix_nated_contact fix_nated_sdp add_rcv_param fix_nated_register nat_uac_test "
     "is_rfc1918 add_contact_alias handle_ruri_alias set_contact_alias set_alias_to_pv"},
    {"rtpengine",
     "set_rtpengine_set rtpengine_offer rtpengine_answer rtpengine_info rtpengine_delete "
     "rtpengine_query rtpengine_query_v rtpengine_manage start_recording stop_recording "
     "block_dtmf unblock_dtmf block_media unblock_media silence_media unsilence_media "
     "start_forwarding stop_forwarding play_media stop_media play_dtmf"},
    {"rtpproxy",
     "set_rtp_proxy_set rtpproxy_offer rtpproxy_answer rtpproxy_destroy unforce_rtp_proxy "
     "rtpproxy_manage rtpproxy_stream2uac rtpproxy_stream2uas rtpproxy_stop_stream2uac "
     "rtpproxy_stop_stream2uas start_recording"},
    {"dialog",
     "set_dlg_profile unset_dlg_profile is_in_profile get_profile_size dlg_isflagset "
     "dlg_setflag dlg_resetflag dlg_bye dlg_refer dlg_manage dlg_bridge dlg_get "
     "is_known_dlg dlg_set_timeout dlg_set_timeout_by_profile dlg_set_property "
     "dlg_remote_profile dlg_set_ruri dlg_db_load_callid dlg_db_load_extra "
     "dlg_reset_property register_dlgcb terminate_dlg dlg_terminate"},
    {"uac",
     "uac_replace_from uac_restore_from uac_replace_to uac_restore_to uac_auth "
     "uac_auth_mode uac_req_send uac_reg_lookup uac_reg_lookup_uri uac_reg_status "
     "uac_reg_request_to uac_reg_enable uac_reg_disable uac_reg_refresh"},
    {"acc", "acc_log_request acc_db_request acc_request"},
    {"presence", "handle_publish handle_subscribe pres_auth_status pres_refresh_watchers"},
    {"path", "add_path add_path_received"},
    {"alias_db", "alias_db_lookup alias_db_find"},
    {"speeddial", "sd_lookup"},
    {"cfgutils",
     "rand_event rand_set_prob rand_reset_prob rand_get_prob sleep usleep abort pkg_status "
     "pkg_summary shm_status shm_summary set_gflag reset_gflag is_gflag lock trylock "
     "unlock check_route_exists route_if_exists core_hash"},
    {"sqlops", "sql_query sql_xquery sql_pvquery sql_result_free sql_query_async"},
    {"jsonrpcs", "jsonrpc_dispatch jsonrpc_exec"},
    {"xhttp", "xhttp_reply"},
    {"acc_diameter", "acc_diam_request"},
    {"app_jsdt", "jsdt_dofile jsdt_dostring jsdt_run jsdt_runstring"},
    {"app_sqlang", "sqlang_dofile sqlang_dostring sqlang_run sqlang_runstring"},
    {"auth_diameter", "diameter_www_authorize diameter_proxy_authorize diameter_is_user_in"},
    {"auth_xkeys", "auth_xkeys_add auth_xkeys_check"},
    {"avp",
     "set_iattr flags2attr set_sattr print_attr attr2uri attr_exists attr_equals "
     "attr_equals_xl dump_attrs xlset_attr xlfix_attr insert_attr_hf append_attr_hf "
     "replace_attr_hf attr_to_reply attr_destination xlset_destination subst_attr del_attr "
     "hdr_body2attrs hdr_body2attrs2"},
    {"avpops",
     "avp_db_load avp_db_store avp_db_delete avp_db_query avp_delete avp_pushto avp_check "
     "avp_copy avp_printf avp_subst avp_subst_pv avp_op is_avp_set avp_print"},
    {"benchmark", "bm_start_timer bm_log_timer bm_register bm_start bm_log"},
    {"blst",
     "blst_add blst_add_retry_after blst_del blst_is_blocklisted blst_set_ignore "
     "blst_rpl_set_ignore blst_clear_ignore blst_rpl_clear_ignore"},
    {"call_control", "call_control"},
    {"call_obj", "call_obj_get call_obj_free"},
    {"carrierroute", "cr_user_carrier cr_route cr_nofallback_route cr_next_domain"},
    {"counters", "cnt_inc cnt_add cnt_reset"},
    {"db2_ops", "db_query db_close db_first db_next db_seek db_foreach db_proper"},
    {"debugger", "dbg_breakpoint dbg_pv_dump dbg_sip_msg"},
    {"dialplan", "dp_replace dp_match dp_translate dp_reload"},
    {"diversion", "add_diversion"},
    {"dmq",
     "dmq_handle_message dmq_process_message dmq_send_message dmq_bcast_message "
     "dmq_t_replicate dmq_is_from_node"},
    {"domain", "is_from_local is_uri_host_local is_domain_local lookup_domain"},
    {"domainpolicy", "dp_can_connect dp_apply_policy"},
    {"drouting", "do_routing next_routing use_next_gw goes_to_gw is_from_gw"},
    {"enum", "enum_query enum_pv_query i_enum_query is_from_user_enum"},
    {"exec", "exec_dset exec_msg exec_avp exec_cmd"},
    {"group", "is_user_in get_user_group"},
    {"imc", "imc_manager"},
    {"ipops",
     "is_ip is_pure_ip is_ipv4 is_ipv6 is_ipv6_reference ip_type detailed_ip_type "
     "detailed_ipv4_type detailed_ipv6_type compare_ips compare_pure_ips is_ip_rfc1918 "
     "is_in_subnet dns_sys_match_ip dns_int_match_ip dns_query srv_query naptr_query "
     "dns_set_local_ttl"},
    {"keepalive", "ka_is_alive ka_add_destination ka_del_destination add_destination"},
    {"lcr", "load_gws next_gw inactivate_gw defunct_gw from_gw from_any_gw to_gw to_any_gw"},
    {"lrkproxy", "set_lrkproxy_set lrkproxy_manage"},
    {"mangler",
     "sdp_mangle_ip sdp_mangle_port encode_contact decode_contact decode_contact_header"},
    {"matrix", "matrix"},
    {"mediaproxy", "engage_media_proxy use_media_proxy end_media_session"},
    {"mohqueue", "mohq_process mohq_send mohq_retrieve mohq_count"},
    {"mqueue", "mq_add mq_fetch mq_pv_free mq_size"},
    {"msilo", "m_store m_dump"},
    {"msrp",
     "msrp_relay msrp_reply msrp_is_request msrp_is_reply msrp_set_dst msrp_relay_flags "
     "msrp_reply_flags msrp_cmap_save msrp_cmap_lookup"},
    {"mtree", "mt_match mt_load_api"},
    {"nat_traversal", "client_nat_test fix_contact nat_keepalive"},
    {"pdb", "pdb_query"},
    {"pdt", "prefix2domain pd_translate"},
    {"pipelimit", "pl_check pl_active pl_drop"},
    {"pv_headers",
     "pvh_collect_headers pvh_apply_headers pvh_reset_headers pvh_check_header "
     "pvh_append_header pvh_modify_header pvh_remove_header pvh_value_exists "
     "pvh_remove_header_param"},
    {"qos", "register_qoscb"},
    {"ratelimit", "rl_check rl_check_pipe"},
    {"regex", "pcre_match pcre_match_group"},
    {"rtjson", "rtjson_init_routes rtjson_push_routes rtjson_next_route rtjson_update_branch"},
    {"sca", "sca_handle_subscribe sca_call_info_update"},
    {"sdpops",
     "sdp_remove_codecs_by_id sdp_remove_codecs_by_name sdp_remove_line_by_prefix "
     "sdp_keep_codecs_by_id sdp_keep_codecs_by_name sdp_with_media sdp_with_active_media "
     "sdp_remove_media sdp_with_transport sdp_with_transport_like sdp_transport "
     "sdp_remove_transport sdp_with_codecs_by_id sdp_with_codecs_by_name sdp_print sdp_get "
     "sdp_content sdp_with_ice sdp_get_line_startswith sdp_get_address_family"},
    {"seas", "as_relay_t"},
    {"secfilter",
     "secf_check_ip secf_check_ua secf_check_from_hdr secf_check_to_hdr "
     "secf_check_contact_hdr secf_check_sqli_all"},
    {"sipcapture", "sip_capture report_capture float2int sip_capture_forward"},
    {"sipdump", "sipdump_send"},
    {"sipt", "sipt_destination sipt_set_bci_1 sipt_set_calling sipt_forwarding sipt_has_isup_body"},
    {"siptrace", "sip_trace sip_trace_mode hlog"},
    {"sms", "sms_send_msg_to_net sms_send_msg"},
    {"sst", "sstCheckMin"},
    {"statsd",
     "statsd_set statsd_gauge statsd_histogram statsd_start statsd_stop statsd_incr "
     "statsd_decr"},
    {"tcpops",
     "tcp_conid_alive tcp_conid_state tcp_keepalive_enable tcp_keepalive_disable "
     "tcp_set_connection_lifetime tcp_enable_closed_event tcp_get_conid tcp_set_otcpid "
     "tcp_set_otcpid_flag tcp_close_connection"},
    {"timer", "timer_enable"},
    {"tmrec", "tmrec_match is_leap_year time_period_match"},
    {"topos", "tps_set_context"},
    {"tsilo", "ts_store ts_append ts_append_by_contact ts_append_to"},
    {"uac_redirect", "set_deny_filter set_accept_filter get_redirects"},
    {"uid_auth_db", "www_authorize proxy_authorize"},
    {"uid_avp_db",
     "load_attrs load_extra_attrs save_extra_attrs remove_extra_attrs lock_extra_attrs "
     "unlock_extra_attrs"},
    {"uid_domain", "is_local lookup_domain"},
    {"uid_gflags", "set_gflag reset_ugflag is_ugflag"},
    {"uid_uri_db", "check_to check_from does_uri_exist"},
    {"uri_db", "check_to check_from check_uri does_uri_exist"},
    {"userblocklist", "check_user_blocklist check_user_allowlist check_blocklist check_allowlist"},
    {"xhttp_prom",
     "prom_counter_reset prom_gauge_reset prom_counter_inc prom_gauge_set "
     "prom_histogram_observe prom_dispatch prom_check_uri"},
    {"xhttp_rpc", "dispatch_xhttp_rpc"},
    {"xprint", "xplog xpdbg xfree shm_xfree"},
};

}  // namespace

std::span<const KnownNames> known_functions() noexcept {
    return kFunctions;
}

}  // namespace fairlead::cfg
