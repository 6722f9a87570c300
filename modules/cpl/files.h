// Files of scripts, for the supervisor and the control process.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>

#include "core/api/loop.h"

namespace fairlead::cpl {

/// The bytes of a regular file, of a longer one `most` + 1 of them: whoever checks the size sees
/// that there are too many. Nothing but a regular file is waited for or read.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most);

}  // namespace fairlead::cpl
