// What operators ask about scripts. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::cpl {

inline constexpr std::size_t kCommands = 5;
extern const std::array<Command, kCommands> commands;

}  // namespace fairlead::cpl
