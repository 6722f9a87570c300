// Commands about contacts. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "core/api/command.h"

namespace fairlead::usrloc {

inline constexpr std::size_t kCommands = 9;
extern const std::array<Command, kCommands> commands;

}  // namespace fairlead::usrloc
