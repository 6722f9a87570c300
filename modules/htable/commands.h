// Commands about hash tables. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::htable {

inline constexpr std::size_t kCommands = 13;
extern const std::array<Command, kCommands> commands;

}  // namespace fairlead::htable
