// Errors in a configuration: collected, sorted, printed with the source line and a caret.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>

#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

std::string_view word(Severity severity) noexcept {
    switch (severity) {
        case Severity::error: return "error";
        case Severity::warning: return "warning";
        case Severity::notice: return "notice";
    }
    return "";
}

/// The n-th line of a text, counted from 1, without its end; "" when there is none.
std::string_view line_of(std::string_view content, std::uint32_t line) noexcept {
    for (std::uint32_t at = 1; at < line; ++at) {
        const std::size_t end = content.find('\n');
        if (end == std::string_view::npos) return {};
        content.remove_prefix(end + 1);
    }
    std::string_view found = content.substr(0, content.find('\n'));
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found;
}

/// The caret below `line`: tabs stay tabs, so that it stands right whatever their width.
std::string caret_below(std::string_view line, std::uint32_t column, std::uint32_t length) {
    std::string out;
    const std::size_t before = std::min<std::size_t>(column - 1, line.size());
    for (std::size_t i = 0; i < before; ++i) out += line[i] == '\t' ? '\t' : ' ';
    out += '^';
    const std::size_t room = line.size() > before ? line.size() - before : 1;
    const std::size_t marked = std::clamp<std::size_t>(length, 1, std::max<std::size_t>(room, 1));
    out.append(marked - 1, '~');
    return out;
}

/// How many bytes the UTF-8 sequence at the beginning has; 0 when there is none.
std::size_t utf8_length(std::string_view s) noexcept {
    const auto byte = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xC2 && first < 0xE0 ? 2
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length > s.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and what is above U+10FFFF.
    const bool wrong =
        length > 2 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
                       (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F));
    return wrong ? 0 : length;
}

/// A JSON string. Bytes that are no UTF-8 become U+FFFD.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char c = text[0];
        if (length == 0) {
            out += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (length == 1 && (c < ' ' || c == 0x7F)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out + '"';
}

}  // namespace

std::uint16_t Diagnostics::add_file(std::string path, std::string content) {
    files_.push_back({std::move(path), std::move(content)});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

std::string Diagnostics::where(const Position& at) const {
    const std::string_view file =
        at.file < files_.size() ? std::string_view(files_[at.file].path) : std::string_view("?");
    return fmt::format("{}:{}:{}", file, at.line, at.column);
}

std::string_view Diagnostics::source(const Position& at) const {
    if (at.file >= files_.size() || at.line == 0) return {};
    const std::string_view line = line_of(files_[at.file].content, at.line);
    const std::size_t begin = at.column - std::min(at.column, 1U);
    return begin < line.size() ? line.substr(begin, at.length) : std::string_view();
}

void Diagnostics::error(const Position& at, std::string text, std::string hint) {
    if (errors_++ < kMost) list_.push_back({Severity::error, at, std::move(text), std::move(hint)});
}

void Diagnostics::warning(const Position& at, std::string text, std::string hint) {
    if (list_.size() < 2 * kMost) {
        list_.push_back({Severity::warning, at, std::move(text), std::move(hint)});
    }
}

void Diagnostics::notice(const Position& at, std::string text, std::string hint) {
    if (list_.size() < 2 * kMost) {
        list_.push_back({Severity::notice, at, std::move(text), std::move(hint)});
    }
}

std::vector<std::size_t> Diagnostics::sorted() const {
    std::vector<std::size_t> order(list_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
        const Position &x = list_[a].at, &y = list_[b].at;
        return std::tie(x.file, x.line, x.column, a) < std::tie(y.file, y.line, y.column, b);
    });
    return order;
}

std::string Diagnostics::json() const {
    std::string out = fmt::format("{{\"version\": 1, \"errors\": {}, \"diagnostics\": [", errors_);
    std::string_view comma = "";
    for (const std::size_t i : sorted()) {
        const Diagnostic& d = list_[i];
        const std::string_view file =
            d.at.file < files_.size() ? std::string_view(files_[d.at.file].path) : "";
        fmt::format_to(std::back_inserter(out),
                       "{}\n  {{\"severity\": \"{}\", \"file\": {}, \"line\": {}, \"column\": {}, "
                       "\"end_column\": {}, \"text\": {}, \"hint\": {}}}",
                       comma, word(d.severity), quoted(file), d.at.line, d.at.column,
                       d.at.column + d.at.length, quoted(d.text), quoted(d.hint));
        comma = ",";
    }
    return out + (list_.empty() ? "]}\n" : "\n]}\n");
}

std::string Diagnostics::print() const {
    std::string out;
    for (const std::size_t i : sorted()) {
        const Diagnostic& d = list_[i];
        fmt::format_to(std::back_inserter(out), "{}: {}: {}\n", where(d.at), word(d.severity),
                       d.text);
        if (d.at.line != 0 && d.at.file < files_.size()) {
            const std::string_view line = line_of(files_[d.at.file].content, d.at.line);
            fmt::format_to(std::back_inserter(out), "    {}\n    {}\n", line,
                           caret_below(line, std::max(d.at.column, 1U), d.at.length));
        }
        if (!d.hint.empty()) fmt::format_to(std::back_inserter(out), "    hint: {}\n", d.hint);
    }
    if (errors_ > kMost) {
        fmt::format_to(std::back_inserter(out), "… and {} more errors\n", errors_ - kMost);
    }
    return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    // A third of the letters may be wrong; more is a different word.
    const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    std::size_t best = SIZE_MAX;
    std::string_view found;
    for (const std::string_view candidate : candidates) {
        if (candidate == word) continue;
        if (text::ci_equal(candidate, word)) return candidate;
        const std::size_t distance = text::edit_distance(word, candidate, limit);
        if (distance > limit) continue;
        // Of those that are equally near, the one that begins alike and is as long.
        const std::size_t rank = 4 * distance +
                                 (word.substr(0, 1) != candidate.substr(0, 1) ? 2U : 0U) +
                                 (word.size() != candidate.size() ? 1U : 0U);
        if (rank < best) {
            best = rank;
            found = candidate;
        }
    }
    return found;
}

}  // namespace fairlead::cfg
