// tw_append: what t_write_fifo and t_write_unix add.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/append_lists.h"

#include <algorithm>

#include "core/api/text.h"

namespace fairlead::tm {
namespace {

/// The end of the element at the beginning: a semicolon outside of brackets, or the end.
std::size_t element_end(std::string_view s) noexcept {
    int depth = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '(' || s[i] == '[') ++depth;
        if (s[i] == ')' || s[i] == ']') --depth;
        if (s[i] == ';' && depth <= 0) return i;
    }
    return s.size();
}

/// What stands in the brackets of "kind[…]"; nullopt when it has another form.
std::optional<std::string_view> inside(std::string_view s, std::string_view kind) noexcept {
    if (!s.starts_with(kind) || !s.ends_with(']')) return std::nullopt;
    s.remove_prefix(kind.size());
    if (!s.starts_with('[')) return std::nullopt;
    return s.substr(1, s.size() - 2);
}

Result<void> add_element(AppendList& list, std::string_view text, ParamVariables& variables) {
    std::string_view title, source = text;
    const std::size_t equals = text.find('=');
    if (equals < text.find_first_of("([")) {
        title = text::trim(text.substr(0, equals));
        source = text::trim(text.substr(equals + 1));
        if (title.empty()) return fail("an element of tw_append has an empty name");
    }
    if (source == "$rb" || inside(source, "msg") == "body") {
        list.with_body = true;
        return {};
    }
    std::string variable(source);
    if (const auto avp = inside(source, "avp")) variable = "$avp(" + std::string(*avp) + ")";
    if (const auto field = inside(source, "hdr")) variable = "$hdr(" + std::string(*field) + ")";
    if (!variable.starts_with('$'))
        return fail("\"" + std::string(source) +
                    "\" in tw_append is no $variable, avp[…], hdr[…] or msg[body]");
    const Result<const VariableRef*> found = variables.variable(variable);
    if (!found) return std::unexpected(found.error());
    if (title.empty()) title = std::string_view(variable).substr(1);
    list.lines.push_back({std::string(title), *found});
    return {};
}

}  // namespace

Result<void> AppendLists::add(std::string_view text, ParamVariables& variables) {
    const std::size_t colon = text.find(':');
    AppendList list{.name = std::string(text::trim(text.substr(0, colon))), .lines = {}};
    if (colon == std::string_view::npos || list.name.empty())
        return fail("tw_append is \"name: element; element\"");
    if (find(list.name) != nullptr) return fail("tw_append has two lists named " + list.name);
    text.remove_prefix(colon + 1);
    while (true) {
        const std::size_t end = element_end(text);
        const std::string_view element = text::trim(text.substr(0, end));
        if (!element.empty())
            if (const auto added = add_element(list, element, variables); !added) return added;
        if (end == text.size()) break;
        text.remove_prefix(end + 1);
    }
    if (list.lines.empty() && !list.with_body)
        return fail("the list " + list.name + " of tw_append is empty");
    lists_.push_back(std::move(list));
    return {};
}

const AppendList* AppendLists::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(lists_, name, &AppendList::name);
    return found != lists_.end() ? &*found : nullptr;
}

}  // namespace fairlead::tm
