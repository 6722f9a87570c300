// What the module usrloc offers. SPDX-License-Identifier: Apache-2.0
#include "modules/usrloc/commands.h"
#include "modules/usrloc/usrloc.h"

namespace fairlead::usrloc {
namespace {

using enum Layout::Column;

constexpr Range kOff{.min = 0, .max = 0};
constexpr Range kSwitch{.min = 0, .max = 1};
constexpr std::string_view kNoEffect = "Without effect.";

/// A row for the name of a column.
template <Layout::Column Which>
constexpr Param column(std::string_view name, std::string_view doc) {
    using K = Kind<std::string>;
    return {name,
            doc,
            K::type,
            {},
            false,
            [](Module& m, const Value& v) -> Result<void> {
                static_cast<Usrloc&>(m).layout.names[Which] = K::parse(v);
                return {};
            },
            [](const Module& m) {
                return K::print(static_cast<const Usrloc&>(m).layout.names[Which]);
            }};
}

Result<void> set_expires_type(Module& m, const Value& v) {
    static_cast<Usrloc&>(m).layout.has_numbers = v.integer() != 0;
    return {};
}
std::string print_expires_type(const Module& m) {
    return static_cast<const Usrloc&>(m).layout.has_numbers ? "1" : "0";
}
constexpr std::string_view kColumn = "Name of a column.";
constexpr std::string_view kNoPings = "Without effect: ka_mode is 0.";

constexpr Param params[] = {
    param<&Usrloc::db_url>("db_url", "Where contacts are stored: \"sqlite:////path/file.db\"."),
    param<&Usrloc::db_mode>("db_mode",
                            "0: in memory only. 1: each change is stored before it is answered. 2: "
                            "changes are stored within timer_interval. 4: loaded at the start and "
                            "never stored. 3 is not available.",
                            {.min = 0, .max = 4}),
    param<&Usrloc::db_load>("db_load", "0: nothing is loaded at the start.", kSwitch),
    param<&Usrloc::timer_interval>(
        "timer_interval",
        "Seconds within which all contacts are looked at: those that are over end, those that "
        "changed are stored.",
        {.min = 1, .max = 3600}),
    param<&Usrloc::hash_size>("hash_size", "2^hash_size buckets.", {.min = 2, .max = 24}),
    param<&Usrloc::matching_mode>(
        "matching_mode",
        "What makes a contact the same as one that is there: 0 the URI, 1 "
        "URI and Call-ID, 2 URI and Path, 3 the Call-ID.",
        {.min = 0, .max = 3}),
    param<&Usrloc::cseq_delay>(
        "cseq_delay", "Seconds within which a REGISTER that comes again is accepted.", {.min = 0}),
    param<&Usrloc::multi_domain>("use_domain", "AORs are user@domain."),
    param<&Usrloc::desc_time_order>("desc_time_order",
                                    "Contacts are ordered by time, the newest first; else by q."),
    param<&Usrloc::nat_bflag>("nat_bflag", "Branch flag of contacts behind NAT.",
                              {.min = -1, .max = 31}),
    param<&Usrloc::preload>("preload", "A table that no function of the configuration names."),
    param<&Usrloc::skip_remote_socket>("skip_remote_socket",
                                       "Contacts of sockets that are not ours are not loaded."),
    param<&Usrloc::version_table>("version_table", "0: the version of the table is not checked.",
                                  kSwitch),
    param<&Usrloc::timer_procs>(
        "timer_procs", "Without effect: the control process looks at contacts.", {.min = 0}),
    param<&Usrloc::fetch_rows>("fetch_rows", "Without effect: rows are read one by one.",
                               {.min = 1}),
    param<&Usrloc::ignored>("db_insert_update", kNoEffect, kSwitch),
    param<&Usrloc::ignored>("db_check_update", kNoEffect, kSwitch),
    param<&Usrloc::ignored>("db_update_as_insert", kNoEffect, kSwitch),
    param<&Usrloc::ignored>("db_insert_null", kNoEffect, kSwitch),
    param<&Usrloc::ignored>("db_timer_clean", kNoEffect, kSwitch),
    param<&Usrloc::ignored>("db_ops_ruid", "Only rows with this ruid are changed, always.",
                            {.min = 0, .max = 2}),
    param<&Usrloc::ignored>("handle_lost_tcp", "Without effect: there are no connections.",
                            kSwitch),
    param<&Usrloc::ignored>("close_expired_tcp", "Without effect: there are no connections.",
                            kSwitch),
    param<&Usrloc::ignored>("ka_mode", "Only 0: nathelper has keepalives.", kOff),
    param<&Usrloc::ignored_text>("ka_method", kNoPings),
    param<&Usrloc::ignored_text>("ka_from", kNoPings),
    param<&Usrloc::ignored_text>("ka_domain", kNoPings),
    param<&Usrloc::ignored_text>("ka_logmsg", kNoPings),
    param<&Usrloc::ignored>("ka_filter", kNoPings),
    param<&Usrloc::ignored>("ka_timeout", kNoPings),
    param<&Usrloc::ignored>("ka_loglevel", kNoPings),
    param<&Usrloc::ignored>("load_rank", kNoEffect),
    param<&Usrloc::ignored>("db_raw_fetch_type", "Without effect: it is for db_mode 3.", kSwitch),
    param<&Usrloc::ignored>("rm_expired_delay", "Without effect: it is for db_mode 3.", {.min = 0}),
    param<&Usrloc::ignored>("server_id_filter", "Only 0: all rows are this server's.", kOff),
    param<&Usrloc::db_clean_tcp>("db_clean_tcp",
                                 "At the start, contacts of TCP, TLS and WebSocket are deleted."),
    {"expires_type", "1: moments are stored as seconds since 1970, in columns of type BIGINT.",
     Type::integer, kSwitch, false, set_expires_type, print_expires_type},
    param<&Usrloc::xavp_contact>(
        "xavp_contact",
        "XAVPs of this name are kept with the contacts of a REGISTER (in memory), and come back "
        "with lookup()."),
    column<kUser>("user_column", kColumn),
    column<kDomain>("domain_column", kColumn),
    column<kContact>("contact_column", kColumn),
    column<kExpires>("expires_column", kColumn),
    column<kQ>("q_column", kColumn),
    column<kCallId>("callid_column", kColumn),
    column<kCseq>("cseq_column", kColumn),
    column<kMethods>("methods_column", kColumn),
    column<kFlags>("flags_column", kColumn),
    column<kCflags>("cflags_column", kColumn),
    column<kUserAgent>("user_agent_column", kColumn),
    column<kReceived>("received_column", kColumn),
    column<kSocket>("socket_column", kColumn),
    column<kPath>("path_column", kColumn),
    column<kRuid>("ruid_column", kColumn),
    column<kInstance>("instance_column", kColumn),
    column<kRegId>("reg_id_column", kColumn),
    column<kServerId>("server_id_column", kColumn),
    column<kConnectionId>("connection_id_column", kColumn),
    column<kKeepalive>("keepalive_column", kColumn),
    column<kPartition>("partition_column", kColumn),
};

constexpr Statistic statistics[] = {
    computed_statistic<&Usrloc::count_users>("registered_users", "AORs with contacts."),
    computed_statistic<&Usrloc::count_users>("location_users", "The same."),
    computed_statistic<&Usrloc::count_contacts>("location_contacts", "Contacts."),
    statistic<&Usrloc::expired>("location_expires", "Contacts that were over."),
    statistic<&Usrloc::stored>("rows_stored", "Rows that the database has taken."),
    statistic<&Usrloc::store_failed>("rows_failed", "Rows that it refused; they are tried again."),
};
constexpr Offer offered[] = {offers<Usrloc, Api>()};
constexpr Need needed[] = {needs<&Usrloc::db>(true)};

constexpr Descriptor descriptor{.name = "usrloc",
                                .summary = "Where users are: the contacts that they registered.",
                                .create = make_module<Usrloc>,
                                .params = params,
                                .statistics = statistics,
                                .offers = offered,
                                .needs = needed,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::usrloc

FAIRLEAD_MODULE(fairlead::usrloc::descriptor)
