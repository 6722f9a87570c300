// Requests of the line protocol, cut out of what the writers of a FIFO wrote.
// SPDX-License-Identifier: Apache-2.0
#include "modules/mi_fifo/lines.h"

#include <cstdint>

namespace fairlead::mi_fifo {
namespace {

std::string_view without_end(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t' ||
                             line.back() == '\n'))
        line.remove_suffix(1);
    return line;
}

/// How many single lines a form has in front of its headers.
std::size_t lines_of(Form form) noexcept {
    switch (form) {
        case Form::bare: return 0;
        case Form::text: return 1;
        case Form::uac:
        case Form::dialog: return 3;
        case Form::reply: return 4;
        case Form::reply_to_call: return 5;
        case Form::plain: break;
    }
    return SIZE_MAX;
}

}  // namespace

std::optional<std::string> LineReader::line() {
    const std::size_t end = input_.find('\n');
    if (end == std::string::npos) {
        if (input_.size() > kLongest) {  // the rest of this line is not wanted either
            input_.clear();
            drops_line_ = true;
            request_.is_bad = true;
        }
        return std::nullopt;
    }
    std::string text = input_.substr(0, end);
    input_.erase(0, end + 1);
    if (std::exchange(drops_line_, false)) text.clear();
    return text;
}

bool LineReader::begin(std::string_view line) {
    const std::size_t second = line.starts_with(':') ? line.find(':', 1) : std::string_view::npos;
    if (second == std::string_view::npos || second < 2) return false;
    request_ = {};
    request_.command = line.substr(1, second - 1);
    request_.reply_name = line.substr(second + 1);
    shape_ = form_(request_.command);
    part_ = Part::lines;
    size_ = line.size();
    is_open_ = true;
    return true;
}

bool LineReader::take(const std::string& raw) {
    size_ += raw.size() + 1;
    if (size_ > kLongest || raw.find('\0') != std::string::npos) {
        request_.is_bad = true;
        part_ = Part::skip;
    }
    const std::string_view line = without_end(raw);
    switch (part_) {
        case Part::lines:
            if (shape_ == Form::plain && line.empty()) return true;
            request_.lines.emplace_back(line);
            if (request_.lines.size() < lines_of(shape_)) return false;
            if (shape_ == Form::text) {
                swallows_end_ = true;
                return true;
            }
            part_ = Part::headers;
            return false;
        case Part::headers:
            if (line == ".") {
                swallows_end_ = true;
                return true;
            }
            if (line.empty())
                part_ = Part::body;
            else
                request_.headers.emplace_back(line);
            return false;
        case Part::body:
            if (line == ".") {
                swallows_end_ = true;
                return true;
            }
            // The body is what its author wrote, blanks at the ends of lines included.
            request_.body.emplace_back(raw.ends_with('\r') ? raw.substr(0, raw.size() - 1) : raw);
            return false;
        case Part::skip: return line.empty();
    }
    return true;
}

LineRequest LineReader::finish() {
    is_open_ = false;
    return std::exchange(request_, {});
}

std::optional<LineRequest> LineReader::next() {
    while (const auto raw = line()) {
        if (is_open_) {
            if (take(*raw)) return finish();
            continue;
        }
        const std::string_view text = without_end(*raw);
        if (std::exchange(swallows_end_, false) && text.empty()) continue;
        if (text.empty()) continue;
        if (!begin(text)) {
            ++skipped_;
        } else if (shape_ == Form::bare) {
            swallows_end_ = true;
            return finish();
        }
    }
    return std::nullopt;
}

std::optional<LineRequest> LineReader::cut_off() {
    input_.clear();
    drops_line_ = swallows_end_ = false;
    if (!is_open_) return std::nullopt;
    using Missing = LineRequest::Missing;
    if (part_ == Part::headers) request_.missing = Missing::headers;
    if (part_ == Part::body) request_.missing = Missing::body;
    const bool may_end = shape_ == Form::plain || shape_ == Form::text;
    if (part_ == Part::lines && !may_end) request_.missing = Missing::line;
    return finish();
}

}  // namespace fairlead::mi_fifo
