// What tm notes of a transaction that is traced (core/api/trace.h). SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// A branch was made. The bucket's lock may be held.
void note_branch(const Runtime& rt, const Cell& c, const Branch& b,
                 std::string_view request) noexcept;
/// The transaction's timer has fired and nothing has been done about it yet. Likewise.
void note_timers(const Runtime& rt, const Cell& c) noexcept;

}  // namespace fairlead::tm
