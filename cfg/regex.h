// Regular expressions of scripts: RE2 with the syntax of POSIX extended expressions.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <re2/re2.h>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/module.h"

namespace fairlead::cfg {

enum class Letters : std::uint8_t { as_written, any_case };

/// Unanchored; `.` matches every byte, ^ and $ the ends of the text. \d, \w, \s, \b work as in the
/// GNU library; back references do not exist. Matching allocates nothing once it is warm.
class CompiledRegex final : public Regex {
public:
    CompiledRegex(std::string_view pattern, Letters letters);

    [[nodiscard]] bool ok() const noexcept { return regex_.ok(); }
    [[nodiscard]] const std::string& problem() const noexcept { return regex_.error(); }

    [[nodiscard]] bool matches(std::string_view text) const noexcept override;
    [[nodiscard]] std::string_view pattern() const noexcept override { return regex_.pattern(); }
    [[nodiscard]] bool search(std::string_view text, std::size_t start,
                              std::span<std::string_view> groups) const noexcept override;

private:
    RE2 regex_;
};

/// Expressions that scripts make at run time; per process. When full, the oldest goes.
class RegexCache {
public:
    static constexpr std::size_t kMost = 128;

    /// Null when the pattern is wrong (`problem` says why); valid until kMost others were made.
    [[nodiscard]] const CompiledRegex* find(std::string_view pattern, std::string& problem);

private:
    std::map<std::string, std::unique_ptr<CompiledRegex>, std::less<>> made_;
    std::deque<std::string> order_;
};

}  // namespace fairlead::cfg
