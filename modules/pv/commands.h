// Commands about $shv. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::pv {

inline constexpr std::size_t kCommands = 2;
extern const std::array<Command, kCommands> commands;

}  // namespace fairlead::pv
