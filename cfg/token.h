// Tokens of the configuration language, and the store that owns their texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "cfg/diagnostics.h"

namespace fairlead::cfg {

enum class Tok : std::uint8_t {
    end,
    bad,       ///< reported by the lexer; the parser resumes behind it without a word
    word,      ///< identifier, keyword, or digits with letters (a route name)
    number,    ///< decimal, 0x hexadecimal, 0 octal, binary with a b behind
    string,    ///< text is what stands between the quotes, escapes resolved
    variable,  ///< from $ to the last balanced parenthesis
    address,   ///< bare IPv4 or IPv6 address
    mark,      ///< operator or punctuation
};

struct Token {
    Tok kind = Tok::end;
    bool space_before = false;  ///< white space or a comment stands before it
    bool line_start = false;    ///< first token of its line
    bool raw = false;           ///< a string in single quotes
    Position at;
    std::string_view text;
    std::int64_t number = 0;

    [[nodiscard]] bool is(std::string_view mark) const noexcept {
        return kind == Tok::mark && text == mark;
    }
    [[nodiscard]] bool is_word(std::string_view word) const noexcept {
        return kind == Tok::word && text == word;
    }
};

/// Keeps strings at one address for as long as it lives.
class Texts {
public:
    std::string_view keep(std::string s) { return texts_.emplace_back(std::move(s)); }

private:
    std::deque<std::string> texts_;
};

}  // namespace fairlead::cfg
