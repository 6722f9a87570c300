// Header fields that an operator or a script gives as lines, for a request or reply that is made of
// them; a part of modules/tm/api.h. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::tm {

/// No control character but the tab: nothing can be smuggled behind a start line or a field.
[[nodiscard]] inline bool is_one_line(std::string_view text) noexcept {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f') return false;
    return true;
}

/// RFC 3261 25.1 "token", as a tag is one: nothing can follow it.
[[nodiscard]] inline bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        const char lower = text::to_lower(c);
        return text::is_digit(c) || (lower >= 'a' && lower <= 'z') ||
               std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
    });
}

/// The fields that who makes the message writes itself, by their values ("": not given), and the
/// other lines as they are.
struct HeaderLines {
    std::string rest;  ///< each with CRLF
    std::string from, to, call_id;
    std::string cseq, cseq_method;  ///< number and method, as written
    bool has_via = false, has_length = false, has_type = false;
    bool is_folded = false;  ///< a field goes on in the next line
    bool is_wrong = false;   ///< a line is no field, or what goes on is one of those taken out

    /// Only fields, and none that a reply takes from its request.
    [[nodiscard]] bool is_for_reply() const noexcept {
        return !is_wrong && !has_via && from.empty() && to.empty() && call_id.empty() &&
               cseq.empty();
    }
};

/// read_header_lines() at work.
class HeaderReader {
public:
    void take(std::string_view line) {
        if (!is_one_line(line)) {
            fields_.is_wrong = true;
        } else if (line.front() == ' ' || line.front() == '\t') {
            fields_.is_folded = true;
            keeps_last_ ? keep(line) : refuse();
        } else {
            field(line);
        }
    }
    [[nodiscard]] HeaderLines fields() && { return std::move(fields_); }

private:
    void keep(std::string_view line) { fields_.rest.append(line).append("\r\n"); }
    void refuse() noexcept { fields_.is_wrong = true; }

    void field(std::string_view line) {
        const std::size_t colon = line.find(':');
        const std::string_view name = text::trim(line.substr(0, colon));
        keeps_last_ = false;
        if (colon == std::string_view::npos || name.empty() ||
            name.find_first_of(" \t") != std::string_view::npos)
            return refuse();
        const sip::HeaderType type = sip::header_type(name);
        if (is_taken_out(type, text::trim(line.substr(colon + 1)))) return;
        fields_.has_via = fields_.has_via || type == sip::HeaderType::via;
        fields_.has_length = fields_.has_length || type == sip::HeaderType::content_length;
        fields_.has_type = fields_.has_type || type == sip::HeaderType::content_type;
        keeps_last_ = true;
        keep(line);
    }
    bool is_taken_out(sip::HeaderType type, std::string_view value) {
        switch (type) {
            case sip::HeaderType::from: fields_.from = value; break;
            case sip::HeaderType::to: fields_.to = value; break;
            case sip::HeaderType::call_id: fields_.call_id = value; break;
            case sip::HeaderType::cseq: {
                const std::size_t blank = std::min(value.find_first_of(" \t"), value.size());
                fields_.cseq = value.substr(0, blank);
                fields_.cseq_method = text::trim(value.substr(blank));
                break;
            }
            default: return false;
        }
        if (value.empty()) refuse();
        return true;
    }

    HeaderLines fields_;
    bool keeps_last_ = false;
};

/// Lines end with LF or CRLF; empty ones count for nothing. In any process.
[[nodiscard]] inline HeaderLines read_header_lines(std::string_view lines) {
    HeaderReader reader;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        std::string_view line = lines.substr(0, end);
        lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) reader.take(line);
    }
    return std::move(reader).fields();
}

}  // namespace fairlead::tm
