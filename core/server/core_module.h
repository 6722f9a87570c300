// The built-in module "core": the functions that a configuration has without any loadmodule line.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/module.h"

namespace fairlead::server {

/// To be added to the registry before everything else, so that modules may replace its functions.
[[nodiscard]] const Descriptor& core_descriptor() noexcept;

/// The listener that "proto:host:port" names (protocol and port may be absent; host is its address,
/// its advertised host or its name); null when none does.
[[nodiscard]] const Listener* find_listener(const Net& net, std::string_view text) noexcept;

}  // namespace fairlead::server
