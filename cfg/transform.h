// Transformations of values: `{s.len}`, `{uri.user}`. One row each.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/api/message.h"
#include "core/api/value.h"
#include "core/module.h"

namespace fairlead::cfg {

inline constexpr std::size_t kMaxTransformArgs = 2;
/// A transformation whose result would be longer has none: it must not grow without bound.
inline constexpr std::size_t kMaxTransformed = 256 * 1024;

/// "/expression/replacement/flags" of {re.subst}, made when the configuration is read.
struct Substitution {
    const Regex* regex = nullptr;
    std::string_view replacement;  ///< \0 … \9 are groups, \\ is a backslash
    bool every = false;            ///< flag g
};

/// Arguments as they are at run time.
struct TransformArgs {
    std::span<const Value> values;
    const Substitution* substitution = nullptr;

    [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
    const Value& operator[](std::size_t n) const noexcept { return values[n]; }
};

struct TransformRow {
    std::string_view group, name;  ///< compared without case
    /// One letter per argument: i integer, s string up to the next comma, c one byte (which may be
    /// a comma), r a substitution. Letters behind ? may be left out.
    std::string_view arguments;
    std::string_view doc;
    /// The input is null only if `takes_null`. Value::absent() when there is no result; strings
    /// live in the message, its arena, or for ever.
    Value (*apply)(Message&, const Value& in, const TransformArgs& arguments);
    bool takes_null = false;
};

/// All rows, one span per file that has some.
[[nodiscard]] std::span<const std::span<const TransformRow>> all_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> string_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> encoding_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> sip_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> msrp_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> other_transforms() noexcept;
[[nodiscard]] const TransformRow* find_transform(std::string_view group,
                                                 std::string_view name) noexcept;

/// Takes "/expression/replacement/flags" apart; the first byte is the divider. The expression is
/// left to the caller, with whether its letters' case counts.
struct SubstitutionText {
    std::string_view expression, replacement;
    bool every = false;
    bool any_case = false;
};
[[nodiscard]] std::optional<SubstitutionText> parse_substitution(std::string_view text) noexcept;

/// The text of a value as strings and transformations see it: integers in decimal, null is "".
/// What must be written goes to the message's arena.
[[nodiscard]] std::string_view text_of(Message& message, const Value& value);

}  // namespace fairlead::cfg
