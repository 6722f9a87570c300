// pv: the rows of all variables.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/pv.h"

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
Value get_avp(Module&, Message& m, const VariableName& name) {
    const std::string_view key = avp_name(name.inner);
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
bool set_avp(Module&, Message& m, const VariableName& name, const Value& value) {
    const std::string_view key = avp_name(name.inner);
    if (value.is_null() && !name.all) {
        m.avps.remove_newest(key);
        return true;
    }
    if (name.all) m.avps.remove_all(key);
    if (!value.is_null()) m.avps.add(key, value);
    return true;
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
     .resolve = resolve_next_hop},
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
     .resolve = resolve_header},
    {.name = "hdrc",
     .doc = "How many headers of a name there are.",
     .inner = Inner::required,
     .get = get_header_count,
     .resolve = resolve_header},
    header<H::call_id>("ci", "Call-ID."),
    header<H::cseq>("csb", "CSeq, all of it."),
    part<Field::cseq_number>("cs", "Number of CSeq."),
    header<H::contact>("ct", "Contact, all of the first."),
    header<H::content_type>("cT", "Content-Type."),
    part<Field::content_length>("cl", "Content-Length."),
    header<H::user_agent>("ua", "User-Agent."),
    part<Field::method>("rm", "Method; in replies that of CSeq."),
    part<Field::version>("rv", "SIP version."),
    part<Field::status>("rs", "Status of a reply."),
    part<Field::reason>("rr", "Reason phrase of a reply."),
    part<Field::body>("rb", "Body."),
    part<Field::body_size>("bs", "Size of the body."),
    part<Field::all>("mb", "The message as received."),
    part<Field::size>("ml", "Size of the message as received."),
    part<Field::kind>("mt", "1 for a request, 2 for a reply."),
    part<Field::kind_text>("mts", "\"rq\" or \"rp\"."),
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
    where<Place::proto>("pr", "Protocol that brought it."),
    where<Place::proto>("proto", "The same as $pr."),
    where<Place::proto_number>("prid", "Number of that protocol."),
    plain("fs", "Listener that it is sent from, when forced.", get_socket, set_socket),
    // Flags and branches.
    flag_word<Flags::message>("mf", "Message flags as a number."),
    flag_digits<Flags::message>("mF", "Message flags in hexadecimal."),
    flag_word<Flags::script>("sf", "Script flags as a number."),
    flag_digits<Flags::script>("sF", "Script flags in hexadecimal."),
    flag_word<Flags::branch>("bf", "Branch flags as a number."),
    flag_digits<Flags::branch>("bF", "Branch flags in hexadecimal."),
    plain("br", "First additional branch; assigning adds one.", get_first_branch, append_branch),
    plain("bR", "All additional branches.", get_all_branches),
    {.name = "branch",
     .doc = "Of an additional branch: uri, dst_uri, path, q, send_socket, flags; count of all.",
     .inner = Inner::required,
     .indexed = true,
     .get = get_branch,
     .set = set_branch,
     .resolve = resolve_branch},
    // Process, constants, time.
    plain("mi", "Number of the message in this process.", get_message_number),
    plain("pp", "Process id.", get_pid),
    {.name = "K",
     .doc = "Number of a protocol or address family.",
     .inner = Inner::required,
     .get = get_constant,
     .resolve = resolve_constant},
    plain("Ts", "Unix time at which the message came.", get_arrival),
    plain("TS", "Unix time now.", get_now),
    {.name = "time",
     .doc = "Part of the local time: sec, min, hour, mday, mon, year, wday, yday, isdst.",
     .inner = Inner::required,
     .get = get_time,
     .resolve = resolve_time},
    {.name = "timef",
     .doc = "Local time by a strftime format.",
     .inner = Inner::required,
     .get = get_formatted_time<false>},
    {.name = "utimef",
     .doc = "Universal time by a strftime format.",
     .inner = Inner::required,
     .get = get_formatted_time<true>},
};

constexpr Param params[] = {
    param_method<&Pv::set_var>("varset", "First value of a $var: name=i:number or name=s:text.",
                               Type::string),
    param_method<&Pv::set_shv>("shvset", "First value of a $shv: name=i:number or name=s:text.",
                               Type::string),
};

constexpr Function functions[] = {
    function<&Pv::pv_isset>("pv_isset", "Whether a variable has a value.", Route::any, "var"),
    function<&Pv::pv_unset>("pv_unset", "Takes a variable's value away.", Route::any, "var"),
    function<&Pv::is_int>("is_int", "Whether a variable is an integer.", Route::any, "var"),
    function<&Pv::not_empty>("not_empty", "Whether a variable has a value and it is not \"\".",
                             Route::any, "var"),
    function<&Pv::type_is>("typeof", "Whether a variable is of type int, str or null.", Route::any,
                           "var", "type"),
};

constexpr Descriptor descriptor{.name = "pv",
                                .summary = "The variables of scripts.",
                                .create = make_module<Pv>,
                                .params = params,
                                .functions = functions,
                                .variables = variables};

}  // namespace

}  // namespace fairlead::pv

FAIRLEAD_MODULE(fairlead::pv::descriptor)
