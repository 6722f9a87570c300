// pv: the rows of all variables.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/branch_vars.h"
#include "modules/pv/commands.h"
#include "modules/pv/pv.h"
#include "modules/pv/time_vars.h"
#include "modules/pv/wire_vars.h"

namespace fairlead::pv {

namespace {

// ---- $var, $vn, $vz, $shv, $avp -----------------------------------------------------------------

template <auto Store>
Value get_stored(Module& self, Message& m, const VariableName& name) {
    return (static_cast<Pv&>(self).*Store).get(m, name);
}
template <auto Store>
bool set_stored(Module& self, Message&, const VariableName& name, const Value& value) {
    return (static_cast<Pv&>(self).*Store).set(name, value);
}
template <auto Store>
Result<std::uint64_t> resolve_stored(Module& self, std::string_view inner) {
    if (inner.empty()) return fail("the name is empty");
    return (static_cast<Pv&>(self).*Store).resolve(inner);
}

/// $avp(s:name) is $avp(name); $avp(i:5) has a name of its own.
std::string_view avp_name(std::string_view inner) {
    return inner.starts_with("s:") ? inner.substr(2) : inner;
}
Value get_avp(Module& self, Message& m, const VariableName& name) {
    const std::string_view key = avp_name(static_cast<Pv&>(self).avp_alias(name.inner));
    if (!name.all) {
        const std::int64_t n = name.index < 0 ? name.index + std::int64_t(m.avps.count(key))
                                              : std::int64_t{name.index};
        return n < 0 ? Value() : m.avps.get(key, static_cast<std::size_t>(n));
    }
    std::string_view joined;
    const std::size_t count = m.avps.count(key);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view one = as_text(m, m.avps.get(key, i));
        joined = i == 0 ? one : m.arena.concat({joined, ", ", one});
    }
    return count != 0 ? Value(joined) : Value();
}
bool set_avp(Module& self, Message& m, const VariableName& name, const Value& value) {
    const std::string_view key = avp_name(static_cast<Pv&>(self).avp_alias(name.inner));
    if (value.is_null() && !name.all) {
        m.avps.remove_newest(key);
        return true;
    }
    if (name.all) m.avps.remove_all(key);
    if (!value.is_null()) m.avps.add(key, value);
    return true;
}

template <Lists L>
Value get_list(Module&, Message& m, const VariableName& name) {
    return get_xavp(m, L, name);
}
template <Lists L>
bool set_list(Module&, Message& m, const VariableName& name, const Value& value) {
    return set_xavp(m, L, name, value);
}
template <Lists L>
Result<std::uint64_t> resolve_list(Module&, std::string_view inner) {
    return resolve_xavp(L, inner);
}

Value get_nothing(Module&, Message&, const VariableName&) {
    return {};
}

/// "group.name" of a parameter that the configuration's author made up.
Value get_custom(Module& self, Message&, const VariableName& name) {
    const Core* const core = static_cast<Pv&>(self).core;
    const std::size_t dot = name.inner.find('.');
    if (core == nullptr || dot == name.inner.npos) return {};
    return core->custom_parameter(name.inner.substr(0, dot), name.inner.substr(dot + 1));
}
Result<std::uint64_t> resolve_custom(Module&, std::string_view inner) {
    if (inner.find('.') == inner.npos) return fail("group.name expected");
    return 0U;
}

// ---- Rows ---------------------------------------------------------------------------------------

template <auto Store>
constexpr Variable stored(std::string_view name, std::string_view doc) {
    return {.name = name,
            .doc = doc,
            .inner = Inner::required,
            .get = get_stored<Store>,
            .set = set_stored<Store>,
            .resolve = resolve_stored<Store>};
}
template <Source S, Part P>
constexpr Variable uri(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_uri<S, P>};
}
template <Source S, Part P>
constexpr Variable settable_uri(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_uri<S, P>, .set = set_uri<S, P>};
}
template <Field F>
constexpr Variable part(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_field<F>};
}
template <sip::HeaderType T>
constexpr Variable header(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_first<T>};
}
template <Place P>
constexpr Variable where(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_place<P>};
}
template <Flags F>
constexpr Variable flag_word(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_flags<F>, .set = set_flags<F>};
}
template <Flags F>
constexpr Variable flag_digits(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_hex_flags<F>};
}
template <Lists L>
constexpr Variable list(std::string_view name, std::string_view doc) {
    return {.name = name,
            .doc = doc,
            .inner = Inner::required,
            .get = get_list<L>,
            .set = set_list<L>,
            .resolve = resolve_list<L>};
}
template <Identity I>
constexpr Variable who(std::string_view name, std::string_view doc) {
    return {.name = name, .doc = doc, .get = get_identity<I>};
}
template <int N>
constexpr Variable via(std::string_view name, std::string_view doc) {
    return {.name = name,
            .doc = doc,
            .inner = Inner::required,
            .get = get_via<N>,
            .resolve = resolve_via,
            .fixed_names = true};
}
using Resolve = Result<std::uint64_t> (*)(Module&, std::string_view);
constexpr Variable named(std::string_view name, std::string_view doc, Get get, Resolve resolve,
                         Set set = nullptr) {
    return {.name = name,
            .doc = doc,
            .inner = Inner::required,
            .get = get,
            .set = set,
            .resolve = resolve,
            .fixed_names = true};
}
/// A message that a script sees has no parse error.
constexpr Variable error(std::string_view name) {
    return {.name = name,
            .doc = "Of the last parse error; null, as a message with one reaches no script.",
            .get = get_nothing};
}
constexpr Variable plain(std::string_view name, std::string_view doc, Get get, Set set = nullptr) {
    return {.name = name, .doc = doc, .get = get, .set = set};
}

using enum Source;
using H = sip::HeaderType;

constexpr Variable variables[] = {
    // What scripts make.
    stored<&Pv::private_vars>("var", "A variable of this process; 0 at first."),
    stored<&Pv::zero_vars>("vz", "The same as $var, with names of its own."),
    stored<&Pv::null_vars>("vn", "A variable of this process; null at first."),
    stored<&Pv::shared_vars>("shv", "A variable that all processes share; 0 at first."),
    {.name = "avp",
     .doc = "A variable of the transaction: each assignment puts a value in front.",
     .inner = Inner::required,
     .indexed = true,
     .get = get_avp,
     .set = set_avp},
    list<Lists::xavp>("xavp", "A list of values and sets of the transaction: name[n]=>field[n]."),
    list<Lists::xavi>("xavi", "The same as $xavp, with names without case and lists of its own."),
    list<Lists::xavu>("xavu", "A tree of values of the transaction, one per name: name=>field."),
    // The request's URIs.
    settable_uri<current, Part::whole>("ru", "Request-URI as it stands."),
    settable_uri<current, Part::whole>("ruri", "The same as $ru."),
    settable_uri<current, Part::user>("rU", "User of the Request-URI."),
    settable_uri<current, Part::host>("rd", "Host of the Request-URI."),
    settable_uri<current, Part::port>("rp", "Port of the Request-URI."),
    uri<current, Part::transport>("rP", "Transport of the Request-URI."),
    uri<current, Part::scheme>("rz", "Scheme of the Request-URI."),
    uri<current, Part::user_length>("rUl", "Length of the Request-URI's user."),
    uri<original, Part::whole>("ou", "Request-URI as received."),
    uri<original, Part::user>("oU", "User of the Request-URI as received."),
    uri<original, Part::user_length>("oUl", "Length of the user of the Request-URI as received."),
    uri<original, Part::host>("od", "Host of the Request-URI as received."),
    uri<original, Part::port>("op", "Port of the Request-URI as received."),
    uri<original, Part::transport>("oP", "Transport of the Request-URI as received."),
    settable_uri<destination, Part::whole>("du", "URI of the next hop, when set."),
    settable_uri<destination, Part::whole>("duri", "The same as $du."),
    uri<destination, Part::host>("dd", "Host of $du."),
    uri<destination, Part::port>("dp", "Port of $du."),
    uri<destination, Part::transport>("dP", "Transport of $du."),
    {.name = "nh",
     .doc = "Next hop ($du, else $ru): u, U user, d host, p port, P transport.",
     .inner = Inner::required,
     .get = get_next_hop,
     .resolve = resolve_next_hop,
     .fixed_names = true},
    // From and To.
    settable_uri<from, Part::whole>("fu", "URI of From."),
    settable_uri<from, Part::whole>("from", "The same as $fu."),
    settable_uri<from, Part::user>("fU", "User of From."),
    settable_uri<from, Part::host>("fd", "Host of From."),
    uri<from, Part::user_length>("fUl", "Length of From's user."),
    {.name = "fn",
     .doc = "Display name of From, quotes kept.",
     .get = get_field<Field::from_name>,
     .set = set_from_name},
    part<Field::from_tag>("ft", "Tag of From."),
    settable_uri<to, Part::whole>("tu", "URI of To."),
    settable_uri<to, Part::whole>("to", "The same as $tu."),
    settable_uri<to, Part::user>("tU", "User of To."),
    settable_uri<to, Part::host>("td", "Host of To."),
    uri<to, Part::user_length>("tUl", "Length of To's user."),
    {.name = "tn",
     .doc = "Display name of To, quotes kept.",
     .get = get_field<Field::to_name>,
     .set = set_to_name},
    part<Field::to_tag>("tt", "Tag of To."),
    // Headers, start line, body.
    {.name = "hdr",
     .doc = "A header by name; [n] from the top, [-1] the last, [*] all.",
     .inner = Inner::required,
     .indexed = true,
     .get = get_header,
     .resolve = resolve_header,
     .fixed_names = true},
    {.name = "hdrc",
     .doc = "How many headers of a name there are.",
     .inner = Inner::required,
     .get = get_header_count,
     .resolve = resolve_header,
     .fixed_names = true},
    {.name = "hfl",
     .doc = "A value of the headers of a name, values in comma lists counted; [n], [-1], [*] all.",
     .inner = Inner::required,
     .indexed = true,
     .get = get_header_value,
     .resolve = resolve_header,
     .fixed_names = true},
    named("hflc", "How many values the headers of a name have.", get_header_value_count,
          resolve_header),
    named("expires", "min or max of Expires and the expires of all Contacts.", get_expires,
          resolve_expires),
    via<0>("via0", "Of the first Via: host, port, proto, protoid, branch, rport, received."),
    via<1>("via1", "The same of the second Via."),
    via<-1>("viaZ", "The same of the last Via."),
    who<Identity::refer_to>("rt", "URI of Refer-To."),
    who<Identity::remote_party>("re", "URI of Remote-Party-ID."),
    who<Identity::asserted>("ai", "URI of P-Asserted-Identity."),
    who<Identity::diversion>("di", "URI of Diversion."),
    who<Identity::diversion_reason>("dir", "Reason of Diversion."),
    who<Identity::diversion_privacy>("dip", "Privacy of Diversion."),
    who<Identity::diversion_counter>("dic", "Counter of Diversion."),
    who<Identity::preferred>("pu", "URI of P-Preferred-Identity."),
    who<Identity::preferred_user>("pU", "User of P-Preferred-Identity."),
    who<Identity::preferred_host>("pd", "Host of P-Preferred-Identity."),
    who<Identity::preferred_name>("pn", "Display name of P-Preferred-Identity."),
    who<Identity::auth_user>("au", "Username of the credentials."),
    who<Identity::auth_user_part>("aU", "User part of the credentials' username."),
    who<Identity::auth_domain_part>("ad", "Domain part of the credentials' username."),
    who<Identity::auth_realm>("ar", "Realm of the credentials."),
    {.name = "Au",
     .doc = "Who is to be accounted, as user@domain: of the credentials that module auth accepted "
            "(without a domain their realm), else of From.",
     .get = get_payer},
    {.name = "AU", .doc = "The user of $Au alone.", .get = get_payer_user},
    who<Identity::auth_algorithm>("aa", "Algorithm of the credentials."),
    who<Identity::auth_uri>("adu", "URI of the credentials."),
    header<H::call_id>("ci", "Call-ID."),
    header<H::cseq>("csb", "CSeq, all of it."),
    part<Field::cseq_number>("cs", "Number of CSeq."),
    header<H::contact>("ct", "Contact, all of the first."),
    header<H::content_type>("cT", "Content-Type."),
    part<Field::content_length>("cl", "Content-Length."),
    header<H::user_agent>("ua", "User-Agent."),
    part<Field::method>("rm", "Method; in replies that of CSeq."),
    part<Field::method_number>("rmid", "Number of the method: a bit each."),
    part<Field::version>("rv", "SIP version."),
    part<Field::status>("rs", "Status of a reply."),
    part<Field::reason>("rr", "Reason phrase of a reply."),
    part<Field::body>("rb", "Body."),
    part<Field::body_size>("bs", "Size of the body."),
    part<Field::all>("mb", "The message as received."),
    part<Field::size>("ml", "Size of the message as received."),
    part<Field::kind>("mt", "1 for a request, 2 for a reply."),
    part<Field::kind_text>("mts", "\"rq\" or \"rp\"."),
    plain("mbu", "The message with the changes made so far.", get_current_bytes),
    named("msg", "A part of the message: len, buf, body, body_len, hdrs, hdrs_len, fline, …",
          get_message_part, resolve_message_part),
    named("msgbuf",
          "A byte of the message as received, by its place from 0; assigning a text puts its first "
          "character there, if it is a message then.",
          get_byte, resolve_byte, set_byte),
    // Where it came from.
    where<Place::source_ip>("si", "Source address."),
    where<Place::source_ip>("src_ip", "The same as $si."),
    where<Place::source_port>("sp", "Source port."),
    where<Place::source_uri>("su", "Source as a URI."),
    where<Place::source_socket>("sas", "Source as proto:address:port."),
    where<Place::local_ip>("Ri", "Our address that received it."),
    where<Place::local_port>("Rp", "Our port that received it."),
    where<Place::local_name>("Rn", "Name of the listener that received it."),
    where<Place::local_uri>("Ru", "Our address as a URI."),
    where<Place::source_ip_in_uri>("siz", "Source address, IPv6 in brackets."),
    where<Place::source_uri_transport>("sut", "Source as a URI with its transport."),
    where<Place::local_uri_transport>("Rut", "Our address as a URI with its transport."),
    where<Place::local_socket>("Ras", "Our address as proto:address:port."),
    where<Place::public_ip>("RAi", "The address that we advertise."),
    where<Place::public_port>("RAp", "The port that we advertise."),
    where<Place::public_uri>("RAu", "What we advertise, as a URI."),
    where<Place::public_uri_transport>("RAut", "What we advertise, as a URI with its transport."),
    where<Place::connection>("conid", "Number of the connection; null on UDP."),
    named("af", "Address family of the message: id or name.", get_family, resolve_family),
    named("rpl", "Where a reply goes: duri, dhost, dport, dproto, dprotoid; cntvia, cntrr.",
          get_reply_target, resolve_reply_target),
    where<Place::proto>("pr", "Protocol that brought it."),
    where<Place::proto>("proto", "The same as $pr."),
    where<Place::proto_number>("prid", "Number of that protocol."),
    plain("fs", "Listener that it is sent from, when forced.", get_socket, set_socket),
    plain("fsn", "Name of that listener.", get_socket_name),
    plain("fsp", "Port of that listener, 0 without one.", get_socket_port),
    // Flags and branches.
    flag_word<Flags::message>("mf", "Message flags as a number."),
    flag_digits<Flags::message>("mF", "Message flags in hexadecimal."),
    flag_word<Flags::script>("sf", "Script flags as a number."),
    flag_digits<Flags::script>("sF", "Script flags in hexadecimal."),
    flag_word<Flags::branch>("bf", "Branch flags as a number."),
    flag_digits<Flags::branch>("bF", "Branch flags in hexadecimal."),
    plain("br", "First additional branch; assigning adds one.", get_first_branch, append_branch),
    plain("bR", "All additional branches.", get_all_branches),
    plain("ds", "All additional branches as a Contact header.", get_destinations),
    named("sbranch", "A branch in the making: uri, dst_uri, path, q, send_socket, flags, …",
          get_static_branch, resolve_branch, set_static_branch),
    {.name = "branch",
     .doc = "Of an additional branch: uri, dst_uri, path, q, send_socket, flags; ruid and "
            "location_ua of the contact that lookup() took; count of all.",
     .inner = Inner::required,
     .indexed = true,
     .get = get_branch,
     .set = set_branch,
     .resolve = resolve_branch,
     .fixed_names = true},
    // Process, constants, time.
    plain("mi", "Number of the message in this process.", get_message_number),
    plain("pp", "Process id.", get_pid),
    {.name = "K",
     .doc = "Number of a protocol or address family.",
     .inner = Inner::required,
     .get = get_constant,
     .resolve = resolve_constant,
     .fixed_names = true},
    plain("Ts", "Unix time at which the message came.", get_arrival),
    plain("TS", "Unix time now.", get_now),
    plain("Tf", "The same as $Ts, as text.", get_arrival_text),
    plain("TF", "The same as $TS, as text.", get_now_text),
    plain("Tb", "Unix time at which the server started.", get_start),
    named("time", "Part of the local time: sec, min, hour, mday, mon, year, wday, yday, isdst.",
          get_time<false>, resolve_time),
    named("utime", "The same of the universal time.", get_time<true>, resolve_time),
    {.name = "timef",
     .doc = "Local time by a strftime format.",
     .inner = Inner::required,
     .get = get_formatted_time<false>},
    {.name = "utimef",
     .doc = "Universal time by a strftime format.",
     .inner = Inner::required,
     .get = get_formatted_time<true>},
    named("version", "Of this server: num, full, or hash, which is \"unknown\".", get_version,
          resolve_version),
    named("ksr", "Version of this server: ver, or verval as one number.", get_server,
          resolve_server),
    {.name = "stat",
     .doc = "A statistic, by name or group.name.",
     .inner = Inner::required,
     .get = get_statistic},
    {.name = "cnt",
     .doc = "How many values $avp(…), $xavp(…), $xavi(…) or $hdr(…) has.",
     .inner = Inner::variable,
     .get = get_count,
     .resolve = resolve_count},
    named("sel", "A part of the message by its older name: $sel(via[1].host).", get_select,
          resolve_select),
    named("ccp", "A parameter of the configuration's author: group.name.", get_custom,
          resolve_custom),
    named("snd", "In onsend_route, what leaves and whereto: ip, port, proto, af, buf, len, sproto.",
          get_leaving, resolve_leaving),
    named("sndto", "The same as $snd.", get_leaving, resolve_leaving),
    named("sndfrom", "In onsend_route, our side: ip, port, proto, af, sproto.", get_leaving_from,
          resolve_leaving_from),
    named("rcv", "In event routes, what came: buf, len, proto, srcip, rcvip, srcport, rcvport, af.",
          get_arriving, resolve_arriving),
    named("TV",
          "Unix time to the microsecond: s and u when the message came; sn, un and Sn (seconds, "
          "dot, microseconds) now.",
          get_exact_time, resolve_exact_time),
    error("err.class"),
    error("err.level"),
    error("err.info"),
    error("err.rcode"),
    error("err.rreason"),
};

constexpr Param params[] = {
    param_method<&Pv::set_var>("varset", "First value of a $var: name=i:number or name=s:text.",
                               Type::string),
    param_method<&Pv::set_avp_aliases>(
        "avp_aliases", "Other names of AVPs: alias=s:name;alias=i:number.", Type::string),
    param<&Pv::shv_hash_size>("shv_hash_size",
                              "Accepted: the names of shared variables are known before the start.",
                              {.min = 1, .max = 16}),
    param_method<&Pv::set_shv>("shvset", "First value of a $shv: name=i:number or name=s:text.",
                               Type::string),
};

constexpr Function functions[] = {
    function<&Pv::pv_isset>("pv_isset", "Whether a variable has a value.", Route::any, "var"),
    function<&Pv::pv_unset>("pv_unset", "Takes a variable's value away.", Route::any, "var"),
    function<&Pv::is_int>("is_int", "Whether a variable is an integer.", Route::any, "var"),
    function<&Pv::not_empty>("not_empty", "Whether a variable has a value and it is not \"\".",
                             Route::any, "var"),
    function<&Pv::xavp_copy>(
        "xavp_copy", "Copies an $xavp to the end of those of a name, or over another.", Route::any,
        "source_name", "source_index", "destination_name", "destination_index"),
    function<&Pv::params_explode<Lists::xavp>>("xavp_params_explode",
                                               "Makes fields of name=value;name=value.", Route::any,
                                               "params", "name"),
    function<&Pv::params_implode<Lists::xavp>>("xavp_params_implode",
                                               "Makes name=value;name=value; of fields.",
                                               Route::any, "name", "out"),
    function<&Pv::params_explode<Lists::xavu>>("xavu_params_explode",
                                               "Makes fields of name=value;name=value.", Route::any,
                                               "params", "name"),
    function<&Pv::params_implode<Lists::xavu>>("xavu_params_implode",
                                               "Makes name=value;name=value; of fields.",
                                               Route::any, "name", "out"),
    function<&Pv::slist_explode>("xavp_slist_explode",
                                 "Makes fields v of a list; mode t trims them.", Route::any, "list",
                                 "separators", "mode", "name"),
    function<&Pv::child_set_number<Lists::xavp>>("xavp_child_seti", "Sets a field to a number.",
                                                 Route::any, "name", "field", "value"),
    function<&Pv::child_set_number<Lists::xavi>>("xavi_child_seti", "Sets a field to a number.",
                                                 Route::any, "name", "field", "value"),
    function<&Pv::child_set_text<Lists::xavp>>("xavp_child_sets", "Sets a field to a text.",
                                               Route::any, "name", "field", "value"),
    function<&Pv::child_set_text<Lists::xavi>>("xavi_child_sets", "Sets a field to a text.",
                                               Route::any, "name", "field", "value"),
    function<&Pv::root_remove<Lists::xavp>>("xavp_rm", "Removes the newest of a name.", Route::any,
                                            "name"),
    function<&Pv::root_remove<Lists::xavi>>("xavi_rm", "Removes the newest of a name.", Route::any,
                                            "name"),
    function<&Pv::child_remove<Lists::xavp>>("xavp_child_rm", "Removes a field.", Route::any,
                                             "name", "field"),
    function<&Pv::child_remove<Lists::xavi>>("xavi_child_rm", "Removes a field.", Route::any,
                                             "name", "field"),
    function<&Pv::print_all<Lists::xavp>>("pv_xavp_print", "Logs all $xavp.", Route::any),
    function<&Pv::print_all<Lists::xavu>>("pv_xavu_print", "Logs all $xavu.", Route::any),
    function<&Pv::print_all<Lists::xavi>>("pv_xavi_print", "Logs all $xavi.", Route::any),
    function<&Pv::var_to_xavp>("pv_var_to_xavp", "Copies a $var, or all with *, to an $xavp.",
                               Route::any, "var", "xavp"),
    function<&Pv::xavp_to_var>("pv_xavp_to_var", "Sets a $var for each field of an $xavp.",
                               Route::any, "xavp"),
    function<&Pv::sbranch_set_ruri>("sbranch_set_ruri", "Makes $sbranch the request's target.",
                                    Route::request | Route::branch | Route::failure),
    function<&Pv::sbranch_append>("sbranch_append", "Adds $sbranch as a branch.",
                                  Route::request | Route::branch | Route::failure),
    function<&Pv::sbranch_reset>("sbranch_reset", "Empties $sbranch.",
                                 Route::request | Route::branch | Route::failure),
    function<&Pv::evaluate_twice>(
        "pv_evalx",
        "Fills in the variables of a text, and those that are in it then. Whoever wrote what the "
        "variables hold can read every variable: not for what callers send.",
        Route::any, "target", "text"),
    function<&Pv::type_is>("typeof", "Whether a variable is of type int, str or null.", Route::any,
                           "var", "type"),
};

constexpr Need needed[] = {needs<&Pv::auth>(true)};

constexpr Descriptor descriptor{.name = "pv",
                                .summary = "The variables of scripts.",
                                .create = make_module<Pv>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .needs = needed,
                                .commands = commands};

}  // namespace

}  // namespace fairlead::pv

FAIRLEAD_MODULE(fairlead::pv::descriptor)
