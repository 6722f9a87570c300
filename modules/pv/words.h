// The words that stand in the parentheses of variables. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "core/module.h"

namespace fairlead::pv {

/// The place of a word among those that a variable knows, as its `resolve` gives it.
[[nodiscard]] Result<std::uint64_t> one_of(std::span<const std::string_view> names,
                                           std::string_view inner);

}  // namespace fairlead::pv
