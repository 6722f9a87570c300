// Branches without a request: somebody else answers, or nobody can.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// The transaction waits for an answer from outside, as for a callee who says nothing: 408 (or
/// failure_route) when fr_timer has passed. False without memory, or when it is over.
[[nodiscard]] bool await_outside(Runtime& rt, const Work& w) noexcept;

/// Nothing could be sent: as if a callee had not answered in time, as soon as the script is done.
[[nodiscard]] bool await_failure(Runtime& rt, const Work& w) noexcept;

}  // namespace fairlead::tm
