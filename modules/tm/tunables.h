// What operators can change of tm while it runs. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/module.h"

namespace fairlead::tm {

inline constexpr std::size_t kTunables = 26;
extern const std::array<Tunable, kTunables> tunables;

}  // namespace fairlead::tm
