// What became of a transaction, for other modules: noted under the lock, told when it is gone.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// Notes it when somebody watches this transaction; the lock of its bucket is held. `branch` gives
/// the Request-URI; null: the one received.
void note(const Runtime& rt, const Cell& c, const Branch* branch, const Report& report,
          Outgoing& out);

/// The same for a reply by the script, whose flags, variables and URI count.
void note_scripted(const Runtime& rt, const Cell& c, const Message& m, const Report& report,
                   Outgoing& out);

/// Tells the watchers. No lock is held.
void tell(Runtime& rt, const Event& event) noexcept;

/// The Request-URI of what was sent to a branch.
[[nodiscard]] std::string_view uri_of(const Branch& b) noexcept;

}  // namespace fairlead::tm
