// What the module usrloc offers. SPDX-License-Identifier: Apache-2.0
#include "modules/usrloc/commands.h"
#include "modules/usrloc/usrloc.h"

namespace fairlead::usrloc {
namespace {

constexpr Range kOff{.min = 0, .max = 0};
constexpr Range kSwitch{.min = 0, .max = 1};
constexpr std::string_view kNoEffect = "Without effect.";

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
    param<&Usrloc::ignored>("handle_lost_tcp", "Only 0.", kOff),
    param<&Usrloc::ignored>("close_expired_tcp", "Only 0.", kOff),
    param<&Usrloc::ignored>("ka_mode", "Only 0: nathelper has keepalives.", kOff),
    param<&Usrloc::ignored>("load_rank", kNoEffect),
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
