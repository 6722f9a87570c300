// Datagram sockets of this machine (AF_UNIX). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/base/result.h"
#include "core/event/fd.h"

namespace fairlead::net {

/// A non-blocking datagram socket connected to `path`, which at most 107 bytes name.
[[nodiscard]] Result<Fd> connect_local(std::string_view path);

}  // namespace fairlead::net
