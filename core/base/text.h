// Small helpers on string_view: trimming, ASCII case, strict numbers. No locale, no allocation.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead::text {

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Without leading and trailing SP, HT, CR and LF.
[[nodiscard]] std::string_view trim(std::string_view s) noexcept;

/// Equal when ASCII letters are compared without case.
[[nodiscard]] bool ci_equal(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool ci_starts_with(std::string_view s, std::string_view prefix) noexcept;

/// Position of `needle` without regard to ASCII case, or npos.
[[nodiscard]] std::size_t ci_find(std::string_view haystack, std::string_view needle) noexcept;

/// Strict unsigned decimal: one or more digits and nothing else, at most `max`; else nullopt.
[[nodiscard]] std::optional<std::uint64_t> parse_uint(std::string_view s,
                                                      std::uint64_t max) noexcept;

/// Signed integer as Kamailio's scripts write it: optional sign, then decimal, 0x hexadecimal or 0
/// octal digits, and nothing else; nullopt when it is not one or does not fit 64 bits.
[[nodiscard]] std::optional<std::int64_t> parse_int(std::string_view s) noexcept;

/// Edit distance, for "did you mean"; stops counting above `limit` and returns limit + 1.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b,
                                        std::size_t limit) noexcept;

}  // namespace fairlead::text
