// textops: replacing by pattern, by text and by sed-like expression.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/uri_edit.h"
#include "modules/textops/substitution.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

using Groups = std::array<std::string_view, kMostGroups>;

/// Calls `found(groups)` for the first match in `where`, or for all. True when one was replaced;
/// false (logged) also when finding all of them is too much work.
template <class Found>
bool each_match(std::string_view where, const Regex& pattern, bool all, Found found) {
    bool any = false;
    Groups groups;
    RegexScan scan(pattern, where);
    while (scan.next(groups)) {
        any = found(groups) || any;
        if (!all) break;
    }
    if (scan.gave_up()) {
        LOG(error, "\"{}\" is too much work for {} bytes", pattern.pattern(), where.size());
        return false;
    }
    return any;
}

/// The expression and its pattern, ready for use.
struct Ready {
    Substitution substitution;
    const Regex* pattern;
};
std::optional<Ready> make_ready(Message& m, const LazyText& expression, RegexCache& patterns) {
    constexpr std::size_t kMostParts = Substitution::kMostPieces;
    std::array<LazyText::Part, kMostParts> parts;
    std::size_t count = 0;
    for (; count < kMostParts; ++count) {
        const auto part = expression.part(m, count);
        if (!part) break;
        parts[count] = *part;
    }
    const auto made = Substitution::parse(m.arena, std::span(parts).first(count));
    if (!made) {
        LOG(error, "\"{}\" is no substitution: {}", expression.text(m), made.error());
        return std::nullopt;
    }
    const Regex* const pattern = patterns.find(made->pattern(), made->options());
    return pattern != nullptr ? std::optional<Ready>({*made, pattern}) : std::nullopt;
}

/// The substitutions in a part of the received message, as edits.
bool substitute_part(Message& m, std::string_view where, const Ready& ready) {
    return each_match(
        where, *ready.pattern, ready.substitution.everywhere(), [&](const Groups& groups) {
            return replace_bytes(m, groups[0], ready.substitution.replacement(m.arena, groups));
        });
}

/// The substitutions in a text of its own; nullopt when nothing matched.
std::optional<std::string_view> substitute_text(Message& m, std::string_view text,
                                                const Ready& ready) {
    std::vector<std::string_view> pieces;
    std::size_t done = 0;
    const auto each = [&](const Groups& groups) {
        const auto at = static_cast<std::size_t>(groups[0].data() - text.data());
        pieces.push_back(text.substr(done, at - done));
        pieces.push_back(ready.substitution.replacement(m.arena, groups));
        done = at + groups[0].size();
        return true;
    };
    if (!each_match(text, *ready.pattern, ready.substitution.everywhere(), each)) {
        return std::nullopt;
    }
    pieces.push_back(text.substr(done));
    return join(m.arena, pieces);
}

Verdict replace_text(Message& m, std::string_view where, std::string_view wanted,
                     std::string_view text, std::string_view mode) {
    if (wanted.empty() || (mode != "a" && mode != "f")) {
        LOG(error, "what is replaced must not be empty, and the mode is \"a\" or \"f\"");
        return Verdict::no;
    }
    bool any = false;
    for (std::size_t at = where.find(wanted); at != std::string_view::npos;
         at = where.find(wanted, at + wanted.size())) {
        any = replace_bytes(m, where.substr(at, wanted.size()), text) || any;
        if (mode == "f") break;
    }
    return Verdict::of(any);
}

}  // namespace

// ---- By pattern ---------------------------------------------------------------------------------

Verdict Textops::replace_in(Message& m, std::string_view where, std::string_view pattern,
                            std::string_view text, Replace how) {
    const Regex* const found =
        patterns_.find(pattern, {.any_case = true, .by_line = how.by_line, .longest = true});
    if (found == nullptr) return Verdict::no;
    return Verdict::of(each_match(where, *found, how.all, [&](const Groups& groups) {
        return replace_bytes(m, groups[0], text);
    }));
}

Verdict Textops::replace(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, behind_start_line(m), pattern.pattern(), text, {});
}
Verdict Textops::replace_all(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, behind_start_line(m), pattern.pattern(), text, {.all = true});
}
Verdict Textops::replace_hdrs(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, header_part(m), pattern.pattern(), text, {});
}
Verdict Textops::replace_body(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, m.sip.body(), pattern.pattern(), text, {});
}
Verdict Textops::replace_body_all(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, m.sip.body(), pattern.pattern(), text, {.all = true});
}
Verdict Textops::replace_body_atonce(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, m.sip.body(), pattern.pattern(), text, {.all = true, .by_line = false});
}

// ---- By text ------------------------------------------------------------------------------------

Verdict Textops::replace_str(Message& m, std::string_view wanted, std::string_view text,
                             std::string_view mode) {
    return replace_text(m, behind_start_line(m), wanted, text, mode);
}
Verdict Textops::replace_hdrs_str(Message& m, std::string_view wanted, std::string_view text,
                                  std::string_view mode) {
    return replace_text(m, header_part(m), wanted, text, mode);
}
Verdict Textops::replace_body_str(Message& m, std::string_view wanted, std::string_view text,
                                  std::string_view mode) {
    return replace_text(m, m.sip.body(), wanted, text, mode);
}

// ---- By expression ------------------------------------------------------------------------------

Verdict Textops::subst(Message& m, const LazyText& expression) {
    const auto ready = make_ready(m, expression, patterns_);
    return Verdict::of(ready && substitute_part(m, behind_start_line(m), *ready));
}
Verdict Textops::subst_body(Message& m, const LazyText& expression) {
    const auto ready = make_ready(m, expression, patterns_);
    return Verdict::of(ready && substitute_part(m, m.sip.body(), *ready));
}

Verdict Textops::subst_hf(Message& m, std::string_view name, const LazyText& expression,
                          std::string_view which) {
    const auto ready = make_ready(m, expression, patterns_);
    const char mode = which.empty() ? 'a' : which.front();
    if (!ready) return Verdict::no;
    if (mode == 'l') {
        const sip::Header* const last = last_header(m, name);
        return Verdict::of(last != nullptr && substitute_part(m, m.sip.value(*last), *ready));
    }
    bool any = false;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(name, n); ++n) {
        any = (!m.edits.is_removed(*h) && substitute_part(m, m.sip.value(*h), *ready)) || any;
        if (mode == 'f') break;
    }
    return Verdict::of(any);
}

Verdict Textops::subst_uri(Message& m, const LazyText& expression) {
    const auto ready = make_ready(m, expression, patterns_);
    const auto made = ready ? substitute_text(m, m.uri(), *ready) : std::nullopt;
    if (!made) return Verdict::no;
    m.target.uri = *made;
    return Verdict::yes;
}

Verdict Textops::subst_user(Message& m, const LazyText& expression) {
    const auto uri = sip::parse_uri(m.uri());
    if (!uri) return Verdict::no;
    const auto ready = make_ready(m, expression, patterns_);
    const auto made = ready ? substitute_text(m, uri->user, *ready) : std::nullopt;
    if (!made) return Verdict::no;
    m.target.uri = uri_edit::with_user(m.arena, *uri, *made);
    return Verdict::yes;
}

Verdict Textops::regex_substring(Message& m, std::string_view text, std::string_view pattern,
                                 int index, int count, const VariableRef& variable) {
    const Regex* const found = patterns_.find(pattern, {.longest = true});
    if (found == nullptr) return Verdict::no;
    if (index < 0 || index > count || index >= static_cast<int>(kMostGroups)) {
        LOG(error, "there is no match {} of {}", index, count);
        return Verdict::no;
    }
    Groups groups;
    if (!found->search(text, 0, groups)) return Verdict::no;
    const std::string_view group = groups[static_cast<std::size_t>(index)];
    return Verdict::of(group.data() != nullptr && variable.set(m, Value(group)));
}

}  // namespace fairlead::textops
