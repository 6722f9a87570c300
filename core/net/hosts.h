// Names and addresses at start: interfaces, host names of the configuration, reverse names.
// The only file of this layer that may block; never called on the message path.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"

namespace fairlead::net {

/// Addresses of all interfaces that are up, or of one by name; link-local IPv6 left out. Port 0.
[[nodiscard]] std::vector<Address> interface_addresses(const std::string& interface = {});
/// Asks the system's resolver; localhost is known without it. Empty when the name is unknown.
[[nodiscard]] std::vector<Address> lookup_host(const std::string& name);
/// The name of an address by the system's resolver, which is given about a second.
[[nodiscard]] std::optional<std::string> reverse_lookup(const Address& address);

}  // namespace fairlead::net
