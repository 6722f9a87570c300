// Parsing "/pattern/replacement/flags".
// SPDX-License-Identifier: Apache-2.0
#include "modules/textops/substitution.h"

#include <algorithm>
#include <cstring>

#include "core/api/log.h"

namespace fairlead::textops {

/// Walks the parts: separator, pattern, separator, replacement, separator, flags.
class Substitution::Reader {
public:
    Reader(Arena& arena, Substitution& out) noexcept : arena_(arena), out_(out) {}

    /// An error, or "".
    std::string_view variable(std::string_view text) {
        if (where_ == Where::pattern || where_ == Where::begin) {
            return "a variable can stand in the replacement only";
        }
        if (where_ == Where::flags) return "a variable cannot be a flag";
        return add({text}) ? "" : kTooLong;
    }
    std::string_view constant(std::string_view text) {
        std::string_view error;
        while (!text.empty() && error.empty()) {
            switch (where_) {
                case Where::begin:
                    separator_ = text.front();
                    text.remove_prefix(1);
                    where_ = Where::pattern;
                    if (separator_ == '\\') error = "a backslash cannot separate";
                    break;
                case Where::pattern: pattern(text); break;
                case Where::replacement: error = replacement(text); break;
                case Where::flags: error = flags(text); break;
            }
        }
        return error;
    }
    [[nodiscard]] std::string_view end() const noexcept {
        if (where_ != Where::flags) return "it is not of the form /pattern/replacement/flags";
        return out_.pattern_.empty() ? "the pattern is empty" : "";
    }

private:
    enum class Where : std::uint8_t { begin, pattern, replacement, flags };
    static constexpr std::string_view kTooLong = "the replacement has too many pieces";

    bool add(const Piece& piece) noexcept {
        if (piece.group < 0 && piece.text.empty()) return true;
        if (out_.count_ == kMostPieces) return false;
        out_.pieces_[out_.count_++] = piece;
        return true;
    }

    /// An escaped separator stays escaped, which the pattern takes as the character itself.
    void pattern(std::string_view& text) {
        std::size_t end = 0;
        while (end < text.size() && text[end] != separator_) {
            end += text[end] == '\\' ? 2 : 1;
        }
        end = std::min(end, text.size());
        const std::string_view piece = text.substr(0, end);
        out_.pattern_ = out_.pattern_.empty() ? piece : arena_.concat({out_.pattern_, piece});
        if (end < text.size()) {
            where_ = Where::replacement;
            ++end;
        }
        text.remove_prefix(end);
    }

    std::string_view replacement(std::string_view& text) {
        const char stops[] = {separator_, '\\'};
        const std::size_t end = text.find_first_of(std::string_view(stops, sizeof stops));
        if (!add({text.substr(0, end)})) return kTooLong;
        text = end == std::string_view::npos ? std::string_view() : text.substr(end);
        if (text.empty()) return {};
        if (text.front() == separator_) {
            where_ = Where::flags;
            text.remove_prefix(1);
            return {};
        }
        return escape(text);
    }
    /// `text` begins with a backslash.
    std::string_view escape(std::string_view& text) {
        Piece piece{text.substr(1, 1)};
        if (piece.text.empty()) return "nothing follows the last backslash";
        const char c = piece.text.front();
        if (text::is_digit(c)) {
            piece = {{}, c - '0'};
        } else if (c == 'n') {
            piece.text = "\n";
        } else if (c == 'r') {
            piece.text = "\r";
        } else if (c == 't') {
            piece.text = "\t";
        } else if (c != '\\' && c != separator_) {
            piece.text = text.substr(0, 2);  // no escape: both characters
        }
        text.remove_prefix(2);
        return add(piece) ? "" : kTooLong;
    }

    std::string_view flags(std::string_view& text) noexcept {
        switch (text.front()) {
            case 'i': out_.options_.any_case = true; break;
            case 'g': out_.everywhere_ = true; break;
            case 's': out_.options_.by_line = false; break;
            default: return "the flags are i, g and s";
        }
        text.remove_prefix(1);
        return {};
    }

    Arena& arena_;
    Substitution& out_;
    Where where_ = Where::begin;
    char separator_ = '/';
};

std::expected<Substitution, std::string_view> Substitution::parse(
    Arena& arena, std::span<const LazyText::Part> parts) {
    Substitution out;
    Reader reader(arena, out);
    for (const LazyText::Part& part : parts) {
        const std::string_view error =
            part.is_variable ? reader.variable(part.text) : reader.constant(part.text);
        if (!error.empty()) return std::unexpected(error);
    }
    if (const std::string_view error = reader.end(); !error.empty()) return std::unexpected(error);
    return out;
}

Result<void> Substitution::check(std::string_view constant) {
    Arena arena(1024);
    const LazyText::Part part{constant, false};
    const auto made = parse(arena, std::span(&part, 1));
    if (!made) return fail(fmt::format("\"{}\": {}", constant, made.error()));
    const Regex pattern(made->pattern(), made->options());
    if (!pattern.ok()) return fail(fmt::format("\"{}\": {}", made->pattern(), pattern.problem()));
    return {};
}

std::string_view Substitution::replacement(Arena& arena,
                                           std::span<const std::string_view> groups) const {
    const auto text_of = [&](const Piece& piece) {
        return piece.group < 0 ? piece.text : groups[static_cast<std::size_t>(piece.group)];
    };
    std::size_t size = 0;
    for (std::size_t i = 0; i < count_; ++i) size += text_of(pieces_[i]).size();
    char* const out = arena.allocate(size);
    char* at = out;
    for (std::size_t i = 0; i < count_; ++i) {
        const std::string_view text = text_of(pieces_[i]);
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        at += text.size();
    }
    return {out, size};
}

}  // namespace fairlead::textops
