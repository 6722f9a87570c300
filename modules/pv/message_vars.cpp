// pv: addresses, sockets, flags, branches and process.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "core/api/log.h"
#include "modules/pv/branch_vars.h"
#include "modules/pv/pv.h"
#include "modules/pv/words.h"

namespace fairlead::pv {

namespace {

std::string_view ip(Message& m, const Address& address, bool brackets = false) {
    constexpr std::size_t kRoom = 48;
    char* const out = m.arena.allocate(kRoom);
    return {out, address.write_ip(out, brackets)};
}

const Listener* listener(Module& self, std::uint16_t index) {
    Core* const core = static_cast<Pv&>(self).core;
    if (core == nullptr) return nullptr;
    const auto all = core->net().listeners();
    return index < all.size() ? &all[index] : nullptr;
}

}  // namespace

// ---- Addresses ----------------------------------------------------------------------------------

namespace {

Value with_transport(Message& m, std::string_view uri, Proto proto) {
    return m.arena.concat({uri, ";transport=", name(proto)});
}

/// What the listener says of itself: its advertised address, else the one it listens on.
Value public_place(Module& self, Message& m, Place which) {
    const Listener* const l = listener(self, m.received.listener);
    const bool advertised = l != nullptr && !l->advertised_host.empty();
    const std::string_view host = advertised ? std::string_view(l->advertised_host)
                                             : ip(m, m.received.local, which != Place::public_ip);
    const int port =
        advertised && l->advertised_port != 0 ? l->advertised_port : m.received.local.port;
    const auto uri = [&] { return m.arena.concat({"sip:", host, ":", as_text(m, Value(port))}); };
    switch (which) {
        case Place::public_ip: return host;
        case Place::public_port: return port;
        case Place::public_uri: return uri();
        default: return with_transport(m, uri(), m.received.proto);
    }
}

}  // namespace

Value place(Module& self, Message& m, Place which) {
    const Received& r = m.received;
    const auto uri = [&](const Address& a, std::string_view scheme) {
        return Value(m.arena.concat({scheme, ":", ip(m, a, true), ":", as_text(m, Value(a.port))}));
    };
    switch (which) {
        case Place::source_ip: return ip(m, r.source);
        case Place::source_port: return r.source.port;
        case Place::source_uri: return uri(r.source, "sip");
        case Place::source_socket: return uri(r.source, name(r.proto));
        case Place::local_ip: return ip(m, r.local);
        case Place::local_port: return r.local.port;
        case Place::local_uri: return uri(r.local, "sip");
        case Place::local_name: {
            const Listener* const l = listener(self, r.listener);
            return l != nullptr ? or_null(l->name) : Value();
        }
        case Place::proto: return name(r.proto);
        case Place::proto_number: return static_cast<int>(r.proto);
        case Place::source_ip_in_uri: return ip(m, r.source, true);
        case Place::source_uri_transport:
            return with_transport(m, uri(r.source, "sip").string(), r.proto);
        case Place::local_socket: return uri(r.local, name(r.proto));
        case Place::local_uri_transport:
            return with_transport(m, uri(r.local, "sip").string(), r.proto);
        case Place::connection:
            return r.connection != 0 ? Value(std::int64_t{r.connection}) : Value();
        default: return public_place(self, m, which);
    }
}

Value socket_text(Module& self, std::uint16_t index) {
    const Listener* const l = listener(self, index);
    return l != nullptr ? Value(std::string_view(l->uri_text)) : Value();
}

bool find_socket(Module& self, const Value& value, std::uint16_t* found) {
    Core* const core = static_cast<Pv&>(self).core;
    if (value.is_null()) {
        *found = kNoListener;
        return true;
    }
    if (core == nullptr) return false;
    for (const Listener& l : core->net().listeners()) {
        if (value.string() != l.uri_text && (l.name.empty() || value.string() != l.name)) continue;
        *found = l.index;
        return true;
    }
    LOG(warning, "\"{}\" is none of our listeners", value.string());
    return false;
}

Value get_socket(Module& self, Message& m, const VariableName&) {
    return socket_text(self, m.target.listener);
}

bool set_socket(Module& self, Message& m, const VariableName&, const Value& value) {
    return find_socket(self, value, &m.target.listener);
}

Value get_socket_name(Module& self, Message& m, const VariableName&) {
    const Listener* const l = listener(self, m.target.listener);
    return l != nullptr ? or_null(l->name) : Value();
}

Value get_socket_port(Module& self, Message& m, const VariableName&) {
    const Listener* const l = listener(self, m.target.listener);
    return l != nullptr ? l->address.port : 0;
}

Result<std::uint64_t> resolve_family(Module&, std::string_view inner) {
    if (inner == "id") return 0U;
    if (inner == "name") return 1U;
    return fail("id or name expected");
}

Value get_family(Module&, Message& m, const VariableName& name) {
    const bool six = m.received.source.version == 6;
    if (name.handle == 1) return std::string_view(six ? "IPv6" : "IPv4");
    return six ? 10 : 2;
}

// ---- Flags --------------------------------------------------------------------------------------

std::uint32_t& flags(Message& m, Flags which) {
    switch (which) {
        case Flags::script: return m.script_flags;
        case Flags::branch: return m.target.flags;
        case Flags::message: break;
    }
    return m.flags;
}

Value hex_flags(Message& m, Flags which) {
    constexpr std::size_t kDigits = 8;
    char* const out = m.arena.allocate(kDigits);
    fmt::format_to_n(out, kDigits, "{:08x}", flags(m, which));
    return std::string_view(out, kDigits);
}

// ---- Branches -----------------------------------------------------------------------------------

namespace {

BranchTarget* branch(Message& m, std::int64_t index) {
    if (index < 0) index += static_cast<std::int64_t>(m.branch_count);
    return index >= 0 && static_cast<std::size_t>(index) < m.branch_count
               ? &m.branches[static_cast<std::size_t>(index)]
               : nullptr;
}

/// Thousandths as a q-value: "0.5".
std::string_view q_text(Message& m, std::int16_t q) {
    constexpr std::size_t kRoom = 8;
    char* const out = m.arena.allocate(kRoom);
    const auto end = fmt::format_to_n(out, kRoom, "{}", static_cast<double>(q) / 1000);
    return {out, end.size};
}

}  // namespace

Result<std::uint64_t> resolve_branch(Module&, std::string_view inner) {
    // In the order of BranchField.
    constexpr std::string_view kNames[] = {"uri",   "dst_uri", "path",        "q",    "send_socket",
                                           "flags", "ruid",    "location_ua", "count"};
    return one_of(kNames, inner);
}

Value get_branch(Module& self, Message& m, const VariableName& name) {
    const auto which = static_cast<BranchField>(name.handle);
    if (which == BranchField::count) {
        return m.branch_count != 0 ? Value(static_cast<std::int64_t>(m.branch_count)) : Value();
    }
    const BranchTarget* const b = branch(m, name.index);
    if (b == nullptr) return {};
    switch (which) {
        case BranchField::uri: return b->uri;
        case BranchField::dst_uri: return or_null(b->dst_uri);
        case BranchField::path: return or_null(b->path);
        case BranchField::q: return b->q == kNoQ ? Value() : Value(b->q);
        case BranchField::flags: return static_cast<std::int64_t>(b->flags);
        case BranchField::send_socket: return socket_text(self, b->listener);
        case BranchField::ruid: return or_null(b->ruid);
        case BranchField::location_ua: return or_null(b->location_ua);
        case BranchField::count: break;
    }
    return {};
}

bool set_q(const Value& value, std::int16_t* q) {
    constexpr std::int64_t kMost = 1000;
    const auto number = as_number(value);
    if (value.is_null()) {
        *q = kNoQ;
        return true;
    }
    if (!number || *number < 0 || *number > kMost) return false;
    *q = static_cast<std::int16_t>(*number);
    return true;
}

bool set_branch(Module& self, Message& m, const VariableName& name, const Value& value) {
    BranchTarget* const b = branch(m, name.index);
    if (b == nullptr) return false;
    switch (static_cast<BranchField>(name.handle)) {
        case BranchField::uri: b->uri = as_text(m, value); return true;
        case BranchField::dst_uri: b->dst_uri = as_text(m, value); return true;
        case BranchField::path: b->path = as_text(m, value); return true;
        case BranchField::ruid: b->ruid = as_text(m, value); return true;
        case BranchField::location_ua: b->location_ua = as_text(m, value); return true;
        case BranchField::flags:
            b->flags = static_cast<std::uint32_t>(as_number(value).value_or(0));
            return true;
        case BranchField::q: return set_q(value, &b->q);
        case BranchField::send_socket: return find_socket(self, value, &b->listener);
        default: return false;
    }
}

Value get_first_branch(Module&, Message& m, const VariableName&) {
    return m.branch_count > 0 ? Value(m.branches[0].uri) : Value();
}

bool append_branch(Module& self, Message& m, const VariableName&, const Value& value) {
    if (!value.is_string() || !m.is_request()) return false;
    const Core* const core = static_cast<Pv&>(self).core;
    BranchTarget one;
    one.uri = value.string();
    one.q = kNoQ;
    return m.append_branch(one, core != nullptr ? core->globals().max_branches : kMaxBranches);
}

Value get_all_branches(Module&, Message& m, const VariableName&) {
    std::string_view joined;
    for (std::size_t i = 0; i < m.branch_count; ++i) {
        joined = i == 0 ? m.branches[i].uri : m.arena.concat({joined, ", ", m.branches[i].uri});
    }
    return or_null(joined);
}

Value get_destinations(Module&, Message& m, const VariableName&) {
    std::string_view joined;
    for (std::size_t i = 0; i < m.branch_count; ++i) {
        const BranchTarget& b = m.branches[i];
        joined = m.arena.concat(
            {i == 0 ? std::string_view("Contact: ") : joined, i == 0 ? "" : ", ", "<", b.uri, ">",
             b.q == kNoQ ? "" : ";q=", b.q == kNoQ ? std::string_view() : q_text(m, b.q)});
    }
    return or_null(joined);
}

// ---- Process and constants ----------------------------------------------------------------------

Value get_message_number(Module&, Message& m, const VariableName&) {
    return static_cast<std::int64_t>(m.number);
}

Value get_pid(Module&, Message&, const VariableName&) {
    return static_cast<std::int64_t>(getpid());
}

Result<std::uint64_t> resolve_constant(Module&, std::string_view inner) {
    if (const auto proto = parse_proto(inner)) return static_cast<std::uint64_t>(*proto);
    if (text::ci_equal(inner, "ipv4")) return 2U;
    if (text::ci_equal(inner, "ipv6")) return 10U;
    return fail("a protocol, IPv4 or IPv6 expected");
}

Value get_constant(Module&, Message&, const VariableName& name) {
    return static_cast<std::int64_t>(name.handle);
}

}  // namespace fairlead::pv
