// Bodies of several parts (RFC 2046 5.1).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/api/message.h"

namespace fairlead::textops {

/// The value of a Content-Type without its parameters.
[[nodiscard]] std::string_view media_type(std::string_view content_type) noexcept;
/// Its boundary, without quotes; "" when there is none.
[[nodiscard]] std::string_view boundary_of(std::string_view content_type) noexcept;

/// One part; views into the body.
struct Part {
    std::string_view whole;           ///< headers, empty line and content; no CRLF at its end
    std::string_view content;         ///< behind the empty line
    std::string_view type;            ///< media_type() of its Content-Type; "" when it has none
    std::string_view behind_type;     ///< from behind its Content-Type line to the next delimiter
    std::string_view with_delimiter;  ///< from its headers to behind the next delimiter line
};

/// Walks the parts of a body. What stands before the first delimiter and behind the last is passed
/// over; so is a last part without a delimiter behind it.
class Parts {
public:
    Parts(std::string_view body, std::string_view boundary) noexcept;
    [[nodiscard]] std::optional<Part> next() noexcept;

private:
    struct Delimiter {
        std::size_t begin = 0, end = 0;  ///< from its "--" to behind its line
        bool is_last = false;
    };
    [[nodiscard]] std::optional<Delimiter> delimiter(std::size_t from) const noexcept;

    std::string_view body_, boundary_;
    std::size_t at_ = std::string_view::npos;  ///< where the next part begins
};

}  // namespace fairlead::textops
