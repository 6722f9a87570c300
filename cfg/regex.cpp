// Regular expressions of scripts.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/regex.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::cfg {

namespace {

RE2::Options options_for(Letters letters) {
    RE2::Options options(RE2::Latin1);  // bytes, as the messages are
    options.set_posix_syntax(true);
    options.set_perl_classes(true);
    options.set_word_boundary(true);
    options.set_one_line(true);
    options.set_dot_nl(true);
    options.set_log_errors(false);
    options.set_case_sensitive(letters == Letters::as_written);
    options.set_max_mem(1 << 20);
    return options;
}

re2::StringPiece piece(std::string_view s) noexcept {
    return {s.data(), s.size()};
}

}  // namespace

CompiledRegex::CompiledRegex(std::string_view pattern, Letters letters)
    : regex_(piece(pattern), options_for(letters)) {}

bool CompiledRegex::matches(std::string_view text) const noexcept {
    return regex_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool CompiledRegex::search(std::string_view text, std::size_t start,
                           std::span<std::string_view> groups) const noexcept {
    constexpr std::size_t kMostGroups = 16;
    std::array<re2::StringPiece, kMostGroups> found;
    const std::size_t wanted = std::min(groups.size(), kMostGroups);
    if (start > text.size() ||
        !regex_.Match(
            piece(text), start, text.size(), RE2::UNANCHORED, found.data(),
            static_cast<int>(std::min<std::size_t>(
                wanted, static_cast<std::size_t>(regex_.NumberOfCapturingGroups()) + 1)))) {
        return false;
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const bool took_part = i < wanted && found[i].data() != nullptr;
        groups[i] =
            took_part ? std::string_view(found[i].data(), found[i].size()) : std::string_view();
    }
    return true;
}

const CompiledRegex* RegexCache::find(std::string_view pattern, std::string& problem) {
    if (const auto known = made_.find(pattern); known != made_.end()) return known->second.get();
    auto made = std::make_unique<CompiledRegex>(pattern, Letters::any_case);
    if (!made->ok()) {
        problem = made->problem();
        return nullptr;
    }
    if (order_.size() >= kMost) {
        made_.erase(order_.front());
        order_.pop_front();
    }
    order_.emplace_back(pattern);
    return made_.emplace(std::string(pattern), std::move(made)).first->second.get();
}

}  // namespace fairlead::cfg
