// Which of the branches' final replies goes upstream (RFC 3261 16.7 step 6). Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/policy.h"
#include "modules/tm/transaction.h"

namespace fairlead::tm {

/// Lowest is best: 6xx, then 3xx, then 4xx that the client can act upon, then 4xx, then 5xx.
[[nodiscard]] int priority(int code, bool faked, bool with_6xx, const Policy& policy) noexcept;

struct Pick {
    Branch* branch = nullptr;  ///< null: no branch takes part
    int code = 500;
};
/// `from_step`: only branches of this serial step and later ones.
[[nodiscard]] Pick pick(const Cell& c, const Policy& policy, std::uint16_t from_step = 0) noexcept;

}  // namespace fairlead::tm
