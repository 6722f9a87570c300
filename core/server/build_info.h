// What the build knows about itself: version, paths, the default Server line.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace fairlead::server {

/// "version: fairlead 0.1.0 (x86_64/linux)".
[[nodiscard]] std::string version_line();
/// "fairlead (0.1.0 (x86_64/linux))", as Server and User-Agent say it.
[[nodiscard]] std::string product();

}  // namespace fairlead::server
