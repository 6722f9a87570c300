// Values of CPL attributes and of the headers they are compared with: Unicode without case,
// languages, telephone numbers, mailto URLs. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::cpl {

/// NFKC and case folding (RFC 3880 4.2); text that is not UTF-8 has its wrong bytes replaced.
[[nodiscard]] std::string fold(std::string_view text);

/// A language tag by its syntax (BCP 47).
[[nodiscard]] bool is_language_tag(std::string_view tag) noexcept;
/// True when a range of an Accept-Language value takes the tag (RFC 3880 4.3). "*" and ranges with
/// q=0 take nothing; malformed ranges are passed over.
[[nodiscard]] bool accepts_language(std::string_view accept_language, std::string_view tag);

/// A number without visual separators and leading '+', its letters in lower case; nullopt when
/// something else than digits, A to D, '*' and '#' is left, or nothing.
[[nodiscard]] std::optional<std::string> telephone(std::string_view number);

/// With %XX turned into bytes; wrong escapes are left as they are.
[[nodiscard]] std::string unescape(std::string_view text);

struct Mail {
    std::string address, subject, body;
};
/// A mailto URL (RFC 6068), or why it is none. Headers besides subject and body are ignored.
[[nodiscard]] std::expected<Mail, std::string> parse_mailto(std::string_view url);

/// True when there is a byte below space besides tab, or DEL.
[[nodiscard]] bool has_controls(std::string_view text) noexcept;
/// With line breaks and other controls turned into spaces: what goes into a reply's first line.
[[nodiscard]] std::string without_controls(std::string_view text);
/// A header value with its folded lines joined by single spaces (RFC 3261 7.3.1), trimmed.
[[nodiscard]] std::string unfold(std::string_view value);

}  // namespace fairlead::cpl
