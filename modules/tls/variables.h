// What scripts read of the TLS connection that a message came over. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <array>

#include "core/module.h"

namespace fairlead::tls {

inline constexpr std::size_t kVariables = 59;
/// The rows of $tls_….
extern const std::array<Variable, kVariables> variables;

}  // namespace fairlead::tls
