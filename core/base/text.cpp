// Small helpers on string_view: trimming, ASCII case, strict numbers.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace fairlead::text {

std::string_view trim(std::string_view s) noexcept {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

bool ci_equal(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && ci_starts_with(a, b);
}

bool ci_starts_with(std::string_view s, std::string_view prefix) noexcept {
    if (s.size() < prefix.size()) return false;
    return std::equal(prefix.begin(), prefix.end(), s.begin(),
                      [](char x, char y) { return x == y || to_lower(x) == to_lower(y); });
}

std::size_t ci_find(std::string_view haystack, std::string_view needle) noexcept {
    auto at = std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end(),
                          [](char x, char y) { return to_lower(x) == to_lower(y); });
    if (at == haystack.end() && !needle.empty()) return std::string_view::npos;
    return static_cast<std::size_t>(at - haystack.begin());
}

std::optional<std::uint64_t> parse_uint(std::string_view s, std::uint64_t max) noexcept {
    if (s.empty()) return std::nullopt;
    constexpr std::size_t kAlwaysFits = std::numeric_limits<std::uint64_t>::digits10;
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (!is_digit(s[i])) return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(s[i] - '0');
        // Zeros in front make any length possible.
        if (i >= kAlwaysFits && value > (kMost - digit) / 10) return std::nullopt;
        value = value * 10 + digit;
    }
    if (value > max) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_int(std::string_view s) noexcept {
    bool negative = false;
    if (!s.empty() && (s.front() == '-' || s.front() == '+')) {
        negative = s.front() == '-';
        s.remove_prefix(1);
    }
    int base = 10;
    if (s.size() > 2 && s[0] == '0' && to_lower(s[1]) == 'x') {
        base = 16;
        s.remove_prefix(2);
    } else if (s.size() > 1 && s[0] == '0') {
        base = 8;
        s.remove_prefix(1);
    }
    std::uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), magnitude, base);
    if (s.empty() || error != std::errc{} || end != s.data() + s.size()) return std::nullopt;
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
    return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) noexcept {
    constexpr std::size_t kLongest = 64;
    if (a.size() > kLongest || b.size() > kLongest) return limit + 1;
    std::array<std::size_t, kLongest + 1> row{};
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace =
                diagonal + (to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
        }
    }
    return std::min(row[b.size()], limit + 1);
}

}  // namespace fairlead::text
