// The commands that the line protocol always had, with the answers they always gave.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "modules/mi_fifo/lines.h"

namespace fairlead::mi_fifo {

/// How a command's request goes on; `plain` for all that are not classic.
[[nodiscard]] Form classic_form(std::string_view command);

/// Whether a command that has a form of its own changes something; false for all others.
[[nodiscard]] bool is_changing(std::string_view command) noexcept;

/// How the answer of a command of the registry begins, by its classic name.
[[nodiscard]] std::string_view classic_head(std::string_view classic_name) noexcept;

/// The whole answer of which, ps, version, uptime, pwd, arg, meminfo, print, get_statistics,
/// reset_statistics, LOAD_CPL, REMOVE_CPL and GET_CPL; nullopt when it is none of them.
[[nodiscard]] std::optional<std::string> run_classic(Core& core, const LineRequest& request);

}  // namespace fairlead::mi_fifo
