// How names and values are compared with a pattern: equal, unequal, beginning, regular expression.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "modules/htable/table.h"

namespace fairlead::htable {

class Matcher {
public:
    /// By the operators of functions: "eq", "ne", "sw", "re". `may_compare`: eq and ne too.
    [[nodiscard]] static Result<Matcher> from(std::string_view op, std::string_view value,
                                              bool may_compare);
    /// By the forms of $shtcn and $shtcv: "==text", "eqNUMBER" (values), "~~regex", "regex".
    [[nodiscard]] static Result<Matcher> counting(std::string_view pattern, bool values);

    [[nodiscard]] bool fits(std::string_view text) const;
    /// Integers only fit a number, texts all else.
    [[nodiscard]] bool fits_value(const Copied& item) const;

private:
    enum class How : std::uint8_t { equal, unequal, begins, regex, number };
    Matcher() = default;
    Result<void> compile();

    How how_ = How::regex;
    std::string value_;
    std::int64_t number_ = 0;
    std::unique_ptr<RE2> regex_;
};

}  // namespace fairlead::htable
