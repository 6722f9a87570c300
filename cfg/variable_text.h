// Taking `$name(inner)` and `$(name(inner)[index]{group.name,arguments})` apart, in expressions and
// in strings.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

namespace fairlead::cfg {

struct TransformText {
    std::string_view group, name;
    std::string_view arguments;  ///< behind the first comma
    bool has_arguments = false;
    std::size_t offset = 0;  ///< of the group in the text
};

/// Views into the text that was taken apart.
struct VariableText {
    std::string_view text;  ///< all of it, from $ on
    std::string_view name, inner, index;
    bool has_inner = false, has_index = false;
    std::vector<TransformText> transforms;
    /// Not empty: what is wrong, at `problem_offset`.
    std::string_view problem;
    std::size_t problem_offset = 0;
};

/// Takes the variable at the beginning of `text`, which begins with $. What is behind it is left
/// alone: `result.text` says how much was taken (at least 1).
[[nodiscard]] VariableText take_variable(std::string_view text);

/// Whether a $ at the beginning of `text` begins a variable rather than standing for itself.
[[nodiscard]] bool begins_variable(std::string_view text) noexcept;

/// `$name` without the part from the first dot, for names that have none: "$rd.example.org".
[[nodiscard]] VariableText without_dots(const VariableText& variable);

}  // namespace fairlead::cfg
