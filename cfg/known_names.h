// Tables of well-known names: which module has them, and what is left out here.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

namespace fairlead::cfg {

struct KnownNames {
    std::string_view module;
    std::string_view names;  ///< separated by single spaces
};

/// Functions of the modules of Kamailio 5.6.
[[nodiscard]] std::span<const KnownNames> known_functions() noexcept;

/// Variables of the modules of Kamailio 5.6.
[[nodiscard]] std::span<const KnownNames> known_variables() noexcept;

/// The module that has a well-known function or variable, "" when it is not well known.
[[nodiscard]] std::string_view module_of_function(std::string_view name) noexcept;
[[nodiscard]] std::string_view module_of_variable(std::string_view name) noexcept;

/// Why a function of Kamailio's core does not exist here; "" for all others.
[[nodiscard]] std::string_view why_left_out(std::string_view function) noexcept;

}  // namespace fairlead::cfg
