// The whole server: from argv to its exit status. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fairlead::server {

/// Everything that main does. 0: a clean stop, or a daemon that started; 255: the command line, the
/// configuration or the start was wrong; 1: the server had to end.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace fairlead::server
