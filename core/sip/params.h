// ";name=value" parameters of header values and URIs, and comma-separated values.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

namespace fairlead::sip {

struct Param {
    std::string_view name, value;  ///< value without white space around it, quotes kept
    bool has_value = false;
};

/// Walks `rest` (a list of parameters, with or without a leading separator) one at a time; respects
/// quoted strings. Nullopt at the end or at the first malformed parameter (then `rest` is not
/// empty).
[[nodiscard]] std::optional<Param> next_param(std::string_view& rest,
                                              char separator = ';') noexcept;
[[nodiscard]] std::optional<Param> find_param(std::string_view params, std::string_view name,
                                              char separator = ';') noexcept;

/// Takes the first of comma-separated values off `rest`, trimmed; commas in quotes and <…> do not
/// separate (no list of RFC 3261 has comments). Nullopt when nothing is left.
[[nodiscard]] std::optional<std::string_view> next_value(std::string_view& rest) noexcept;

}  // namespace fairlead::sip
