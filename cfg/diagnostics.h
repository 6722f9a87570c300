// Errors in a configuration: where, what, the line with a caret, and a suggestion. All in one run.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cfg {

/// A place in a configuration file; line and column count from 1, columns in bytes.
struct Position {
    std::uint16_t file = 0;  ///< index into Diagnostics' list of files
    std::uint32_t line = 0, column = 0;
    std::uint32_t length = 1;  ///< how much the caret underlines
};

enum class Severity : std::uint8_t { error, warning, notice };

struct Diagnostic {
    Severity severity = Severity::error;
    Position at;
    std::string text;  ///< one sentence, without full stop
    std::string hint;  ///< "did you mean t_relay?"; may be empty
};

/// Collects; prints sorted by place. At most kMost errors are kept, the rest is counted.
class Diagnostics {
public:
    static constexpr std::size_t kMost = 100;

    std::uint16_t add_file(std::string path, std::string content);
    [[nodiscard]] const std::string& path(std::uint16_t file) const { return files_[file].path; }
    [[nodiscard]] std::size_t file_count() const noexcept { return files_.size(); }
    /// "file:line:column".
    [[nodiscard]] std::string where(const Position& at) const;

    /// What stands at a place, as far as it is in one line.
    [[nodiscard]] std::string_view source(const Position& at) const;

    void error(const Position& at, std::string text, std::string hint = {});
    void warning(const Position& at, std::string text, std::string hint = {});
    void notice(const Position& at, std::string text, std::string hint = {});

    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }
    [[nodiscard]] const std::vector<Diagnostic>& all() const noexcept { return list_; }
    /// For people: "file:line:column: error: text", the source line, a caret, the hint.
    [[nodiscard]] std::string print() const;
    /// For editors: docs/errors.md has the shape.
    [[nodiscard]] std::string json() const;

private:
    /// Indices into `list_` in the order of places.
    [[nodiscard]] std::vector<std::size_t> sorted() const;

    struct File {
        std::string path, content;
    };
    std::vector<File> files_;
    std::vector<Diagnostic> list_;
    std::size_t errors_ = 0;
};

/// The candidate nearest to `word`, or "" when none is near enough to be worth suggesting.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

}  // namespace fairlead::cfg
