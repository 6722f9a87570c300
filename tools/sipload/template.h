// A message text with fields in braces, cut once and filled many times.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace fairlead::sipload {

/// What may stand in braces: {id} {sent_by} {uri} {to_tag} {route}.
enum class Field : std::uint8_t { id, sent_by, uri, to_tag, route };
inline constexpr std::size_t kFields = 5;
using Values = std::array<std::string_view, kFields>;

class Template {
public:
    /// Fails on a field that is not known. Line ends must be CRLF already.
    [[nodiscard]] static Result<Template> cut(std::string text);
    /// Writes the text with its fields; returns the length, or 0 when it does not fit.
    [[nodiscard]] std::size_t fill(std::span<char> out, const Values& values) const noexcept;

private:
    struct Piece {
        std::size_t begin, size;  ///< literal text in front of the field
        int field;                ///< -1 behind the last one
    };
    std::string text_;
    std::vector<Piece> pieces_;
};

}  // namespace fairlead::sipload
