// DNS messages as they come over the wire (RFC 1035 4.1): bytes in, values out; no I/O.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/net/dns_records.h"

namespace fairlead::dns {

/// What `packet` answers to the question of type `type` that it repeats. Aliases are followed
/// within the packet, at most kMaxAliases. What is no answer to one question is `failed`; a record
/// that is malformed or too many is left out. Hostile bytes give `failed` or an answer without the
/// records they spoil.
[[nodiscard]] Answer parse_answer(std::string_view packet, Type type);

}  // namespace fairlead::dns
