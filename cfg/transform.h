// Transformations of values: `{s.len}`, `{uri.user}`. One row each.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "core/api/message.h"
#include "core/api/value.h"

namespace fairlead::cfg {

inline constexpr std::size_t kMaxTransformArgs = 2;

struct TransformRow {
    std::string_view group, name;  ///< compared without case
    /// One letter per argument: i integer, s string up to the next comma, c one byte (which may be
    /// a comma). Letters behind ? may be left out.
    std::string_view arguments;
    /// The input is never null. Value::absent() when there is no result; strings live in the
    /// message, its arena, or for ever.
    Value (*apply)(Message&, const Value& in, std::span<const Value> arguments);
};

/// All rows, by group.
[[nodiscard]] std::span<const TransformRow> string_transforms() noexcept;
[[nodiscard]] std::span<const TransformRow> sip_transforms() noexcept;
[[nodiscard]] const TransformRow* find_transform(std::string_view group,
                                                 std::string_view name) noexcept;

/// The text of a value as strings and transformations see it: integers in decimal, null is "".
/// What must be written goes to the message's arena.
[[nodiscard]] std::string_view text_of(Message& message, const Value& value);

}  // namespace fairlead::cfg
