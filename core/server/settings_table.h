// One row for each global parameter: name, type, bounds, and the field it sets or why it has none.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "core/server/settings.h"

namespace fairlead::server {

/// A parameter that is applied.
struct SettingRow {
    using Field = std::variant<bool Settings::*, std::int64_t Settings::*, std::string Settings::*,
                               std::vector<std::string> Settings::*>;  ///< the last: repeatable
    std::string_view name;
    Field field;
    std::int64_t min = 0, max = INT32_MAX;
};
/// Parameters that are accepted so that existing configurations load, with the reason why they
/// change nothing. Names are separated by blanks.
struct IgnoredSettings {
    std::string_view names, why;
};

[[nodiscard]] std::span<const SettingRow> setting_rows() noexcept;
[[nodiscard]] std::span<const IgnoredSettings> ignored_settings() noexcept;

}  // namespace fairlead::server
