// What the module registrar offers. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/api/log.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {

Result<void> Registrar::set_received(std::string_view text, ParamVariables& variables) {
    received_ = TRY(variables.variable(text));
    return {};
}

Result<void> Registrar::set_call_id(std::string_view text, ParamVariables& variables) {
    call_id_ = TRY(variables.variable(text));
    return {};
}

Result<void> Registrar::prepare(Core& core) {
    core_ = &core;
    slot_ = core.message_slot();
    expired_route_ = core.script().find(Route::event, "usrloc:contact-expired");
    users->on_stored(*this);
    users->on_change(*this, static_cast<std::uint8_t>(usrloc::Event::expired));
    for (const std::string& table : tables_)
        if (users->domain(table) == DomainId::none)
            return fail("the table \"" + table + "\" of locations cannot be used");
    return {};
}

void Registrar::note_table(std::string_view name) const {
    if (std::ranges::find(tables_, name) == tables_.end()) tables_.emplace_back(name);
}

DomainId Registrar::domain_of(std::string_view table) const {
    const DomainId found = users->find_domain(table);
    if (found == DomainId::none)
        LOG(error, "there is no table \"{}\" of locations: name it in usrloc's parameter preload",
            table);
    return found;
}

Value Registrar::setting_value(Message& m, std::string_view name) const {
    if (xavp_cfg.empty()) return {};
    Xavp* const set = m.xavps.find(*m.xavps.roots(), xavp_cfg);
    const Xavp* const field =
        set != nullptr && set->is_set ? m.xavps.find(set->fields, name) : nullptr;
    return field != nullptr && !field->is_set ? field->value : Value();
}

std::optional<std::int64_t> Registrar::setting(Message& m, std::string_view name) const {
    const Value value = setting_value(m, name);
    return value.is_integer() ? std::optional(value.integer()) : std::nullopt;
}

namespace {

Result<void> check(const Module& m, std::span<const Value> arguments) {
    if (!arguments.empty() && arguments[0].is_string() && !arguments[0].string().empty())
        static_cast<const Registrar&>(m).note_table(arguments[0].string());
    return {};
}

struct UlcName {
    std::string_view profile, attribute;
};
UlcName split(std::string_view inner) noexcept {
    const std::size_t arrow = inner.find("=>");
    if (arrow == inner.npos) return {};
    return {inner.substr(0, arrow), inner.substr(arrow + 2)};
}
Result<std::uint64_t> resolve(Module&, std::string_view inner) {
    const UlcName name = split(inner);
    constexpr std::string_view kAttributes[] = {
        "aor",   "domain", "aorhash", "addr",     "path",       "received", "expires",  "callid",
        "q",     "cseq",   "flags",   "cflags",   "user_agent", "socket",   "modified", "methods",
        "count", "ruid",   "regid",   "instance", "conid",      "server_id"};
    if (name.profile.empty() ||
        std::ranges::find(kAttributes, name.attribute) == std::end(kAttributes))
        return fail("$ulc(profile=>attribute): there is no attribute \"" +
                    std::string(name.attribute) + "\"");
    return std::uint64_t{0};
}
Value get(Module& m, Message& message, const VariableName& name) {
    const UlcName parts = split(name.inner);
    return static_cast<Registrar&>(m).fetched(message, parts.profile, parts.attribute,
                                              name.has_index ? name.index : 0);
}

constexpr Route kRequests = Route::request | Route::failure;
constexpr Range kSwitch{.min = 0, .max = 1};

constexpr Param params[] = {
    param<&Registrar::default_expires>("default_expires",
                                       "Seconds for a contact without a lifetime.", {.min = 1}),
    param<&Registrar::default_expires_range>("default_expires_range",
                                             "Per cent by which that lifetime varies at random.",
                                             {.min = 0, .max = 100}),
    param<&Registrar::expires_range>("expires_range",
                                     "Per cent by which a lifetime that was given varies.",
                                     {.min = 0, .max = 100}),
    param<&Registrar::min_expires>("min_expires", "Shortest lifetime; 0: any.", {.min = 0}),
    param<&Registrar::min_expires_mode>(
        "min_expires_mode", "A shorter lifetime: 0 becomes the shortest, 1 is answered 423.",
        kSwitch),
    param<&Registrar::max_expires>("max_expires", "Longest lifetime; 0: any.", {.min = 0}),
    param<&Registrar::default_q>("default_q", "Thousandths; q of contacts without one; 0: none.",
                                 {.min = 0, .max = 1000}),
    param<&Registrar::max_contacts>("max_contacts", "Most contacts of an AOR; 0: any number.",
                                    {.min = 0}),
    param<&Registrar::retry_after>("retry_after", "Retry-After in 5xx; 0: none.", {.min = 0}),
    param<&Registrar::realm_prefix>("realm_prefix", "Taken off the beginning of domains."),
    param<&Registrar::append_branches>("append_branches",
                                       "lookup() takes all contacts; else only the first."),
    param<&Registrar::case_sensitive>("case_sensitive", "AORs differ by case."),
    param_variables<&Registrar::set_received>(
        "received_avp", "Variable with the URI of where the REGISTER came from."),
    param<&Registrar::received_param>("received_param", "Its parameter in answers; \"\" for none."),
    param<&Registrar::sock_flag>("sock_flag",
                                 "Message flag: the socket is that of the header sock_hdr_name.",
                                 {.min = -1, .max = 31}),
    param<&Registrar::sock_hdr_name>("sock_hdr_name", "Header with proto:host:port."),
    param<&Registrar::method_filtering>(
        "method_filtering", "lookup() leaves out contacts that do not allow the method."),
    param<&Registrar::use_path>("use_path", "Path is kept (RFC 3327)."),
    param<&Registrar::path_mode>("path_mode",
                                 "0: Path is not in answers. 1: when the client supports it. 2: "
                                 "else the request is answered 420.",
                                 {.min = 0, .max = 2}),
    param<&Registrar::path_use_received>("path_use_received",
                                         "Parameter received of the first Path is the contact's."),
    param<&Registrar::xavp_cfg>("xavp_cfg",
                                "XAVP with values for one request: q, expires, max_contacts, "
                                "socket, match_callid, match_contact, match_received, rlf_bflags."),
    param<&Registrar::path_check_local>(
        "path_check_local", "A first hop of a Path that is this server itself is left out."),
    param_variables<&Registrar::set_call_id>(
        "reg_callid_avp",
        "Variable with a Call-ID: when it is set, registered() means contacts with it only."),
    param<&Registrar::xavp_rcd>(
        "xavp_rcd",
        "XAVP that lookup() and registered() fill with ruid, contact, expires (the seconds left), "
        "received and path of the first contact that they find."),
    param<&Registrar::xavp_rcd_mask>(
        "xavp_rcd_mask",
        "What is left out of it: 1 ruid, 2 contact, 4 expires, 8 received, 16 path.",
        {.min = 0, .max = 31}),
    param<&Registrar::lookup_filter_mode>(
        "lookup_filter_mode",
        "Contacts that lookup() takes: 1 those with a branch flag of rlf_bflags of xavp_cfg, 2 "
        "those whose connection is there (UDP needs none).",
        {.min = 0, .max = 3}),
    param<&Registrar::event_callback>("event_callback",
                                      "Without effect: the event route runs, there is no KEMI."),
    param<&Registrar::ignored>("sock_mode", "Only 0: what is stored is the bound address.",
                               {.min = 0, .max = 0}),
    param<&Registrar::gruu_enabled>("gruu_enabled",
                                    "Public GRUUs (RFC 5627) in answers to who supports them."),
    param<&Registrar::outbound_mode>("outbound_mode",
                                     "RFC 5626: 0 not supported, 1 supported, 2 required.",
                                     {.min = 0, .max = 2}),
    param<&Registrar::regid_mode>("regid_mode", "reg-id counts also without outbound."),
    param<&Registrar::flow_timer>("flow_timer", "Flow-Timer with outbound; 0: none.", {.min = 0}),
    param<&Registrar::contact_max_size>("contact_max_size", "Longest URI of a contact.",
                                        {.min = 1, .max = usrloc::Api::kMaxText}),
    param<&Registrar::use_expired_contacts>("use_expired_contacts",
                                            "lookup() takes contacts that are over, too."),
};
constexpr Function functions[] = {
    checked_function<&Registrar::save>(
        check, "save",
        "Does what a REGISTER asks for and answers it. Flags: 1 in memory only, 2 no answer, 4 one "
        "contact per AOR, 8 no expires_range, 16 with 2: its headers are prepared on errors too. 1 "
        "added, 2 updated, 3 removed, 4 only asked; -1 refused, -2 too many contacts.",
        Route::request | Route::failure, "domain", "flags", "uri"),
    function<&Registrar::reg_send_reply>(
        "reg_send_reply", "Sends the answer that save() with flag 2 did not.", kRequests),
    checked_function<&Registrar::lookup>(
        check, "lookup",
        "Request-URI and branches become the contacts of the user. 1 found, -1 none, -2 none that "
        "allows the method, -3 no user.",
        kRequests, "domain", "uri"),
    checked_function<&Registrar::lookup_to_dset>(check, "lookup_to_dset",
                                                 "The same; all contacts become branches.",
                                                 kRequests, "domain", "uri"),
    checked_function<&Registrar::lookup_branches>(
        check, "lookup_branches",
        "The same for the Request-URI and for the branches that are nothing but a URI.", kRequests,
        "domain"),
    checked_function<&Registrar::registered>(check, "registered",
                                             "Whether the user has contacts. match_option: 1 of "
                                             "this Call-ID, 2 received, 4 contact, all from "
                                             "xavp_cfg. match_action: 1 the XAVPs of the contact "
                                             "come back, 2 xavp_rcd is not filled.",
                                             Route::any, "domain", "uri", "match_option",
                                             "match_action"),
    checked_function<&Registrar::unregister>(
        check, "unregister",
        "Removes the user's contacts, or the one with this ruid. 1 done, -1 no user, -3 none.",
        Route::any, "domain", "uri", "ruid"),
    function<&Registrar::add_sock_hdr>("add_sock_hdr", "Adds a header with our socket.",
                                       Route::request, "hdr_name"),
    checked_function<&Registrar::reg_fetch_contacts>(
        check, "reg_fetch_contacts", "Fills $ulc(profile=>…) with a user's contacts.", kRequests,
        "domain", "uri", "profile"),
    function<&Registrar::reg_free_contacts>("reg_free_contacts", "Empties it.", kRequests,
                                            "profile"),
};
constexpr Variable variables[] = {
    {.name = "ulc",
     .doc =
         "profile=>attribute: contacts that reg_fetch_contacts() fetched; [index] chooses one. "
         "aor, domain, aorhash, count, addr, path, received, expires, callid, q, cseq, flags, "
         "cflags, user_agent, socket, modified, methods, ruid, regid, instance, conid, server_id.",
     .inner = Inner::required,
     .indexed = true,
     .get = get,
     .resolve = resolve,
     .fixed_names = true}};
constexpr Statistic statistics[] = {
    statistic<&Registrar::accepted>("accepted_regs", "REGISTERs that were answered 200."),
    statistic<&Registrar::rejected>("rejected_regs", "REGISTERs that were refused."),
    statistic<&Registrar::replies_lost>(
        "replies_lost", "Answers not sent because the database refused what was registered."),
    computed_statistic<&Registrar::max_expires_value>("max_expires", "The parameter."),
    computed_statistic<&Registrar::max_contacts_value>("max_contacts", "The parameter."),
    computed_statistic<&Registrar::default_expires_value>("default_expire", "The parameter."),
    computed_statistic<&Registrar::default_expires_range_value>("default_expires_range",
                                                                "The parameter."),
    computed_statistic<&Registrar::expires_range_value>("expires_range", "The parameter."),
};
constexpr Tunable tunables[] = {
    tunable<&Registrar::default_expires>("default_expires", "See the parameter.", 1),
    tunable<&Registrar::min_expires>("min_expires", "See the parameter.", 0),
    tunable<&Registrar::max_expires>("max_expires", "See the parameter.", 0),
    tunable<&Registrar::max_contacts>("max_contacts", "See the parameter.", 0),
    tunable<&Registrar::retry_after>("retry_after", "See the parameter.", 0),
    tunable<&Registrar::append_branches>("append_branches", "See the parameter.", 0, 1),
    tunable<&Registrar::use_expired_contacts>("use_expired_contacts", "See the parameter.", 0, 1),
};
constexpr std::string_view events[] = {"usrloc:contact-expired"};
constexpr Need needed[] = {needs<&Registrar::users>(), needs<&Registrar::sl>(),
                           needs<&Registrar::tm>(true)};

constexpr Descriptor descriptor{
    .name = "registrar",
    .summary = "REGISTER, and where requests for users go (RFC 3261 10).",
    .create = make_module<Registrar>,
    .params = params,
    .functions = functions,
    .variables = variables,
    .statistics = statistics,
    .event_routes = events,
    .needs = needed,
    .tunables = tunables};

}  // namespace
}  // namespace fairlead::registrar

FAIRLEAD_MODULE(fairlead::registrar::descriptor)
