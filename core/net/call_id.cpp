// Finding the Call-ID of a datagram without parsing it.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/call_id.h"

#include "core/base/text.h"

namespace fairlead::net {
namespace {

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// Behind the colon of "Call-ID :" or "i:", or npos when the line is another header.
std::size_t behind_name(std::string_view line) noexcept {
    std::size_t at = 0;
    if (text::ci_starts_with(line, "call-id"))
        at = 7;
    else if (line.front() == 'i' || line.front() == 'I')
        at = 1;
    else
        return std::string_view::npos;
    while (at < line.size() && is_blank(line[at])) ++at;
    return at < line.size() && line[at] == ':' ? at + 1 : std::string_view::npos;
}

/// The first word of a header value, which may begin on a continuation line (RFC 3261 7.3.1).
std::string_view first_word(std::string_view value) noexcept {
    std::size_t at = 0;
    while (at < value.size() && text::is_space(value[at])) {
        const bool ends_line = value[at] == '\n';
        ++at;
        if (ends_line && (at == value.size() || !is_blank(value[at]))) return {};
    }
    std::size_t end = at;
    while (end < value.size() && static_cast<std::uint8_t>(value[end]) > ' ') ++end;
    return value.substr(at, end - at);
}

}  // namespace

std::string_view find_call_id(std::string_view message) noexcept {
    while (!message.empty() && (message.front() == '\r' || message.front() == '\n'))
        message.remove_prefix(1);
    for (auto end = message.find('\n'); end != std::string_view::npos; end = message.find('\n')) {
        message.remove_prefix(end + 1);
        if (message.empty() || message.front() == '\r' || message.front() == '\n') return {};
        const auto value = behind_name(message);
        if (value != std::string_view::npos) return first_word(message.substr(value));
    }
    return {};
}

}  // namespace fairlead::net
