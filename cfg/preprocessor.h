// The preprocessor: defines, conditions, substitutions and includes; gives the parser one list of
// tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/config.h"
#include "cfg/lexer.h"
#include "cfg/preprocessor_expression.h"
#include "cfg/token.h"

namespace fairlead::cfg {

struct Define {
    std::optional<std::string> value;  ///< nullopt: defined without a value
    std::vector<Token> tokens;         ///< of the value
};
using Defines = std::map<std::string, Define, std::less<>>;

/// One per configuration.
class Preprocessor {
public:
    static constexpr int kMaxIncludes = 10;    ///< nested files
    static constexpr int kMaxExpansions = 16;  ///< defines that name defines
    static constexpr std::size_t kMaxDefines = 2048;
    static constexpr std::size_t kMaxTokens = 1'000'000;  ///< after expansion

    Preprocessor(const ReadOptions& options, Texts& texts, Diagnostics& diagnostics);

    /// Reads a file with all that it includes.
    void read_file(const std::string& path);
    void read_text(std::string text);
    /// Directives of the command line, without "#!".
    void read_directives(const std::vector<std::string>& directives);

    [[nodiscard]] std::vector<Token> take_tokens();  ///< ends with a token of kind `end`
    [[nodiscard]] Defines take_defines() { return std::move(defines_); }

private:
    struct Condition {
        Position at;
        bool active, was_active, in_else;
    };
    struct Substitution {
        std::unique_ptr<RE2> pattern;
        std::string replacement;
        bool everywhere;
    };

    void run(std::string_view content, std::uint16_t file);
    void handle(const Directive& directive, Lexer& lexer);
    void condition(const Directive& directive, Lexer& lexer);
    [[nodiscard]] bool condition_holds(const Directive& directive, std::string_view line,
                                       const Position& at);
    /// What an expression gives; nullopt after a mistake, which was reported.
    [[nodiscard]] std::optional<DefineValue> evaluated(std::string_view line, const Position& at);
    void define_expression(std::string_view line, const Position& at, bool quote);
    void undefine(std::string_view line, const Position& at, bool optional);
    [[nodiscard]] bool active() const noexcept {
        return conditions_.empty() || conditions_.back().active;
    }

    enum class IfDefined : std::uint8_t { refuse, keep, replace };
    void define(std::string_view line, const Position& at, IfDefined if_defined);
    void set(std::string_view name, std::optional<std::string> value, const Position& at,
             IfDefined if_defined);
    void define_from_environment(std::string_view line, const Position& at, bool quoted,
                                 bool optional);
    void substitute(std::string_view line, const Position& at, std::string_view kind);
    [[nodiscard]] std::string substituted(std::string_view text) const;
    void include(std::string_view path, const Position& at, bool optional);

    void emit(Token token, int depth);
    void finish_string(Token token);

    Texts& texts_;
    Diagnostics& diagnostics_;
    std::vector<Token> tokens_;
    Defines defines_;
    std::vector<Substitution> substitutions_;
    std::vector<Condition> conditions_;
    std::vector<std::string> open_files_;
    bool from_memory_ = false;
    bool too_long_ = false;
};

}  // namespace fairlead::cfg
