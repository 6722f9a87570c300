// An answer as JSON text, written as it comes. SPDX-License-Identifier: Apache-2.0
#include "modules/jsonrpcs/writer.h"

#include <fmt/format.h>

#include <cmath>

namespace fairlead::jsonrpcs {
namespace {

/// Bytes of the UTF-8 sequence at the beginning of `s`; 0 when it is none (RFC 3629).
std::size_t utf8_length(std::string_view s) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char first = byte(0);
    const std::size_t size = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
    if (size == 0 || size > s.size()) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool beyond = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
    return overlong || beyond ? 0 : size;
}

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        default: out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    }
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const char c = text.front();
        const std::size_t size = utf8_length(text);
        if (size == 0 || static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\') {
            append_escaped(out, c);
            text.remove_prefix(1);
        } else {
            out += text.substr(0, size);
            text.remove_prefix(size);
        }
    }
    out += '"';
}

void Writer::new_line(std::size_t depth) {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(depth, '\t');
}

void Writer::separate() {
    if (std::exchange(has_name_, false) || open_.empty()) return;
    if (open_.back().bracket == '{') {  // a value without a name: it stays JSON all the same
        name("");
        has_name_ = false;
        return;
    }
    Level& level = open_.back();
    if (!std::exchange(level.is_empty, false)) out_ += pretty_ ? ", " : ",";
}

/// Behind a value: the structure that was only made for it ends.
void Writer::complete() {
    if (!open_.empty() && open_.back().is_implied) end('{');
}

void Writer::name(std::string_view name) {
    if (open_.empty()) return;
    if (open_.back().bracket == '[') {
        begin('{');
        open_.back().is_implied = true;
    }
    if (!std::exchange(open_.back().is_empty, false)) out_ += ',';
    new_line(open_.size());
    append_quoted(out_, name);
    out_ += pretty_ ? ":\t" : ":";
    has_name_ = true;
}

void Writer::integer(std::int64_t value) {
    separate();
    out_ += std::to_string(value);
    complete();
}

void Writer::number(double value) {
    separate();
    out_ += std::isfinite(value) ? fmt::format("{:.15g}", value) : "null";
    complete();
}

void Writer::text(std::string_view value) {
    separate();
    append_quoted(out_, value);
    complete();
}

void Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    complete();
}

void Writer::begin(char bracket) {
    separate();
    out_ += bracket;
    open_.push_back({bracket});
}

void Writer::end(char bracket) {
    if (open_.empty() || open_.back().bracket != bracket) return;
    open_.pop_back();
    has_name_ = false;
    if (bracket == '{') new_line(open_.size());
    out_ += bracket == '{' ? '}' : ']';
    complete();
}

void Writer::end_until(std::size_t depth) {
    while (open_.size() > depth) end(open_.back().bracket);
}

}  // namespace fairlead::jsonrpcs
