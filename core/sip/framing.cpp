// Where a message on a stream ends. SPDX-License-Identifier: Apache-2.0
#include "core/sip/framing.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/sip/chars.h"
#include "core/sip/headers.h"

namespace fairlead::sip {
namespace {

using Found = StreamFramer::Found;
using What = StreamFramer::What;

constexpr std::string_view kLineEnd = "\r\n", kEmptyLine = "\r\n\r\n";
/// A start line has method, URI and version at most.
constexpr std::size_t kMaxStartLine = kMaxMethod + kMaxUri + 64;

Found broken(std::string_view why) noexcept {
    return {What::broken, 0, why};
}

/// Requests end with "SIP/x.y", replies begin so; whether the version is ours the parser says.
bool looks_like_sip(std::string_view line) noexcept {
    if (text::ci_starts_with(line, "SIP/")) return true;
    const auto space = line.rfind(' ');
    return space != std::string_view::npos && text::ci_starts_with(line.substr(space + 1), "SIP/");
}

/// Behind the CRLF that ends the header field at the front of `rest`; 0 when a control character
/// stands in it, which others may take for the end of a line.
std::size_t field_end(std::string_view rest) noexcept {
    const char* const end = rest.data() + rest.size();
    for (const char* p = find_control(rest.data(), end); p != end; p = find_control(p, end)) {
        if (*p == '\t') {
            ++p;
            continue;
        }
        if (!std::string_view(p, end).starts_with(kLineEnd)) return 0;
        p += kLineEnd.size();
        const bool folded = p != end && (*p == ' ' || *p == '\t');
        if (!folded) return static_cast<std::size_t>(p - rest.data());
    }
    return 0;
}

}  // namespace

Found StreamFramer::next(std::string_view bytes) noexcept {
    if (bytes.empty()) return {};
    if (needed_ == 0) {
        if (!is_sip_ && (bytes[0] == '\r' || bytes[0] == '\n')) return between(bytes);
        const Found found = find_headers(bytes);
        if (found.what == What::broken || needed_ == 0) return found;
    }
    if (bytes.size() < needed_) return {};
    const Found whole{What::message, needed_, {}};
    searched_ = needed_ = 0;
    is_sip_ = false;
    return whole;
}

Found StreamFramer::between(std::string_view bytes) const noexcept {
    const std::string_view begin = bytes.substr(0, kEmptyLine.size());
    if (begin == kEmptyLine) return {What::ping, kEmptyLine.size(), {}};
    if (kEmptyLine.starts_with(begin)) return {};
    if (begin.starts_with(kLineEnd)) return {What::line_ends, kLineEnd.size(), {}};
    return broken("a bare CR or LF");
}

Found StreamFramer::find_headers(std::string_view bytes) noexcept {
    if (!is_sip_) {
        const auto line_end = bytes.substr(0, kMaxStartLine).find(kLineEnd);
        if (line_end == std::string_view::npos)
            return bytes.size() < kMaxStartLine ? Found{} : broken("no start line");
        if (!looks_like_sip(bytes.substr(0, line_end))) return broken("not SIP");
        is_sip_ = true;
    }
    // The empty line may have begun in bytes that were searched before.
    const std::size_t from = searched_ - std::min(searched_, kEmptyLine.size() - 1);
    const auto at = bytes.find(kEmptyLine, from);
    if (at == std::string_view::npos) {
        searched_ = bytes.size();
        return searched_ < largest_ ? Found{} : broken("no end of the headers");
    }
    const std::size_t head = at + kEmptyLine.size();
    const Length length = content_length(bytes.substr(0, at + kLineEnd.size()));
    if (!length.why.empty()) return broken(length.why);
    if (length.bytes < 0 && !accept_no_length_) return broken("no Content-Length");
    const std::size_t body =
        length.bytes < 0 ? std::size_t{0} : static_cast<std::size_t>(length.bytes);
    if (head + body > largest_) return broken("too large");
    needed_ = head + body;
    return {};
}

StreamFramer::Length StreamFramer::content_length(std::string_view headers) noexcept {
    Length length;
    for (bool is_start_line = true; !headers.empty(); is_start_line = false) {
        const std::size_t size = field_end(headers);
        if (size == 0) return {-1, "a control character or a bare CR or LF"};
        const std::string_view line = headers.substr(0, size);
        headers.remove_prefix(size);
        if (is_start_line && line.find(kLineEnd) + kLineEnd.size() != size)
            return {-1, "a folded start line"};
        const auto colon = line.find(':');
        if (is_start_line || colon == std::string_view::npos) continue;
        const std::string_view name = line.substr(0, colon);
        if (header_type(text::trim(name)) != HeaderType::content_length) continue;
        // The parser knows no such field when there is white space around its name; others do.
        if (name != text::trim(name)) return {-1, "white space around the name Content-Length"};
        if (length.bytes >= 0) return {-1, "two Content-Length headers"};
        const auto number = text::parse_uint(text::trim(line.substr(colon + 1)), kMaxMessage);
        if (!number) return {-1, "a Content-Length that is no number or too large"};
        length.bytes = static_cast<std::int64_t>(*number);
    }
    return length;
}

}  // namespace fairlead::sip
