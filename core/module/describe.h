// A module's README, made from its descriptor. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/module.h"

namespace fairlead::module {

/// Markdown: summary, interfaces, parameters with type, default and range, functions with arguments
/// and the routes in which they may be called, variables, statistics, event routes.
[[nodiscard]] std::string describe(const Descriptor& descriptor);

}  // namespace fairlead::module
