// The parser: tokens into a Config by recursive descent. Reports every mistake once and goes on.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/ast.h"
#include "cfg/config.h"
#include "cfg/token.h"

namespace fairlead::cfg {

/// One per configuration. Functions that parse a part return null or false after a mistake, which
/// was reported where it was seen; the statement and top-level loops find the next place to go on.
class Parser {
public:
    static constexpr int kMaxNesting = 128;  ///< blocks and parentheses, so that the stack holds

    Parser(std::span<const Token> tokens, Config& config, Diagnostics& diagnostics);
    void parse();

private:
    // Tokens.
    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const noexcept;
    const Token& take() noexcept;
    [[nodiscard]] bool at(std::string_view mark) const noexcept { return peek().is(mark); }
    bool accept(std::string_view mark) noexcept;
    bool accept_word(std::string_view word) noexcept;
    bool expect(std::string_view mark, std::string_view where);
    bool expect_end();  ///< the ; behind a statement
    bool fail(const Token& t, std::string text, std::string hint = {});
    bool fail_behind(std::string text, std::string hint = {});  ///< at the end of the last token
    [[nodiscard]] std::string found() const;                    ///< the next token, in words
    /// Text of tokens that touch each other, as in `udp:[::1]:5060` or `tm:local-request`.
    std::string joined(std::string_view stop, Position& at);
    static void extend(Position& at, const Token& last) noexcept;

    // Finding the next place to go on.
    [[nodiscard]] bool starts_section() const noexcept;
    [[nodiscard]] bool starts_route() const noexcept;
    void skip_section();
    void skip_statement();

    // Global part (parse_globals.cpp).
    void section();
    void load_line(std::string_view word);
    void load_path();
    void modparam();
    void setting();
    void listen();
    void alias();
    void flag_names(bool kept);
    void engine();
    std::string with_variables(const Token& t);
    std::optional<Literal> literal();

    // Routes (parser.cpp).
    void route();
    bool route_name(RouteBlock& block, std::string_view keyword);
    void add_route(RouteBlock block);
    bool block(std::vector<Statement*>& into, const Position& opened, std::string_view what);
    bool statement(std::vector<Statement*>& into);
    bool body(std::vector<Statement*>& into, std::string_view what);
    bool word_statement(std::vector<Statement*>& into);
    bool branch(Statement& s);
    bool loop(Statement& s);
    bool choice(Statement& s);
    bool one_case(Statement& s);
    bool leave(Statement& s);
    Statement* make(Statement::Kind kind, const Position& at);

    // Expressions (parse_expression.cpp).
    Expression* expression(int lowest = 1);
    Expression* unary();
    Expression* primary();
    Expression* parenthesised();
    Expression* word_expression();
    Expression* built_in(std::string_view word, Op op, std::size_t count);
    Expression* call(const Token& name);
    Expression* route_call(const Token& name);
    Expression* argument();
    Expression* bare_argument();
    Expression* address();
    Expression* old_select();
    Expression* make(Expression::Kind kind, const Position& at);

    std::span<const Token> tokens_;
    std::size_t at_ = 0;
    Config& config_;
    Tree& tree_;
    Diagnostics& diagnostics_;
    std::vector<std::string> search_path_;
    std::optional<std::size_t> socket_workers_;  ///< for the next listen: which of the settings
    std::size_t reported_at_ = SIZE_MAX;  ///< token of the last report: one mistake, one message
    int nesting_ = 0;
};

}  // namespace fairlead::cfg
