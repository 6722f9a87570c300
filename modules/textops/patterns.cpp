// Regular expressions over messages, on RE2.
// SPDX-License-Identifier: Apache-2.0
#include "modules/textops/patterns.h"

#include <algorithm>

#include "core/api/log.h"

namespace fairlead::textops {

namespace {

RE2::Options options_for(Meaning meaning) {
    RE2::Options options(RE2::Latin1);  // bytes, as the messages are
    options.set_posix_syntax(true);
    options.set_longest_match(true);
    options.set_perl_classes(true);
    options.set_word_boundary(true);
    options.set_one_line(!meaning.by_line);
    options.set_dot_nl(!meaning.by_line);
    options.set_case_sensitive(!meaning.any_case);
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    return options;
}

/// The end of a bracket expression that begins at `at`: behind its ']', or the text's end.
std::size_t bracket_end(std::string_view text, std::size_t at) noexcept {
    ++at;
    if (at < text.size() && text[at] == '^') ++at;
    if (at < text.size() && text[at] == ']') ++at;
    while (at < text.size() && text[at] != ']') {
        if (text[at] == '\\') {
            at += 2;
        } else if (text.substr(at).starts_with("[:")) {
            const std::size_t end = text.find(":]", at + 2);
            if (end == std::string_view::npos) return text.size();
            at = end + 2;
        } else {
            ++at;
        }
    }
    return std::min(at + 1, text.size());
}

/// RE2 lets "[^a]" match a line's end; with REG_NEWLINE it must not.
std::string by_line(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\\') {
            out += text.substr(at, 2);
            at += 2;
            continue;
        }
        if (text[at] != '[') {
            out += text[at++];
            continue;
        }
        const std::size_t end = bracket_end(text, at);
        const std::string_view bracket = text.substr(at, end - at);
        out += bracket;
        if (bracket.starts_with("[^") && bracket.ends_with(']') && bracket.size() > 3) {
            out.insert(out.size() - 1, "\n");
        }
        at = end;
    }
    return out;
}

re2::StringPiece piece(std::string_view s) noexcept {
    return {s.data(), s.size()};
}

}  // namespace

Pattern::Pattern(std::string_view text, Meaning meaning)
    : regex_(meaning.by_line ? by_line(text) : std::string(text), options_for(meaning)) {}

bool Pattern::search(std::string_view text, std::size_t from,
                     std::span<std::string_view> groups) const noexcept {
    std::array<re2::StringPiece, kMostGroups> found;
    const std::size_t there = static_cast<std::size_t>(regex_.NumberOfCapturingGroups()) + 1;
    const std::size_t wanted = std::min({groups.size(), kMostGroups, there});
    if (from > text.size() || !regex_.Match(piece(text), from, text.size(), RE2::UNANCHORED,
                                            found.data(), static_cast<int>(wanted))) {
        return false;
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const bool took_part = i < wanted && found[i].data() != nullptr;
        groups[i] =
            took_part ? std::string_view(found[i].data(), found[i].size()) : std::string_view();
    }
    return true;
}

bool Pattern::matches(std::string_view text) const noexcept {
    return regex_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

const Pattern* Patterns::find(std::string_view text, Meaning meaning) {
    Made& made = made_[(meaning.any_case ? 1U : 0U) + (meaning.by_line ? 2U : 0U)];
    if (const auto known = made.by_text.find(text); known != made.by_text.end()) {
        return known->second.get();
    }
    auto pattern = std::make_unique<Pattern>(text, meaning);
    if (!pattern->ok()) {
        LOG(error, "\"{}\" is no regular expression: {}", text, pattern->problem());
        return nullptr;
    }
    if (made.order.size() >= kMost) {
        made.by_text.erase(made.order.front());
        made.order.pop_front();
    }
    made.order.emplace_back(text);
    return made.by_text.emplace(std::string(text), std::move(pattern)).first->second.get();
}

}  // namespace fairlead::textops
