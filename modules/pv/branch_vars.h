// pv: $branch and $sbranch. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "core/module.h"

namespace fairlead::pv {

/// The parts of a branch that $branch and $sbranch have.
enum class BranchField : std::uint8_t {
    uri,
    dst_uri,
    path,
    q,
    send_socket,
    flags,
    ruid,
    location_ua,
    count
};
/// A BranchField.
Result<std::uint64_t> resolve_branch(Module&, std::string_view inner);
Value get_branch(Module& self, Message& m, const VariableName& name);
bool set_branch(Module& self, Message& m, const VariableName& name, const Value& value);
Value get_first_branch(Module&, Message& m, const VariableName&);
bool append_branch(Module& self, Message& m, const VariableName&, const Value& value);
Value get_all_branches(Module&, Message& m, const VariableName&);

// static_branch.cpp: $sbranch and the functions that use it.
Value get_static_branch(Module& self, Message& m, const VariableName& name);
bool set_static_branch(Module& self, Message& m, const VariableName& name, const Value& value);

}  // namespace fairlead::pv
