// Which module has which well-known function or variable: for the hint when it is not loaded.
// SPDX-License-Identifier: Apache-2.0

#include "cfg/check.h"

namespace fairlead::cfg {

namespace {

struct Row {
    std::string_view module;
    std::string_view names;  ///< separated by single spaces
};

constexpr Row kFunctions[] = {
    {"sl", "sl_send_reply send_reply sl_reply_error sl_forward_reply send_reply_mode"},
    {"tm",
     "t_relay t_relay_to t_relay_to_udp t_relay_to_tcp t_reply t_newtran t_on_failure "
     "t_on_reply t_on_branch t_on_branch_failure t_check_trans t_lookup_request t_release "
     "t_retransmit_reply t_check_status t_is_failure_route t_is_branch_route t_is_set "
     "t_any_timeout t_any_replied t_branch_timeout t_branch_replied t_is_canceled "
     "t_set_fr t_reset_fr t_set_max_lifetime t_reset_max_lifetime t_set_retr t_set_auto_inv_100 "
     "t_set_disable_6xx t_set_no_e2e_cancel_reason t_forward_nonack t_lookup_cancel "
     "t_load_contacts t_next_contacts t_drop_replies t_save_lumps t_grep_status t_is_expired "
     "t_get_status_code t_use_uac_headers t_uac_send t_is_retr_async_reply t_send_reply "
     "t_is_local t_is_reply_route t_is_request_route"},
    {"tmx",
     "t_cancel_branches t_cancel_callid t_reply_callid t_flush_flags t_flush_xflags "
     "t_is_failure_route t_suspend t_continue t_reuse_branch t_precheck_trans t_drop "
     "t_is_reply_route"},
    {"rr",
     "loose_route loose_route_preloaded record_route record_route_preset "
     "record_route_advertised_address add_rr_param check_route_param is_direction "
     "remove_record_route"},
    {"xlog", "xlog xdbg xinfo xnotice xwarn xerr xbug xcrit xalert xlogl xlogm"},
    {"maxfwd", "mf_process_maxfwd_header process_maxfwd is_maxfwd_lt maxfwd_at_least"},
    {"textops",
     "is_method has_totag search search_hf search_body replace replace_all subst subst_uri "
     "subst_user subst_hf subst_body append_to_reply append_hf insert_hf remove_hf remove_hf_re "
     "is_present_hf append_time has_body set_body set_reply_body filter_body is_audio_on_hold "
     "cmp_str cmp_istr starts_with str_find remove_hf_exp append_urihf append_body_part"},
    {"textopsx",
     "msg_apply_changes change_reply_status keep_hf fnmatch append_hf_value "
     "insert_hf_value remove_hf_value include_hf_value exclude_hf_value assign_hf_value"},
    {"siputils",
     "is_request is_reply has_user_agent is_uri is_first_hop ring_insert_callid "
     "is_user has_totag uri_param add_uri_param tel2sip is_e164 is_tel_number "
     "contact_param_encode is_gruu is_alphanum is_numeric options_reply cmp_uri "
     "get_uri_param set_uri_user set_uri_host is_uri_user_e164 decode_contact "
     "encode_contact append_rpid_hf"},
    {"sanity", "sanity_check sanity_reply"},
    {"pv",
     "pv_isset pv_unset is_int typeof not_empty pv_printf pv_xavp_print pv_evalx "
     "xavp_params_explode xavp_params_implode sbranch_append sbranch_reset sbranch_set_ruri "
     "pv_var_to_xavp pv_xavp_to_var"},
    {"kex",
     "setsflag resetsflag issflagset setbflag resetbflag isbflagset setdsturi resetdsturi "
     "isdsturiset is_myself setdebug resetdebug km_append_branch"},
    {"corex",
     "append_branch send_udp send_tcp send_data via_add_srvid has_ruri_user "
     "set_send_socket set_send_socket_name set_recv_socket is_incoming msg_iflag_set "
     "msg_iflag_reset msg_iflag_is_set file_read file_write setxflag resetxflag "
     "isxflagset set_source_address forward_reply is_socket_name"},
    {"async",
     "async_route async_ms_route async_sleep async_ms_sleep async_task_route "
     "async_workers_group async_task_data async_task_group_data"},
    {"cpl", "cpl_run_script cpl_process_register cpl_process_register_norpl"},
    {"cplc", "cpl_run_script cpl_process_register cpl_process_register_norpl"},
    {"usrloc", "reg_free_contacts"},
    {"registrar",
     "save lookup lookup_to_dset lookup_branches registered unregister add_sock_hdr "
     "reg_fetch_contacts reg_from_user reg_send_reply"},
    {"auth",
     "www_challenge proxy_challenge auth_challenge pv_www_authenticate "
     "pv_proxy_authenticate pv_auth_check consume_credentials has_credentials"},
    {"auth_db", "auth_check www_authorize proxy_authorize is_subscriber"},
    {"dispatcher",
     "ds_select ds_select_dst ds_select_domain ds_select_routes ds_next_dst "
     "ds_next_domain ds_mark_dst ds_is_from_list ds_load_update ds_load_unset "
     "ds_reload ds_list_exists"},
    {"permissions",
     "allow_source_address allow_address allow_routing allow_register allow_trusted "
     "allow_uri allow_source_address_group allow_address_group"},
    {"pike", "pike_check_req"},
    {"htable",
     "sht_print sht_lock sht_unlock sht_reset sht_rm_name_re sht_rm_value_re sht_rm "
     "sht_iterator_start sht_iterator_next sht_iterator_end sht_match_name"},
    {"nathelper",
     "nat_uac_test fix_nated_contact fix_nated_register fix_nated_sdp "
     "add_rcv_param set_contact_alias handle_ruri_alias add_contact_alias "
     "is_rfc1918 set_alias_to_pv"},
    {"rtpengine",
     "rtpengine_manage rtpengine_offer rtpengine_answer rtpengine_delete "
     "set_rtpengine_set start_recording"},
    {"rtpproxy",
     "rtpproxy_manage rtpproxy_offer rtpproxy_answer rtpproxy_destroy "
     "unforce_rtp_proxy set_rtp_proxy_set"},
    {"dialog",
     "dlg_manage is_known_dlg dlg_isflagset dlg_setflag dlg_resetflag dlg_terminate "
     "dlg_bye dlg_refer dlg_bridge dlg_get set_dlg_profile unset_dlg_profile "
     "is_in_profile get_profile_size dlg_set_timeout dlg_set_property"},
    {"uac",
     "uac_replace_from uac_replace_to uac_restore_from uac_restore_to uac_auth "
     "uac_req_send uac_reg_lookup uac_reg_request_to"},
    {"acc", "acc_log_request acc_db_request acc_request"},
    {"presence", "handle_publish handle_subscribe pres_auth_status pres_refresh_watchers"},
    {"path", "add_path add_path_received"},
    {"alias_db", "alias_db_lookup alias_db_find"},
    {"speeddial", "sd_lookup"},
    {"cfgutils",
     "rand_set_prob rand_reset_prob rand_get_prob rand_event abort pkg_status "
     "shm_status set_gflag reset_gflag is_gflag lock unlock trylock core_hash "
     "check_route_exists route_if_exists"},
    {"sqlops", "sql_query sql_xquery sql_pvquery sql_result_free sql_query_async"},
    {"jsonrpcs", "jsonrpc_dispatch jsonrpc_exec"},
    {"xhttp", "xhttp_reply"},
};

constexpr Row kVariables[] = {
    {"pv",
     "ru ruri rU username rUl rd domain rp port rP protocol rm rmid rv rz rs rr rb bs ou "
     "oU oUl od op oP du duri dd dp dP ds fu from fU fUl fd fn ft tu to tU tUl td tn tt ci cs "
     "csb ct cT cl ua si src_ip sp pr proto prid Ri Rp Rn Ru Rut RAi RAp RAu RAut Ras su sut "
     "sas "
     "siz conid af snd sndto sndfrom rcv mi ml mb mbu pp mt mts mf mF sf sF bf bF br bR branch "
     "sbranch hdr hdrc hfl hflc var vn vz avp xavp xavu xavi shv Ts TS Tf TF Tb TV time timef "
     "utime utimef version stat cnt sel expires msg msgbuf K err via0 via1 viaZ fs fsn fsp nh "
     "re "
     "rt di dir dip dic pd pn pU pu ai ad aU Au AU Ad ar ccp ksr rpl"},
    {"sl", "ltt"},
    {"async", "async"},
    {"tmx",
     "T_branch_idx T_reply_code T_reply_reason T_reply_last T_reply_ruid T_req T_rpl T_inv "
     "T T_branch"},
    {"rr", "route_uri fti tti rdir"},
    {"htable", "sht shtex shtcn shtcv shtinc shtdec shtrecord"},
    {"registrar", "ulc"},
    {"xhttp", "hu"},
    {"jsonrpcs", "jsonrpl"},
    {"corex", "cfg lsock"},
    {"kex", "sruid"},
    {"siputils", "pcv"},
    {"xlog", "C"},
    {"dialog", "DLG_count DLG_status DLG_lifetime dlg dlg_ctx dlg_var"},
    {"nathelper", "rr_count rr_top_count"},
};

std::string_view owner_of(std::span<const Row> rows, std::string_view name) noexcept {
    for (const Row& row : rows) {
        std::string_view rest = row.names;
        while (!rest.empty()) {
            const std::size_t space = std::min(rest.find(' '), rest.size());
            if (rest.substr(0, space) == name) return row.module;
            rest.remove_prefix(std::min(space + 1, rest.size()));
        }
    }
    return {};
}

}  // namespace

std::string_view module_of_function(std::string_view name) noexcept {
    return owner_of(kFunctions, name);
}

std::string_view module_of_variable(std::string_view name) noexcept {
    return owner_of(kVariables, name);
}

}  // namespace fairlead::cfg
