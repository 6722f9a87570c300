// The order in which modules start: each after those that it needs, else as they were loaded.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace fairlead::module {

/// What has to be ordered: a name for the message, and the indices of those it comes after.
struct OrderItem {
    std::string_view name;
    std::vector<std::size_t> after;
};

/// Indices in a stable topological order. An error names the whole cycle: "a -> b -> a".
[[nodiscard]] Result<std::vector<std::size_t>> start_order(std::span<const OrderItem> items);

}  // namespace fairlead::module
