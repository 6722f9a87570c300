// pv: $sbranch, a branch in the making, and the functions that use it.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "modules/pv/branch_vars.h"
#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

std::string StaticBranch::* text_part(BranchField which) noexcept {
    switch (which) {
        case BranchField::uri: return &StaticBranch::uri;
        case BranchField::dst_uri: return &StaticBranch::dst_uri;
        case BranchField::path: return &StaticBranch::path;
        case BranchField::ruid: return &StaticBranch::ruid;
        case BranchField::location_ua: return &StaticBranch::location_ua;
        default: return nullptr;
    }
}

BranchTarget target(Message& m, const StaticBranch& from) {
    return {m.arena.copy(from.uri),  m.arena.copy(from.dst_uri),
            m.arena.copy(from.path), from.q,
            from.listener,           from.flags,
            m.arena.copy(from.ruid), m.arena.copy(from.location_ua)};
}

}  // namespace

Value get_static_branch(Module& self, Message& m, const VariableName& name) {
    const auto& pv = static_cast<Pv&>(self);
    const auto which = static_cast<BranchField>(name.handle);
    // A copy: the branch may be set anew while the value is still used.
    if (const auto part = text_part(which)) return or_null(m.arena.copy(pv.static_branch.*part));
    switch (which) {
        case BranchField::q:
            return pv.static_branch.q == kNoQ ? Value() : Value(pv.static_branch.q);
        case BranchField::flags: return static_cast<std::int64_t>(pv.static_branch.flags);
        case BranchField::count: return 0;
        default: return socket_text(self, pv.static_branch.listener);
    }
}

bool set_static_branch(Module& self, Message& m, const VariableName& name, const Value& value) {
    StaticBranch& branch = static_cast<Pv&>(self).static_branch;
    const auto which = static_cast<BranchField>(name.handle);
    if (which == BranchField::count) return false;
    if (const auto part = text_part(which)) {
        (branch.*part).assign(as_text(m, value));
        return true;
    }
    if (which == BranchField::send_socket) return find_socket(self, value, &branch.listener);
    const auto number = as_number(value);
    if (which == BranchField::flags) {
        branch.flags = static_cast<std::uint32_t>(number.value_or(0));
        return number.has_value() || value.is_null();
    }
    return set_q(value, &branch.q);
}

Verdict Pv::sbranch_set_ruri(Message& m) {
    if (static_branch.uri.empty() || !m.is_request()) return Verdict::no;
    m.target = target(m, static_branch);
    return Verdict::yes;
}

Verdict Pv::sbranch_append(Message& m) {
    if (static_branch.uri.empty() || !m.is_request()) return Verdict::no;
    const std::size_t most = core != nullptr ? core->globals().max_branches : kMaxBranches;
    return Verdict::of(m.append_branch(target(m, static_branch), most));
}

Verdict Pv::sbranch_reset(Message&) {
    static_branch = {};
    return Verdict::yes;
}

}  // namespace fairlead::pv
