// How names and values are compared with a pattern: equal, unequal, beginning, regular expression.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/regex.h"
#include "core/module.h"
#include "modules/htable/table.h"

namespace fairlead::htable {

class Matcher {
public:
    /// By the operators of functions: "eq", "ne", "sw", "re". `may_compare`: eq and ne too.
    [[nodiscard]] static Result<Matcher> from(RegexCache& cache, std::string_view op,
                                              std::string_view value, bool may_compare);
    /// By the forms of $shtcn and $shtcv: "==text", "eqNUMBER" (values), "~~regex", "regex".
    [[nodiscard]] static Result<Matcher> counting(RegexCache& cache, std::string_view pattern,
                                                  bool values);

    [[nodiscard]] bool fits(std::string_view text) const;
    /// Integers only fit a number, texts all else.
    [[nodiscard]] bool fits_value(const Copied& item) const;

private:
    enum class How : std::uint8_t { equal, unequal, begins, regex, number };
    Matcher() = default;
    Result<void> compile(RegexCache& cache);

    How how_ = How::regex;
    std::string value_;
    std::int64_t number_ = 0;
    const Regex* regex_ = nullptr;
};

}  // namespace fairlead::htable
