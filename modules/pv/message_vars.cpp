// pv: addresses, flags, branches, process and time.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "core/api/log.h"
#include "modules/pv/pv.h"

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

std::tm broken_down(std::int64_t seconds, bool utc) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm out{};
    if (utc) {
        gmtime_r(&when, &out);
    } else {
        localtime_r(&when, &out);
    }
    return out;
}

std::int64_t unix_now(const Module& self) {
    Core* const core = static_cast<const Pv&>(self).core;
    return core != nullptr ? core->clock().unix_seconds() : 0;
}

template <std::size_t N>
Result<std::uint64_t> one_of(const std::array<std::string_view, N>& names, std::string_view inner) {
    std::string all;
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == inner) return i;
        all += (i == 0 ? "" : ", ");
        all += names[i];
    }
    return fail(fmt::format("one of {} expected", all));
}

}  // namespace

// ---- Addresses ----------------------------------------------------------------------------------

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
    }
    return {};
}

Value get_socket(Module& self, Message& m, const VariableName&) {
    const Listener* const l = listener(self, m.target.listener);
    return l != nullptr ? Value(std::string_view(l->uri_text)) : Value();
}

bool set_socket(Module& self, Message& m, const VariableName&, const Value& value) {
    Core* const core = static_cast<Pv&>(self).core;
    if (value.is_null() || core == nullptr) {
        m.target.listener = kNoListener;
        return core != nullptr || value.is_null();
    }
    for (const Listener& l : core->net().listeners()) {
        if (value.string() != l.uri_text && value.string() != l.name) continue;
        m.target.listener = l.index;
        return true;
    }
    LOG(warning, "\"{}\" is none of our listeners", value.string());
    return false;
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
    fmt::format_to_n(out, kDigits, "{:08X}", flags(m, which));
    return std::string_view(out, kDigits);
}

// ---- Branches -----------------------------------------------------------------------------------

namespace {

enum class BranchField : std::uint8_t { uri, dst_uri, path, q, send_socket, flags, count };
constexpr std::array<std::string_view, 7> kBranchFields{"uri",         "dst_uri", "path", "q",
                                                        "send_socket", "flags",   "count"};

BranchTarget* branch(Message& m, std::int64_t index) {
    if (index < 0) index += static_cast<std::int64_t>(m.branch_count);
    return index >= 0 && static_cast<std::size_t>(index) < m.branch_count
               ? &m.branches[static_cast<std::size_t>(index)]
               : nullptr;
}

Value q_text(Message& m, std::int16_t q) {
    if (q == kNoQ) return {};
    constexpr std::size_t kRoom = 8;
    char* const out = m.arena.allocate(kRoom);
    const auto end = fmt::format_to_n(out, kRoom, "{}", static_cast<double>(q) / 1000);
    return std::string_view(out, end.size);
}

}  // namespace

Result<std::uint64_t> resolve_branch(Module&, std::string_view inner) {
    return one_of(kBranchFields, inner);
}

Value get_branch(Module& self, Message& m, const VariableName& name) {
    const auto which = static_cast<BranchField>(name.handle);
    if (which == BranchField::count) return static_cast<std::int64_t>(m.branch_count);
    const BranchTarget* const b = branch(m, name.index);
    if (b == nullptr) return {};
    switch (which) {
        case BranchField::uri: return b->uri;
        case BranchField::dst_uri: return or_null(b->dst_uri);
        case BranchField::path: return or_null(b->path);
        case BranchField::q: return q_text(m, b->q);
        case BranchField::flags: return static_cast<std::int64_t>(b->flags);
        case BranchField::send_socket: {
            const Listener* const l = listener(self, b->listener);
            return l != nullptr ? Value(std::string_view(l->uri_text)) : Value();
        }
        case BranchField::count: break;
    }
    return {};
}

bool set_branch(Module&, Message& m, const VariableName& name, const Value& value) {
    BranchTarget* const b = branch(m, name.index);
    if (b == nullptr) return false;
    switch (static_cast<BranchField>(name.handle)) {
        case BranchField::uri: b->uri = as_text(m, value); return true;
        case BranchField::dst_uri: b->dst_uri = as_text(m, value); return true;
        case BranchField::path: b->path = as_text(m, value); return true;
        case BranchField::flags:
            b->flags = static_cast<std::uint32_t>(as_number(value).value_or(0));
            return true;
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

// ---- Process, constants, time -------------------------------------------------------------------

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

Value get_now(Module& self, Message&, const VariableName&) {
    return unix_now(self);
}

Value get_arrival(Module& self, Message& m, const VariableName&) {
    Core* const core = static_cast<Pv&>(self).core;
    if (core == nullptr) return 0;
    return unix_now(self) - (core->clock().now() - m.arrived).count() / 1000;
}

namespace {
constexpr std::array<std::string_view, 9> kTimeFields{"sec",  "min",  "hour", "mday", "mon",
                                                      "year", "wday", "yday", "isdst"};
}  // namespace

Result<std::uint64_t> resolve_time(Module&, std::string_view inner) {
    return one_of(kTimeFields, inner);
}

Value get_time(Module& self, Message&, const VariableName& name) {
    const std::tm t = broken_down(unix_now(self), false);
    const std::array<int, kTimeFields.size()> values{t.tm_sec,      t.tm_min,      t.tm_hour,
                                                     t.tm_mday,     t.tm_mon + 1,  t.tm_year + 1900,
                                                     t.tm_wday + 1, t.tm_yday + 1, t.tm_isdst};
    return values[name.handle];
}

template <bool Utc>
Value get_formatted_time(Module& self, Message& m, const VariableName& name) {
    constexpr std::size_t kLongest = 128, kRoom = 256;
    std::array<char, kLongest> format{};
    if (name.inner.empty() || name.inner.size() >= kLongest) return Value::absent();
    name.inner.copy(format.data(), name.inner.size());
    const std::tm t = broken_down(unix_now(self), Utc);
    char* const out = m.arena.allocate(kRoom);
    const std::size_t size = std::strftime(out, kRoom, format.data(), &t);
    return size != 0 ? Value(std::string_view(out, size)) : Value::absent();
}
template Value get_formatted_time<true>(Module&, Message&, const VariableName&);
template Value get_formatted_time<false>(Module&, Message&, const VariableName&);

}  // namespace fairlead::pv
