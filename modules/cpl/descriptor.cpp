// CPL: what the module shows to the server. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "modules/cpl/commands.h"
#include "modules/cpl/cpl.h"

namespace fairlead::cpl {

namespace {

/// A row for a field of a member of the module.
template <auto Member, auto Field>
constexpr Param inner(std::string_view name, std::string_view doc, Range range = {}) {
    using K = Kind<typename MemberOf<decltype(Field)>::Field>;
    return {name,
            doc,
            K::type,
            range,
            false,
            [](Module& m, const Value& v) -> Result<void> {
                static_cast<Cpl&>(m).*Member.*Field = K::parse(v);
                return {};
            },
            [](const Module& m) { return K::print(static_cast<const Cpl&>(m).*Member.*Field); }};
}
template <auto Field>
constexpr Param note_param(std::string_view name, std::string_view doc, Range range = {}) {
    return inner<&Cpl::notes, Field>(name, doc, range);
}
template <auto Field>
constexpr Param table_param(std::string_view name, std::string_view doc) {
    return inner<&Cpl::database, Field>(name, doc);
}

constexpr Param params[] = {
    table_param<&TableNames::url>("db_url",
                                  "Database of the scripts (sqlite:////path); without "
                                  "one they are gone with the server."),
    table_param<&TableNames::url>("cpl_db", "The same as db_url."),
    table_param<&TableNames::table>("db_table", "Its table."),
    table_param<&TableNames::table>("cpl_table", "The same as db_table."),
    table_param<&TableNames::username>("username_column", "Column of the user."),
    table_param<&TableNames::username>("cpl_username_col", "The same as username_column."),
    table_param<&TableNames::domain>("domain_column", "Column of the domain."),
    table_param<&TableNames::domain>("cpl_domain_col", "The same as domain_column."),
    table_param<&TableNames::xml>("cpl_xml_column", "Column of the script as it was uploaded."),
    table_param<&TableNames::compiled>("cpl_bin_column", "Column of the compiled script."),
    note_param<&NotePlan::log_dir>("log_dir",
                                   "Folder in which log nodes write, a file for each "
                                   "user; without one they do nothing."),
    note_param<&NotePlan::mail_server>("mail_server",
                                       "smtp://host:port that takes the mails of mail nodes; "
                                       "without one they do nothing."),
    note_param<&NotePlan::mail_from>("mail_from", "Sender of the mails."),
    note_param<&NotePlan::mail_timeout>("mail_timeout", "Seconds that sending one mail may take.",
                                        {.min = 1, .max = 600}),
    note_param<&NotePlan::mail_queue>("mail_queue", "Mails that wait to be sent; more are dropped.",
                                      {.min = 1, .max = 10000}),
    param<&Cpl::cpl_dtd_file>("cpl_dtd_file", "Accepted; scripts are checked without a DTD."),
    param<&Cpl::load_dir>("load_dir",
                          "Folder of scripts that are loaded at start, one file for each user: "
                          "user.xml, or user@domain.xml with use_domain."),
    param<&Cpl::use_domain>("use_domain", "Scripts belong to user@domain, not to a user alone."),
    param<&Cpl::case_sensitive>("case_sensitive",
                                "Users whose names differ in case are not the "
                                "same."),
    param<&Cpl::realm_prefix>("realm_prefix", "Beginning of domains that does not count."),
    param<&Cpl::redirect_route>("redirect_route", "Route that runs before each redirection."),
    param<&Cpl::proxy_route>("proxy_route",
                             "Route that runs before each forwarding; the "
                             "Request-URI is the first location then."),
    param<&Cpl::proxy_recurse>("proxy_recurse", "Redirections that one proxy node follows.",
                               {.min = 0, .max = 10}),
    param<&Cpl::proxy_default_timeout>(
        "proxy_default_timeout",
        "Seconds that a proxy node waits that has a noanswer or default output but no timeout; 0: "
        "until tm's timers end it.",
        {.min = 0, .max = 3600}),
    param<&Cpl::ignore3xx>("ignore3xx",
                           "Redirections go to the caller as they are; no output of "
                           "the script is taken."),
    param<&Cpl::stop_on_6xx>("stop_on_6xx",
                             "A proxy node that tries one location after the other "
                             "stops at a 6xx."),
    param<&Cpl::max_invites>("max_invites", "Locations that one run may try.",
                             {.min = 1, .max = 200}),
    param_variables<&Cpl::set_timer_avp>(
        "timer_avp",
        "$avp(name) that gets the seconds a proxy node waits, for proxy_route; tm is "
        "told without it."),
    param<&Cpl::lookup_domain>("lookup_domain",
                               "Table of usrloc in which lookup nodes look; "
                               "without one they fail."),
    param<&Cpl::lookup_append_branches>("lookup_append_branches",
                                        "A lookup gives all contacts, not the best one only."),
    param<&Cpl::accept_any>("accept_any",
                            "A REGISTER with Accept: */* asks for the script. Switch it off where "
                            "phones send that with ordinary registrations."),
    param<&Cpl::empty_set_status>("empty_set_status",
                                  "Answer when a script has taken away all locations.",
                                  {.min = 400, .max = 699}),
    param<&Cpl::max_script_size>("max_script_size", "Bytes of a script.",
                                 {.min = 64, .max = 65536}),
    param<&Cpl::max_nodes>("max_nodes", "Elements of a script.", {.min = 1, .max = 20000}),
    param<&Cpl::max_depth>("max_depth", "Elements of a script inside each other.",
                           {.min = 2, .max = 200}),
    param<&Cpl::max_waiting>("max_waiting",
                             "Changes that may wait for the database in one process; more are "
                             "answered 503.",
                             {.min = 1, .max = 100000}),
    param<&Cpl::hash_size>("hash_size", "The table of scripts has two to this power buckets.",
                           {.min = 1, .max = 24}),
};

/// Type and mode are checked at start when they are constants.
Result<void> check_run(const Module&, std::span<const Value> args) {
    if (args[0].is_string() && !parse_direction(args[0].string()))
        return fail(fmt::format("\"{}\" is neither incoming nor outgoing", args[0].string()));
    if (args[1].is_string() && !parse_mode(args[1].string()))
        return fail(fmt::format("\"{}\" is none of is_stateless, is_stateful, force_stateful",
                                args[1].string()));
    return {};
}

constexpr Function functions[] = {
    checked_function<&Cpl::run_script>(
        check_run, "cpl_run_script",
        "Runs the script of the callee (incoming) or caller (outgoing), or of the user of a URI. "
        "Goes on in the route when there is none or when it says nothing about the call; -1 when "
        "it cannot be run. A reply goes out without state with is_stateless, else through the "
        "transaction, which force_stateful makes.",
        Route::request, "type", "mode", "uri"),
    function<&Cpl::process_register>(
        "cpl_process_register",
        "Takes a script out of a REGISTER, removes it, or answers with it, and ends the route; "
        "goes on when the REGISTER has nothing to do with scripts.",
        Route::request),
    function<&Cpl::process_register_norpl>(
        "cpl_process_register_norpl",
        "The same, but goes on after success: a script that was asked for goes out with the next "
        "reply. Errors are answered.",
        Route::request),
};

template <auto Field>
constexpr Statistic note_count(std::string_view name, std::string_view doc) {
    Statistic row;
    row.name = name;
    row.doc = doc;
    row.bind = [](Module& m, shm::Counter c) { static_cast<Cpl&>(m).noted.*Field = c; };
    return row;
}

constexpr Statistic statistics[] = {
    statistic<&Cpl::scripts>("scripts", "Scripts that are kept."),
    statistic<&Cpl::stored>("stored", "Scripts taken from REGISTER or commands."),
    statistic<&Cpl::refused>("refused", "Uploads with faults."),
    statistic<&Cpl::no_room>("no_room", "Uploads for which there was no memory."),
    statistic<&Cpl::removed>("removed", "Scripts removed by REGISTER or commands."),
    statistic<&Cpl::downloaded>("downloaded", "Scripts asked for by REGISTER."),
    statistic<&Cpl::runs>("runs", "Runs."),
    statistic<&Cpl::passed>("passed", "Runs that left the call to the route."),
    statistic<&Cpl::rejected>("rejected", "Runs that rejected the call."),
    statistic<&Cpl::redirected>("redirected", "Runs that redirected the call."),
    statistic<&Cpl::forwarded>("forwarded", "Runs that forwarded the call."),
    statistic<&Cpl::relayed>("relayed", "Runs whose best answer went to the caller."),
    statistic<&Cpl::failed_runs>("failed", "Runs that could not be ended."),
    statistic<&Cpl::attempts>("attempts", "Steps of proxy nodes."),
    statistic<&Cpl::resumed>("resumed", "Runs that went on after a step of a proxy node failed."),
    statistic<&Cpl::lookups>("lookups", "Lookups of registrations."),
    statistic<&Cpl::database_failures>("database_failures",
                                       "Changes that did not reach the database."),
    statistic<&Cpl::turned_away>("turned_away",
                                 "Changes not begun: too many waited for the database."),
    note_count<&NoteCounters::logged>("logged", "Lines written by log nodes."),
    note_count<&NoteCounters::mailed>("mailed", "Mails that the mail server took."),
    note_count<&NoteCounters::failed>("note_failures",
                                      "Lines and mails that could not be written."),
    note_count<&NoteCounters::dropped>("dropped_notes", "Lines and mails without room in a queue."),
    statistic<&Cpl::lost>("lost", "Runs that ended with a location or note lost to a limit."),
};

constexpr Need needed[] = {needs<&Cpl::tm>(), needs<&Cpl::steps>(),      needs<&Cpl::suspend>(),
                           needs<&Cpl::sl>(), needs<&Cpl::usrloc>(true), needs<&Cpl::db>(true)};
constexpr std::string_view aliases[] = {"cpl-c", "cplc"};

constexpr Descriptor descriptor{.name = "cpl",
                                .summary = "Scripts of subscribers (CPL, RFC 3880).",
                                .create = make_module<Cpl>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .needs = needed,
                                .aliases = aliases,
                                .commands = commands};

}  // namespace

}  // namespace fairlead::cpl

FAIRLEAD_MODULE(fairlead::cpl::descriptor)
