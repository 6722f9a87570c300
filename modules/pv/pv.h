// pv: the variables of scripts, grouped by what they read. Each group is one file; descriptor.cpp
// has the rows. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/auth/api.h"
#include "modules/pv/stores.h"
#include "modules/pv/xavp.h"

namespace fairlead::pv {

class Pv final : public Module {
public:
    Result<void> prepare(Core& core) override;

    Result<void> set_var(const Value& value) { return private_vars.parameter(value); }
    Result<void> set_shv(const Value& value) { return shared_vars.parameter(value); }

    Verdict pv_isset(Message& m, const VariableRef& var);
    Verdict pv_unset(Message& m, const VariableRef& var);
    Verdict is_int(Message& m, const VariableRef& var);
    Verdict not_empty(Message& m, const VariableRef& var);
    Verdict xavp_copy(Message& m, std::string_view from, int index, std::string_view to,
                      std::optional<int> to_index);
    template <Lists L>
    Verdict params_explode(Message& m, std::string_view params, std::string_view name) {
        return Verdict(explode_params(m, L, params, name) ? 1 : -1);
    }
    template <Lists L>
    Verdict params_implode(Message& m, std::string_view name, const VariableRef& out) {
        const Value value = implode_params(m, L, name);
        return Verdict(!value.is_null() && out.set(m, value) ? 1 : -1);
    }
    Verdict slist_explode(Message& m, std::string_view list, std::string_view separators,
                          std::string_view mode, std::string_view name);
    template <Lists L>
    Verdict child_set_number(Message& m, std::string_view root, std::string_view child,
                             std::int64_t value) {
        set_child(m, L, root, child, value);
        return Verdict::yes;
    }
    template <Lists L>
    Verdict child_set_text(Message& m, std::string_view root, std::string_view child,
                           std::string_view value) {
        set_child(m, L, root, child, Value(value));
        return Verdict::yes;
    }
    template <Lists L>
    Verdict root_remove(Message& m, std::string_view root) {
        remove_root(m, L, root);
        return Verdict::yes;
    }
    template <Lists L>
    Verdict child_remove(Message& m, std::string_view root, std::string_view child) {
        remove_child(m, L, root, child);
        return Verdict::yes;
    }
    template <Lists L>
    Verdict print_all(Message& m) {
        print_lists(m, L);
        return Verdict::yes;
    }
    Verdict var_to_xavp(Message& m, std::string_view var, std::string_view xavp);
    Verdict xavp_to_var(Message& m, std::string_view xavp);
    Verdict sbranch_set_ruri(Message& m);
    Verdict sbranch_append(Message& m);
    Verdict sbranch_reset(Message& m);

    Result<void> set_avp_aliases(const Value& value);
    /// What stands for an AVP's name: its alias's target, or the name itself.
    [[nodiscard]] std::string_view avp_alias(std::string_view name) const noexcept;

    Verdict evaluate_twice(Message& m, const VariableRef& target, std::string_view text);
    Verdict type_is(Message& m, const VariableRef& var, std::string_view type);

    PrivateStore private_vars{Value(0)};  ///< $var and, with names of its own, $vz
    PrivateStore zero_vars{Value(0)};
    PrivateStore null_vars{Value()};  ///< $vn
    SharedStore shared_vars;          ///< $shv
    StaticBranch static_branch;
    std::map<std::string, std::string, std::less<>> avp_aliases;
    std::int64_t started = 0;   ///< $Tb
    std::size_t time_slot = 0;  ///< of a message: when it came, for $TV
    int shv_hash_size = 9;
    Core* core = nullptr;
    auth::Api* auth = nullptr;  ///< null when it is not loaded
};

/// What a value is as text; null is "". Lives as long as the message.
[[nodiscard]] std::string_view as_text(Message& m, const Value& value);
/// A value as a number; nullopt when it is none.
[[nodiscard]] std::optional<std::int64_t> as_number(const Value& value);
/// "" becomes null.
[[nodiscard]] inline Value or_null(std::string_view text) {
    return text.empty() ? Value() : Value(text);
}

using Get = Value (*)(Module&, Message&, const VariableName&);
using Set = bool (*)(Module&, Message&, const VariableName&, const Value&);

// uri_vars.cpp: URIs and their parts.
enum class Source : std::uint8_t { current, original, next_hop, destination, from, to };
enum class Part : std::uint8_t { whole, user, host, port, transport, scheme, user_length };
[[nodiscard]] Value uri_part(Message& m, Source source, Part part);
bool set_uri_part(Message& m, Source source, Part part, const Value& value);
template <Source S, Part P>
Value get_uri(Module&, Message& m, const VariableName&) {
    return uri_part(m, S, P);
}
template <Source S, Part P>
bool set_uri(Module&, Message& m, const VariableName&, const Value& value) {
    return set_uri_part(m, S, P, value);
}
Value get_next_hop(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_next_hop(Module&, std::string_view inner);

// header_vars.cpp: headers, From and To beside their URIs, start line and body.
Value get_header(Module&, Message& m, const VariableName& name);
Value get_header_count(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_header(Module&, std::string_view inner);
template <sip::HeaderType T>
Value get_first(Module&, Message& m, const VariableName&) {
    const sip::Header* const h = m.sip.header(T);
    return h != nullptr ? Value(m.sip.value(*h)) : Value();
}
enum class Field : std::uint8_t {
    from_tag,
    to_tag,
    from_name,
    to_name,
    cseq_number,
    content_length,
    method,
    version,
    status,
    reason,
    body,
    body_size,
    all,
    size,
    method_number,
    kind,
    kind_text
};
[[nodiscard]] Value field(Message& m, Field which);
template <Field F>
Value get_field(Module&, Message& m, const VariableName&) {
    return field(m, F);
}
bool set_from_name(Module&, Message& m, const VariableName&, const Value& value);
bool set_to_name(Module&, Message& m, const VariableName&, const Value& value);

// identity_vars.cpp: values in lists of headers, Via parts, identities, credentials, expiry.
Value get_header_value(Module&, Message& m, const VariableName& name);
Value get_header_value_count(Module&, Message& m, const VariableName& name);
enum class Identity : std::uint8_t {
    refer_to,
    asserted,
    remote_party,
    diversion,
    diversion_reason,
    diversion_privacy,
    diversion_counter,
    preferred,
    preferred_user,
    preferred_host,
    preferred_name,
    auth_user,
    auth_user_part,
    auth_domain_part,
    auth_realm,
    auth_algorithm,
    auth_uri
};
[[nodiscard]] Value identity(Message& m, Identity which);
template <Identity I>
Value get_identity(Module&, Message& m, const VariableName&) {
    return identity(m, I);
}
/// A parameter of "Digest name=value, …" without its quotes; null when there is none.
[[nodiscard]] Value credential_of(std::string_view header, std::string_view name);
/// $Au and $AU: who pays.
[[nodiscard]] Value get_payer(Module& self, Message& m, const VariableName& name);
[[nodiscard]] Value get_payer_user(Module& self, Message& m, const VariableName& name);
/// The n-th Via value over all Via headers, from the last when negative.
[[nodiscard]] std::optional<sip::Via> nth_via(const Message& m, std::int64_t n);
[[nodiscard]] Value via_part(const std::optional<sip::Via>& via, std::uint64_t part);
Result<std::uint64_t> resolve_via(Module&, std::string_view inner);
template <int N>
Value get_via(Module&, Message& m, const VariableName& name) {
    return via_part(nth_via(m, N), name.handle);
}
Value get_expires(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_expires(Module&, std::string_view inner);

// raw_vars.cpp: the message as bytes, where a reply goes, versions, statistics, counts.
Value get_current_bytes(Module&, Message& m, const VariableName&);
Value get_byte(Module&, Message& m, const VariableName& name);
bool set_byte(Module&, Message& m, const VariableName& name, const Value& value);
Result<std::uint64_t> resolve_byte(Module&, std::string_view inner);
Value get_message_part(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_message_part(Module&, std::string_view inner);
Value get_reply_target(Module& self, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_reply_target(Module&, std::string_view inner);
/// "sip:host:port;transport=…" where a reply goes; null in requests.
[[nodiscard]] Value reply_uri(Module& self, Message& m);
Value get_version(Module&, Message&, const VariableName& name);
Result<std::uint64_t> resolve_version(Module&, std::string_view inner);
Value get_server(Module&, Message&, const VariableName& name);
Result<std::uint64_t> resolve_server(Module&, std::string_view inner);
Value get_statistic(Module& self, Message&, const VariableName& name);
Value get_count(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_count(Module&, std::string_view inner);

// selects.cpp: $sel(…).
Value get_select(Module& self, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_select(Module&, std::string_view inner);

// message_vars.cpp: addresses, sockets, flags and process; time_vars.cpp: time.
enum class Place : std::uint8_t {
    source_ip,
    source_port,
    source_uri,
    source_socket,
    local_ip,
    local_port,
    local_name,
    local_uri,
    proto,
    proto_number,
    source_ip_in_uri,
    source_uri_transport,
    local_socket,
    local_uri_transport,
    public_ip,
    public_port,
    public_uri,
    public_uri_transport,
    connection
};
[[nodiscard]] Value place(Module& self, Message& m, Place which);
template <Place P>
Value get_place(Module& self, Message& m, const VariableName&) {
    return place(self, m, P);
}
enum class Flags : std::uint8_t { message, script, branch };
[[nodiscard]] std::uint32_t& flags(Message& m, Flags which);
[[nodiscard]] Value hex_flags(Message& m, Flags which);
template <Flags F>
Value get_flags(Module&, Message& m, const VariableName&) {
    return static_cast<std::int64_t>(flags(m, F));
}
template <Flags F>
Value get_hex_flags(Module&, Message& m, const VariableName&) {
    return hex_flags(m, F);
}
template <Flags F>
bool set_flags(Module&, Message& m, const VariableName&, const Value& value) {
    const auto number = as_number(value);
    if (!number) return false;
    flags(m, F) = static_cast<std::uint32_t>(*number);
    return true;
}
Value get_socket(Module& self, Message& m, const VariableName&);
bool set_socket(Module& self, Message& m, const VariableName&, const Value& value);
Value get_socket_name(Module& self, Message& m, const VariableName&);
Value get_socket_port(Module& self, Message& m, const VariableName&);
/// "udp:127.0.0.1:5060"; null when there is no such listener.
[[nodiscard]] Value socket_text(Module& self, std::uint16_t index);
/// By that text or by its name; null gives kNoListener. False (logged) when it is none of ours.
bool find_socket(Module& self, const Value& value, std::uint16_t* found);
/// 0…1000; null takes it away.
bool set_q(const Value& value, std::int16_t* q);
Value get_family(Module&, Message& m, const VariableName& name);
Result<std::uint64_t> resolve_family(Module&, std::string_view inner);
Value get_destinations(Module&, Message& m, const VariableName&);
Value get_message_number(Module&, Message& m, const VariableName&);
Value get_pid(Module&, Message&, const VariableName&);
Value get_constant(Module&, Message&, const VariableName& name);
Result<std::uint64_t> resolve_constant(Module&, std::string_view inner);

}  // namespace fairlead::pv
