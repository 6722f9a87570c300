// pv: the variables of scripts, grouped by what they read. Each group is one file; descriptor.cpp
// has the rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/pv/stores.h"

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
    Verdict type_is(Message& m, const VariableRef& var, std::string_view type);

    PrivateStore private_vars{Value(0)};  ///< $var and, with names of its own, $vz
    PrivateStore zero_vars{Value(0)};
    PrivateStore null_vars{Value()};  ///< $vn
    SharedStore shared_vars;          ///< $shv
    Core* core = nullptr;
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

// message_vars.cpp: addresses, flags, branches, process and time.
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
    proto_number
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
Value get_branch(Module& self, Message& m, const VariableName& name);
bool set_branch(Module& self, Message& m, const VariableName& name, const Value& value);
Result<std::uint64_t> resolve_branch(Module&, std::string_view inner);
Value get_first_branch(Module&, Message& m, const VariableName&);
bool append_branch(Module& self, Message& m, const VariableName&, const Value& value);
Value get_all_branches(Module&, Message& m, const VariableName&);
Value get_socket(Module& self, Message& m, const VariableName&);
bool set_socket(Module& self, Message& m, const VariableName&, const Value& value);
Value get_message_number(Module&, Message& m, const VariableName&);
Value get_pid(Module&, Message&, const VariableName&);
Value get_constant(Module&, Message&, const VariableName& name);
Result<std::uint64_t> resolve_constant(Module&, std::string_view inner);
Value get_arrival(Module& self, Message& m, const VariableName&);
Value get_now(Module& self, Message&, const VariableName&);
Value get_time(Module& self, Message&, const VariableName& name);
Result<std::uint64_t> resolve_time(Module&, std::string_view inner);
template <bool Utc>
Value get_formatted_time(Module& self, Message& m, const VariableName& name);

}  // namespace fairlead::pv
