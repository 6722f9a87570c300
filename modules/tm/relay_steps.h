// Steps that modules relay in (StepsApi): what a transaction keeps of one, and what happens when it
// fails. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// In the hand of this process; null when memory is full.
[[nodiscard]] PendingStep* make_step(Runtime& rt, const Step& step) noexcept;
/// Frees one that no transaction has.
void discard_step(Runtime& rt, PendingStep* step) noexcept;

// Under the bucket's lock.
/// The transaction takes it over, in the place of the one that it had: true when there was one.
bool begin_step(Runtime& rt, Cell& c, PendingStep& step, Ms timeout) noexcept;
void free_step(Runtime& rt, Cell& c) noexcept;

/// Calls the handler of a step that has failed, when there is one; `m` is then bound to the
/// transaction. The lock is not held.
enum class StepResult : std::uint8_t {
    none,     ///< there is no step: `m` is untouched
    passed,   ///< the handler leaves it to failure_route
    gone_on,  ///< it has relayed or replied
};
[[nodiscard]] StepResult run_step(Runtime& rt, Bucket& b, Cell& c, Message& m);

}  // namespace fairlead::tm
