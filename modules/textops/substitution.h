// The expression of the subst functions, "/pattern/replacement/flags" as in sed.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

#include "core/api/regex.h"
#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::textops {

/// Parsed, with its variables filled in. Views into the parts and the arena it was made from.
class Substitution {
public:
    static constexpr std::size_t kMostPieces = 64;

    /// Variables may stand in the replacement only; what they hold is taken as it is. The error is
    /// static text.
    [[nodiscard]] static std::expected<Substitution, std::string_view> parse(
        Arena& arena, std::span<const LazyText::Part> parts);
    /// For the checker: an expression without variables.
    [[nodiscard]] static Result<void> check(std::string_view constant);

    [[nodiscard]] std::string_view pattern() const noexcept { return pattern_; }
    [[nodiscard]] Regex::Options options() const noexcept { return options_; }
    [[nodiscard]] bool everywhere() const noexcept { return everywhere_; }  ///< flag g
    /// What a match is replaced with; `groups` as Regex::search filled them.
    [[nodiscard]] std::string_view replacement(Arena& arena,
                                               std::span<const std::string_view> groups) const;

private:
    /// A text, or what a group matched.
    struct Piece {
        std::string_view text;
        int group = -1;
    };
    class Reader;

    std::string_view pattern_;
    Regex::Options options_{.by_line = true, .longest = true};
    bool everywhere_ = false;
    std::array<Piece, kMostPieces> pieces_;
    std::size_t count_ = 0;
};

}  // namespace fairlead::textops
