// The books of transactions: what was made and not freed is in the table, and nothing in the table
// is older than its timers allow. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

struct Audit {
    std::int64_t created = 0, freed = 0;
    std::int64_t live = 0;         ///< transactions in the table
    std::int64_t overdue = 0;      ///< … that should be gone, or whose timer should have fired
    std::int64_t unaccounted = 0;  ///< created - freed - live; not 0: one was lost, or freed twice
};

/// Any process: walks the whole table, a bucket's lock at a time. Counts that others change
/// meanwhile are read again, a few times; on a server under load `unaccounted` may be off by what
/// came and went during the last walk.
[[nodiscard]] Audit audit(const Runtime& rt) noexcept;

}  // namespace fairlead::tm
