// The lexer: the bytes of one file into tokens and preprocessor lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cfg/diagnostics.h"
#include "cfg/token.h"

namespace fairlead::cfg {

/// A preprocessor line: `#!word` or `!!word`; what follows it is read with rest_of_line().
struct Directive {
    std::string_view word;
    Position at;
};

/// Whether `#!word` is a preprocessor line rather than a comment.
[[nodiscard]] bool is_directive(std::string_view word) noexcept;

class Lexer {
public:
    /// `content` must outlive the tokens. `origin` is the place of its first byte.
    Lexer(std::string_view content, Position origin, Texts& texts, Diagnostics& diagnostics);

    /// The next token; a preprocessor line ends the run of tokens and is left in `directive`, in
    /// which case the token is `end` and more may follow.
    Token next(std::optional<Directive>& directive);

    /// What is left of the line behind a directive, trimmed, joined with the lines that a `\` at
    /// the end continues. `at` is where it begins.
    std::string_view rest_of_line(Position& at);
    /// In text that is switched off: moves to the next preprocessor line, nullopt at the end.
    std::optional<Directive> skip_to_directive();

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < content_.size() ? content_[at_ + ahead] : '\0';
    }
    [[nodiscard]] bool at_end() const noexcept { return at_ >= content_.size(); }
    void advance(std::size_t bytes) noexcept;
    [[nodiscard]] Position here(std::size_t length = 1) const noexcept;
    [[nodiscard]] std::optional<Directive> directive_here() const noexcept;

    bool skip_space();  ///< white space and comments; true when it moved
    void skip_block_comment();
    Token token(Tok kind, std::size_t length);
    Token broken(const Position& at, std::string text, std::string hint = {});
    Token number();
    Token word();
    Token string(char quote);
    Token variable();
    Token mark();
    [[nodiscard]] std::size_t address_length() const noexcept;
    void skip_line() noexcept;

    std::string_view content_;
    std::size_t at_ = 0;
    std::size_t line_begin_ = 0;
    Position origin_;
    std::uint32_t line_;
    bool fresh_line_ = true;
    Texts& texts_;
    Diagnostics& diagnostics_;
};

}  // namespace fairlead::cfg
