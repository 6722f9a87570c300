// A drawing of a compiled script. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "modules/cpl/script.h"

namespace fairlead::cpl {

/// An SVG document: every node once, from left to right in the order of a run. Complete in itself,
/// without scripts and references to anything outside.
[[nodiscard]] std::string draw(const Script& script);

}  // namespace fairlead::cpl
