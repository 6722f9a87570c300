// An answer as one run of bytes, as the shared cache keeps it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "core/net/dns_records.h"

namespace fairlead::dns {

/// Status, records and alias; the TTL is not in it.
[[nodiscard]] std::string pack(const Answer& answer);
/// The reverse. What pack() did not make gives `failed`.
[[nodiscard]] Answer unpack(std::string_view bytes);

}  // namespace fairlead::dns
