// Regular expressions over messages: where "^" and "$" stand at each line and the longest match
// counts, as POSIX has it with REG_NEWLINE. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <re2/re2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::textops {

/// How a pattern is meant.
struct Meaning {
    bool any_case = true;
    bool by_line = true;  ///< "." and "[^…]" stop at a line's end, "^" and "$" stand at each line
};

/// One compiled pattern.
class Pattern {
public:
    static constexpr std::size_t kMostGroups = 10;  ///< the match and \1 … \9

    Pattern(std::string_view text, Meaning meaning);
    [[nodiscard]] bool ok() const noexcept { return regex_.ok(); }
    [[nodiscard]] const std::string& problem() const noexcept { return regex_.error(); }

    /// The first match at or behind `from`: fills `groups`, with data() == nullptr for those that
    /// took no part. False without a match.
    [[nodiscard]] bool search(std::string_view text, std::size_t from,
                              std::span<std::string_view> groups) const noexcept;
    [[nodiscard]] bool matches(std::string_view text) const noexcept;

private:
    RE2 regex_;
};

/// Compiled patterns of this process. When full, the oldest goes.
class Patterns {
public:
    static constexpr std::size_t kMost = 256;

    /// Null when the pattern is wrong (logged); valid until kMost others were made.
    [[nodiscard]] const Pattern* find(std::string_view text, Meaning meaning);

private:
    struct Made {
        std::map<std::string, std::unique_ptr<Pattern>, std::less<>> by_text;
        std::deque<std::string> order;
    };
    std::array<Made, 4> made_;  ///< one for each meaning
};

}  // namespace fairlead::textops
