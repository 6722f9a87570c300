// CPL: what the module shows to the server. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "modules/cpl/commands.h"
#include "modules/cpl/cpl.h"

namespace fairlead::cpl {

namespace {

constexpr Param params[] = {
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

constexpr Statistic statistics[] = {
    statistic<&Cpl::scripts>("scripts", "Scripts that are kept."),
    statistic<&Cpl::stored>("stored", "Scripts taken from REGISTER."),
    statistic<&Cpl::refused>("refused", "Uploads with faults."),
    statistic<&Cpl::no_room>("no_room", "Uploads for which there was no memory."),
    statistic<&Cpl::removed>("removed", "Scripts removed by REGISTER."),
    statistic<&Cpl::downloaded>("downloaded", "Scripts asked for by REGISTER."),
    statistic<&Cpl::runs>("runs", "Runs."),
    statistic<&Cpl::passed>("passed", "Runs that left the call to the route."),
    statistic<&Cpl::rejected>("rejected", "Runs that rejected the call."),
    statistic<&Cpl::redirected>("redirected", "Runs that redirected the call."),
    statistic<&Cpl::forwarded>("forwarded", "Runs that forwarded the call."),
    statistic<&Cpl::failed>("failed", "Runs that could not be ended."),
};

constexpr Need needed[] = {needs<&Cpl::tm>(), needs<&Cpl::sl>()};
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
