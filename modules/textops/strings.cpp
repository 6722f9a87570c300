// textops: comparing texts.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

template <class Wanted>
Verdict any_of_list(std::string_view list, std::string_view separator, Wanted wanted) {
    if (separator.size() != 1) {
        LOG(error, "the separator of a list is one character, not \"{}\"", separator);
        return Verdict::no;
    }
    while (!list.empty()) {
        const std::size_t end = list.find(separator.front());
        const std::string_view item = text::trim(list.substr(0, end));
        if (!item.empty() && wanted(item)) return Verdict::yes;
        if (end == std::string_view::npos) break;
        list.remove_prefix(end + 1);
    }
    return Verdict::no;
}

/// Scripts read from $rc where it was found: 1 is the beginning.
Verdict place(std::size_t found) noexcept {
    return found == std::string_view::npos ? Verdict::no : Verdict(static_cast<int>(found) + 1);
}

}  // namespace

Verdict Textops::search_str(Message&, std::string_view text, const Regex& pattern) {
    const Regex* const found = by_line(pattern);
    return Verdict::of(found != nullptr && found->matches(text));
}

Verdict Textops::cmp_str(Message&, std::string_view a, std::string_view b) {
    return Verdict::of(a == b);
}

Verdict Textops::cmp_istr(Message&, std::string_view a, std::string_view b) {
    return Verdict::of(text::ci_equal(a, b));
}

Verdict Textops::starts_with(Message&, std::string_view text, std::string_view prefix) {
    return Verdict::of(text.starts_with(prefix));
}

Verdict Textops::ends_with(Message&, std::string_view text, std::string_view suffix) {
    return Verdict::of(text.ends_with(suffix));
}

Verdict Textops::str_find(Message&, std::string_view text, std::string_view part) {
    return place(text.find(part));
}

Verdict Textops::str_ifind(Message&, std::string_view text, std::string_view part) {
    return place(text::ci_find(text, part));
}

Verdict Textops::in_list(Message&, std::string_view item, std::string_view list,
                         std::string_view separator) {
    return any_of_list(list, separator, [&](std::string_view x) { return x == item; });
}

Verdict Textops::in_list_prefix(Message&, std::string_view item, std::string_view list,
                                std::string_view separator) {
    return any_of_list(list, separator, [&](std::string_view x) { return item.starts_with(x); });
}

}  // namespace fairlead::textops
