// Expressions of the preprocessor: `#!ifexp`, `#!defexp` and `#!defexps`.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/result.h"

namespace fairlead::cfg {

/// A number or a text.
using DefineValue = std::variant<std::int64_t, std::string>;

/// What a name stands for: nullopt when it is not defined, which counts as 0; "" without a value,
/// which counts as 1.
using DefineLookup = std::function<std::optional<std::string>(std::string_view)>;

/// Evaluates one line: numbers, "texts", names, parentheses, and the operators
/// `|| && | ^ & == != < <= > >= << >> + - * / % ** ! -` in this order. Texts are compared and
/// joined with +; everything else is done with numbers.
[[nodiscard]] Result<DefineValue> evaluate_define(std::string_view text,
                                                  const DefineLookup& lookup);

[[nodiscard]] bool is_true(const DefineValue& value) noexcept;
[[nodiscard]] std::string to_text(const DefineValue& value);

}  // namespace fairlead::cfg
