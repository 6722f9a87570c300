// Where an HTTP/1.x request on a stream ends. SPDX-License-Identifier: Apache-2.0
#include "core/sip/http_framing.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/sip/chars.h"

namespace fairlead::sip {
namespace {

using Found = HttpFramer::Found;
using What = HttpFramer::What;

constexpr std::string_view kLineEnd = "\r\n", kEmptyLine = "\r\n\r\n", kVersion = "HTTP/";
constexpr std::size_t kMaxLine = kMaxMethod + kMaxUri + 64;

Found refused(int code, std::string_view reason) noexcept {
    return {What::refused, 0, code, reason, false};
}

bool is_version(std::string_view text) noexcept {
    return text.size() == kVersion.size() + 3 && text.starts_with(kVersion) &&
           text::is_digit(text[5]) && text[6] == '.' && text::is_digit(text[7]);
}

/// Nothing but what may stand in a line.
bool is_one_line(std::string_view line) noexcept {
    const char* const end = line.data() + line.size();
    const char* at = find_control(line.data(), end);
    while (at != end && *at == '\t') at = find_control(at + 1, end);
    return at == end;
}

}  // namespace

HttpFramer::Start HttpFramer::begins(std::string_view bytes) noexcept {
    const auto end = bytes.substr(0, kMaxLine).find('\n');
    std::string_view line = bytes.substr(0, std::min(end, kMaxLine));
    if (end == std::string_view::npos) {
        if (bytes.size() < kMaxLine) return Start::unknown;
        // No SIP start line is so long, and no URI of SIP begins like this.
        const std::string_view target = line.substr(std::min(line.find(' ') + 1, line.size()));
        return target.starts_with('/') || target.starts_with("http") ? Start::yes : Start::no;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto space = line.rfind(' ');
    const bool yes = space != std::string_view::npos && is_version(line.substr(space + 1)) &&
                     is_token(line.substr(0, line.find(' ')));
    return yes ? Start::yes : Start::no;
}

Found HttpFramer::next(std::string_view bytes) noexcept {
    if (bytes.empty()) return {};
    if (needed_ == 0) {
        // RFC 9112 2.2: some clients send an empty line behind a body.
        if (searched_ == 0 && bytes[0] == '\r') {
            if (bytes.size() == 1) return {};
            return bytes[1] == '\n' ? Found{What::line_ends, kLineEnd.size(), 0, {}, false}
                                    : refused(400, "Bad Request");
        }
        const Found found = find_head(bytes);
        if (found.what != What::incomplete || needed_ == 0) return found;
        if (bytes.size() < needed_) return found;
    }
    if (bytes.size() < needed_) return {};
    const Found whole{What::request, needed_, 0, {}, false};
    searched_ = needed_ = 0;
    return whole;
}

Found HttpFramer::find_head(std::string_view bytes) noexcept {
    const std::size_t from = searched_ - std::min(searched_, kEmptyLine.size() - 1);
    const auto at = bytes.find(kEmptyLine, from);
    if (at == std::string_view::npos && bytes.size() < kMaxHttpHead) {
        searched_ = bytes.size();
        const bool too_long =
            bytes.size() >= kMaxLine && bytes.substr(0, kMaxLine).find('\n') == bytes.npos;
        return too_long ? refused(414, "URI Too Long") : Found{};
    }
    if (bytes.substr(0, kMaxLine).find('\n') == std::string_view::npos)
        return refused(414, "URI Too Long");
    const std::size_t size = at + kEmptyLine.size();
    if (at == std::string_view::npos || size > kMaxHttpHead)
        return refused(431, "Request Header Fields Too Large");
    const Head head = read_head(bytes.substr(0, at + kLineEnd.size()));
    if (head.code != 0) return refused(head.code, head.reason);
    needed_ = size + static_cast<std::size_t>(std::max<std::int64_t>(head.length, 0));
    return {What::incomplete, 0, 0, {}, head.expects && bytes.size() < needed_};
}

HttpFramer::Head HttpFramer::read_head(std::string_view bytes) noexcept {
    Head head;
    const std::size_t size = bytes.size() + kLineEnd.size();
    for (bool is_first = true; !bytes.empty(); is_first = false) {
        const auto end = bytes.find(kLineEnd);
        const std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(line.size() + kLineEnd.size());
        if (!is_one_line(line)) head.refuse(400, "Bad Request");
        is_first ? request_line(line, head) : field(line, head);
    }
    // RFC 9112 6.1, 6.3: whoever reads the one and whoever reads the other see different requests.
    if (head.has_encoding && head.length >= 0) head.refuse(400, "Bad Request");
    if (head.has_encoding) head.refuse(411, "Length Required");
    if (size + static_cast<std::size_t>(std::max<std::int64_t>(head.length, 0)) > kMaxMessage)
        head.refuse(413, "Content Too Large");
    return head;
}

void HttpFramer::request_line(std::string_view line, Head& head) noexcept {
    const auto space = line.find(' ');
    const std::string_view method = line.substr(0, space);
    const auto last = line.rfind(' ');
    if (space == std::string_view::npos || space == last || !is_token(method) ||
        method.size() > kMaxMethod)
        return head.refuse(400, "Bad Request");
    const std::string_view target = line.substr(space + 1, last - space - 1);
    const std::string_view version = line.substr(last + 1);
    if (target.empty() || target.find_first_of(" \t") != std::string_view::npos ||
        !is_version(version))
        return head.refuse(400, "Bad Request");
    if (version[kVersion.size()] != '1') head.refuse(505, "HTTP Version Not Supported");
    if (target.size() > kMaxUri) head.refuse(414, "URI Too Long");
}

void HttpFramer::field(std::string_view line, Head& head) noexcept {
    const auto colon = line.find(':');
    // RFC 9112 5.1, 5.2: white space before the colon, and a line that goes on with another one.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return head.refuse(400, "Bad Request");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = text::trim(line.substr(colon + 1));
    if (text::ci_equal(name, "Content-Length")) {
        const auto number = text::parse_uint(value, INT64_MAX);
        if (!number || head.length >= 0) return head.refuse(400, "Bad Request");
        if (*number > kMaxMessage) head.refuse(413, "Content Too Large");
        head.length = static_cast<std::int64_t>(*number);
    } else if (text::ci_equal(name, "Transfer-Encoding")) {
        head.has_encoding = true;
    } else if (text::ci_equal(name, "Host")) {
        if (head.has_host) head.refuse(400, "Bad Request");
        head.has_host = true;
    } else if (text::ci_equal(name, "Expect")) {
        if (!text::ci_equal(value, "100-continue")) head.refuse(417, "Expectation Failed");
        head.expects = true;
    }
}

std::string http_refusal(int code, std::string_view reason) {
    std::string text = "HTTP/1.1 " + std::to_string(code) + " ";
    text += reason;
    return text += "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace fairlead::sip
