// pv: $xavp, $xavu and $xavi, and the functions that work on them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/module.h"

namespace fairlead::pv {

enum class Lists : std::uint8_t { xavp, xavu, xavi };
[[nodiscard]] inline Xavps& lists(Message& m, Lists which) noexcept {
    return which == Lists::xavp ? m.xavps : which == Lists::xavu ? m.xavus : m.xavis;
}

/// "root[1]=>field[0]", taken apart.
struct XavpPath {
    static constexpr std::size_t kMost = 4;
    struct Step {
        std::string_view name;
        std::int64_t index = 0;
        bool has_index = false;
        bool all = false;  ///< [*]
    };
    std::array<Step, kMost> steps;
    std::size_t count = 0;
};
/// Nullopt when it is none: an empty name, an index that is no number, too many parts.
[[nodiscard]] std::optional<XavpPath> parse_xavp_path(std::string_view text) noexcept;

Value get_xavp(Message& m, Lists which, const VariableName& name);
bool set_xavp(Message& m, Lists which, const VariableName& name, const Value& value);
Result<std::uint64_t> resolve_xavp(Lists which, std::string_view inner);

/// Fields that one text may become.
inline constexpr std::size_t kMostFields = 1000;
/// "name=value;name;…" as the fields of a new root, and back. explode() is false, and does nothing,
/// when there are more than kMostFields (logged); implode() is null without that root.
bool explode_params(Message& m, Lists which, std::string_view params, std::string_view root);
[[nodiscard]] Value implode_params(Message& m, Lists which, std::string_view root);
/// The parts of `list` between any of `separators` as fields named v; empty ones are left out.
/// False, as above, when there are too many.
bool explode_list(Message& m, std::string_view list, std::string_view separators, bool trim,
                  std::string_view root);
/// Copies an entry to the end of the roots, or over the entry at `to_index`; false when there is no
/// such entry.
bool copy_xavp(Message& m, std::string_view from, std::int64_t index, std::string_view to,
               std::optional<std::int64_t> to_index);
/// Sets a field of the first root of a name, which is made when there is none.
void set_child(Message& m, Lists which, std::string_view root, std::string_view child,
               const Value& value);
void remove_child(Message& m, Lists which, std::string_view root, std::string_view child);
void remove_root(Message& m, Lists which, std::string_view root);
/// How many entries a path's last name has.
[[nodiscard]] Value count_xavp(Message& m, Lists which, std::string_view path);
/// One log line for each entry.
void print_lists(Message& m, Lists which);

}  // namespace fairlead::pv
