// pv: what is being received or sent, and the time to the microsecond.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/module.h"

namespace fairlead::pv {

/// $snd and $sndto: null outside of onsend_route.
Result<std::uint64_t> resolve_leaving(Module&, std::string_view inner);
Value get_leaving(Module&, Message& m, const VariableName& name);
/// $sndfrom: our side of it.
Result<std::uint64_t> resolve_leaving_from(Module&, std::string_view inner);
Value get_leaving_from(Module& self, Message& m, const VariableName& name);
/// $rcv: null outside of event routes.
Result<std::uint64_t> resolve_arriving(Module&, std::string_view inner);
Value get_arriving(Module&, Message& m, const VariableName& name);
/// $TV: s and u when the message came, sn, un and Sn (both with a dot) now.
Result<std::uint64_t> resolve_exact_time(Module&, std::string_view inner);
Value get_exact_time(Module& self, Message& m, const VariableName& name);

}  // namespace fairlead::pv
