// Commands about transactions. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::tm {

inline constexpr std::size_t kCommands = 12;
extern const std::array<Command, kCommands> commands;

}  // namespace fairlead::tm
