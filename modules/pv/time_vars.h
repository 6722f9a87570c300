// pv: time. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/module.h"

namespace fairlead::pv {

Value get_arrival(Module& self, Message& m, const VariableName&);
Value get_now(Module& self, Message&, const VariableName&);
Value get_arrival_text(Module& self, Message& m, const VariableName&);
Value get_now_text(Module& self, Message& m, const VariableName&);
Value get_start(Module& self, Message&, const VariableName&);
template <bool Utc>
Value get_time(Module& self, Message&, const VariableName& name);
Result<std::uint64_t> resolve_time(Module&, std::string_view inner);
template <bool Utc>
Value get_formatted_time(Module& self, Message& m, const VariableName& name);

}  // namespace fairlead::pv
