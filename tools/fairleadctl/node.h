// A JSON answer as a tree that keeps the order of names and names that stand there twice.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::ctl {

struct Item;

struct Node {
    enum class Kind : unsigned char { text, number, object, list };
    Kind kind = Kind::text;
    std::string text;  ///< of a text or a number, as it was written; "" for null
    std::vector<Item> items;

    [[nodiscard]] bool is_leaf() const noexcept {
        return kind == Kind::text || kind == Kind::number;
    }
    /// The first item with this name; null when there is none.
    [[nodiscard]] const Node* find(std::string_view name) const noexcept;
    /// Its text; "" when there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
    [[nodiscard]] long long number(std::string_view name) const noexcept;
};
struct Item {
    std::string name;  ///< "" in a list
    Node value;
};

/// Nullopt when the text is no JSON document.
[[nodiscard]] std::optional<Node> parse(std::string_view json);

/// For people: lists of equal objects as a table, others as "name: value" with indents. Control
/// characters of values become "?", so that no answer moves a terminal's cursor.
[[nodiscard]] std::string show(const Node& node);
/// Without control characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace fairlead::ctl
