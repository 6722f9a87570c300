// A JSON answer as a tree, and how people see it. SPDX-License-Identifier: Apache-2.0
#include "tools/fairleadctl/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace fairlead::ctl {
namespace {

/// Builds the tree while the document is read.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
public:
    Node root;

    bool null() override { return put({}); }
    bool boolean(bool value) override {
        return put({Node::Kind::text, value ? "true" : "false", {}});
    }
    bool number_integer(number_integer_t value) override {
        return put({Node::Kind::number, std::to_string(value), {}});
    }
    bool number_unsigned(number_unsigned_t value) override {
        return put({Node::Kind::number, std::to_string(value), {}});
    }
    bool number_float(number_float_t, const string_t& text) override {
        return put({Node::Kind::number, text, {}});
    }
    bool string(string_t& value) override { return put({Node::Kind::text, value, {}}); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return begin(Node::Kind::object); }
    bool end_object() override { return end(); }
    bool start_array(std::size_t) override { return begin(Node::Kind::list); }
    bool end_array() override { return end(); }
    bool key(string_t& name) override {
        name_ = name;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

private:
    static constexpr std::size_t kDeepest = 64;

    bool put(Node node) {
        if (path_.empty())
            root = std::move(node);
        else
            path_.back()->items.push_back({std::exchange(name_, {}), std::move(node)});
        return true;
    }
    bool begin(Node::Kind kind) {
        if (path_.size() == kDeepest) return false;
        put({kind, {}, {}});
        path_.push_back(path_.empty() ? &root : &path_.back()->items.back().value);
        return true;
    }
    bool end() {
        path_.pop_back();
        return true;
    }
    std::vector<Node*> path_;
    std::string name_;
};

using Row = std::vector<std::string>;

/// The names of all items when each is an object of single values with the same names.
std::optional<Row> columns(const Node& list) {
    Row names;
    for (const auto& [unused, item] : list.items) {
        if (item.kind != Node::Kind::object || item.items.empty()) return std::nullopt;
        Row own;
        for (const auto& [name, value] : item.items) {
            if (!value.is_leaf()) return std::nullopt;
            own.push_back(name);
        }
        if (!names.empty() && own != names) return std::nullopt;
        names = own;
    }
    return names.empty() ? std::nullopt : std::optional(names);
}

std::string table(const Node& list, const Row& names) {
    std::vector<Row> rows{names};
    for (const auto& [unused, item] : list.items) {
        Row row;
        for (const auto& [name, value] : item.items) row.push_back(printable(value.text));
        rows.push_back(row);
    }
    std::vector<std::size_t> widths(names.size());
    for (const Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += fmt::format("{:<{}}  ", row[i], widths[i]);
        out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
}

void write(const Node& node, std::size_t depth, std::string& out) {
    const std::string indent(2 * depth, ' ');
    if (node.is_leaf()) {
        out += indent + printable(node.text) + "\n";
        return;
    }
    for (const auto& [name, item] : node.items) {
        if (name.empty()) {
            write(item, depth, out);
            if (!item.is_leaf() && depth == 0 && &item != &node.items.back().value) out += "\n";
        } else if (item.is_leaf()) {
            out += fmt::format("{}{}: {}\n", indent, printable(name), printable(item.text));
        } else {
            out += fmt::format("{}{}:\n", indent, printable(name));
            write(item, depth + 1, out);
        }
    }
}

}  // namespace

const Node* Node::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(items, [&](const auto& i) { return i.name == name; });
    return found != items.end() ? &found->value : nullptr;
}

std::string_view Node::get(std::string_view name) const noexcept {
    const Node* const found = find(name);
    return found != nullptr ? std::string_view(found->text) : std::string_view();
}

long long Node::number(std::string_view name) const noexcept {
    const std::string_view digits = get(name);
    long long value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::optional<Node> parse(std::string_view json) {
    Builder builder;
    if (!nlohmann::json::sax_parse(json, &builder)) return std::nullopt;
    return std::move(builder.root);
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
    return out;
}

std::string show(const Node& node) {
    if (node.kind == Node::Kind::list)
        if (const auto names = columns(node)) return table(node, *names);
    std::string out;
    write(node, 0, out);
    return out;
}

}  // namespace fairlead::ctl
