// What the language itself knows without any module.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/vars.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "core/base/text.h"
#include "core/sip/uri.h"

namespace fairlead::cfg {

namespace {

/// The numbers of address families on the platforms that scripts were written for.
constexpr std::int64_t kInet = 2, kInet6 = 10;

std::string_view ip_text(Message& m, const Address& address) {
    constexpr std::size_t kRoom = 48;
    char* const out = m.arena.allocate(kRoom);
    return {out, address.write_ip(out, false)};
}

// ---- Variables ----------------------------------------------------------------------------------

Value return_code(Module&, Message& m, const VariableName&) {
    return m.return_code;
}
Value null(Module&, Message&, const VariableName&) {
    return {};
}
Value define(Module& self, Message&, const VariableName& name) {
    const std::string* const value = static_cast<Builtin&>(self).define(name.inner);
    return value != nullptr ? Value(std::string_view(*value)) : Value();
}
Value define_number(Module& self, Message&, const VariableName& name) {
    const std::string* const value = static_cast<Builtin&>(self).define(name.inner);
    return value != nullptr ? text::parse_int(*value).value_or(0) : 0;
}
/// The environment does not change after the start; names that are not constant are copied.
const char* environment_value(const VariableName& name) {
    constexpr std::size_t kLongest = 255;
    std::array<char, kLongest + 1> zero_ended{};
    if (name.inner.size() > kLongest) return nullptr;
    name.inner.copy(zero_ended.data(), name.inner.size());
    return std::getenv(zero_ended.data());
}
Value environment(Module&, Message&, const VariableName& name) {
    const char* const value = environment_value(name);
    return value != nullptr ? Value(std::string_view(value)) : Value();
}
Value environment_number(Module&, Message&, const VariableName& name) {
    const char* const value = environment_value(name);
    return value != nullptr ? text::parse_int(value).value_or(0) : 0;
}

// ---- Words of expressions -----------------------------------------------------------------------

Value method(Module&, Message& m, const VariableName&) {
    return m.sip.method_text();
}
Value uri(Module&, Message& m, const VariableName&) {
    return m.is_request() ? Value(m.uri()) : Value();
}
Value status(Module&, Message& m, const VariableName&) {
    if (m.is_request()) return m.uri();
    char* const out = m.arena.allocate(8);
    const auto end = fmt::format_to_n(out, 8, "{}", m.sip.status());
    return std::string_view(out, end.size);
}
Value from_uri(Module&, Message& m, const VariableName&) {
    const sip::NameAddr* const from = m.sip.from();
    return from != nullptr ? Value(from->uri) : Value();
}
Value to_uri(Module&, Message& m, const VariableName&) {
    const sip::NameAddr* const to = m.sip.to();
    return to != nullptr ? Value(to->uri) : Value();
}
Value source_ip(Module&, Message& m, const VariableName&) {
    return ip_text(m, m.received.source);
}
Value local_ip(Module&, Message& m, const VariableName&) {
    return ip_text(m, m.received.local);
}
Value source_port(Module&, Message& m, const VariableName&) {
    return m.received.source.port;
}
Value local_port(Module&, Message& m, const VariableName&) {
    return m.received.local.port;
}
Value protocol(Module&, Message& m, const VariableName&) {
    return static_cast<int>(m.received.proto);
}
Value family(Module&, Message& m, const VariableName&) {
    return m.received.source.version == 6 ? kInet6 : kInet;
}
Value length(Module&, Message& m, const VariableName&) {
    const std::string_view bytes = m.leaving != nullptr ? m.leaving->bytes : m.sip.bytes();
    return static_cast<std::int64_t>(bytes.size());
}

// What is being sent: only in an onsend_route.
Value leaving_ip(Module&, Message& m, const VariableName&) {
    return m.leaving != nullptr ? Value(ip_text(m, m.leaving->to.address)) : Value();
}
Value leaving_port(Module&, Message& m, const VariableName&) {
    return m.leaving != nullptr ? Value(m.leaving->to.address.port) : Value();
}
Value leaving_proto(Module&, Message& m, const VariableName&) {
    return m.leaving != nullptr ? Value(static_cast<int>(m.leaving->to.proto)) : Value();
}
Value leaving_family(Module&, Message& m, const VariableName&) {
    if (m.leaving == nullptr) return {};
    return m.leaving->to.address.version == 6 ? kInet6 : kInet;
}
Value sending_ip(Module& self, Message& m, const VariableName&) {
    const Address* const address = static_cast<Builtin&>(self).sending_address(m);
    return address != nullptr ? Value(ip_text(m, *address)) : Value();
}
Value sending_port(Module& self, Message& m, const VariableName&) {
    const Address* const address = static_cast<Builtin&>(self).sending_address(m);
    return address != nullptr ? Value(address->port) : Value();
}

constexpr Variable word(std::string_view name, std::string_view doc,
                        Value (*get)(Module&, Message&, const VariableName&)) {
    return {.name = name, .doc = doc, .get = get, .keyword = true};
}

constexpr Variable kVariables[] = {
    {.name = "rc", .doc = "Code of the last function or route.", .get = return_code},
    {.name = "retcode", .doc = "The same as $rc.", .get = return_code},
    {.name = "?", .doc = "The same as $rc.", .get = return_code},
    {.name = "null", .doc = "No value; assigning it removes.", .get = null},
    {.name = "def", .doc = "Value of a #!define.", .inner = Inner::required, .get = define},
    {.name = "defn",
     .doc = "Value of a #!define as a number, 0 when it is none.",
     .inner = Inner::required,
     .get = define_number},
    {.name = "env",
     .doc = "A variable of the environment.",
     .inner = Inner::required,
     .get = environment},
    {.name = "envn",
     .doc = "A variable of the environment as a number.",
     .inner = Inner::required,
     .get = environment_number},
    word("method", "Method of the request, or of the CSeq of a reply.", method),
    word("uri", "The Request-URI as it stands.", uri),
    word("status", "Status code of a reply; the Request-URI in requests.", status),
    word("from_uri", "URI of From.", from_uri),
    word("to_uri", "URI of To.", to_uri),
    word("src_ip", "Where the message came from.", source_ip),
    word("dst_ip", "Our address on which it came.", local_ip),
    word("src_port", "Port where the message came from.", source_port),
    word("dst_port", "Our port on which it came.", local_port),
    word("proto", "Protocol over which it came: udp, tcp, …", protocol),
    word("af", "Address family: INET or INET6.", family),
    word("msg:len", "Bytes of the message; in onsend_route of what leaves.", length),
    word("to_ip", "Where the request goes, in onsend_route.", leaving_ip),
    word("to_port", "Port where the request goes, in onsend_route.", leaving_port),
    word("snd_ip", "Our address from which it leaves, in onsend_route.", sending_ip),
    word("snd_port", "Port from which it leaves, in onsend_route.", sending_port),
    word("snd_proto", "Protocol over which it leaves, in onsend_route.", leaving_proto),
    word("snd_af", "Address family over which it leaves, in onsend_route.", leaving_family),
};

constexpr Descriptor kDescriptor{.name = "cfg",
                                 .summary = "Variables and words of the language itself.",
                                 .create = make_module<Builtin>,
                                 .variables = kVariables};

}  // namespace

const Descriptor& builtin_descriptor() noexcept {
    return kDescriptor;
}

Result<void> Builtin::prepare(Core& core) {
    net_ = &core.net();
    return {};
}

const std::string* Builtin::define(std::string_view name) const noexcept {
    const auto found = defines_.find(name);
    return found != defines_.end() ? &found->second : nullptr;
}

const Address* Builtin::sending_address(const Message& m) const noexcept {
    if (net_ == nullptr || m.leaving == nullptr) return nullptr;
    const auto listeners = net_->listeners();
    const std::size_t index = m.leaving->to.listener;
    return index < listeners.size() ? &listeners[index].address : nullptr;
}

bool Builtin::is_mine(const Address& address) const noexcept {
    std::array<char, 48> text{};
    const std::size_t size = address.write_ip(text.data(), false);
    return net_ != nullptr && net_->is_myself({text.data(), size}, 0, Proto::none);
}

bool Builtin::is_mine(std::string_view uri) const noexcept {
    const auto parsed = sip::parse_uri(uri);
    return net_ != nullptr && parsed && parsed->is_sip() &&
           net_->is_myself(parsed->host, parsed->effective_port(), Proto::none);
}

std::optional<std::int64_t> number_word(std::string_view word) noexcept {
    if (const auto proto = parse_proto(word)) return static_cast<std::int64_t>(*proto);
    for (const std::string_view v4 : {"INET", "inet", "ipv4", "IPv4", "IPV4"}) {
        if (word == v4) return kInet;
    }
    for (const std::string_view v6 : {"INET6", "inet6", "ipv6", "IPv6", "IPV6"}) {
        if (word == v6) return kInet6;
    }
    return std::nullopt;
}

}  // namespace fairlead::cfg
