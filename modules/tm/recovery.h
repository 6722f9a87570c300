// What a process left behind when it died in the middle of its work.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// In the process that takes the dead one's slot, before it does anything else: transactions whose
/// script died are answered 500 or go on without it, and each one gets its timer. Returns how many
/// were touched.
std::size_t recover(Runtime& rt);

}  // namespace fairlead::tm
