// The syntax tree of the routes. Nodes belong to the Tree and live as long as it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/diagnostics.h"
#include "cfg/preprocessor.h"
#include "cfg/token.h"
#include "core/api/script.h"

namespace fairlead::cfg {

/// Operators, with the spelling that messages use in operator_text().
enum class Op : std::uint8_t {
    none,
    logical_or,
    logical_and,
    bit_or,
    bit_xor,
    bit_and,
    shift_left,
    shift_right,
    equal,
    unequal,
    match,
    int_equal,
    int_unequal,
    string_equal,
    string_unequal,
    greater,
    less,
    greater_equal,
    less_equal,
    plus,
    minus,
    times,
    divide,
    modulo,
    logical_not,
    bit_not,
    negate,
    to_int,
    to_string,
    defined,
    length,
    is_empty
};
[[nodiscard]] std::string_view operator_text(Op op) noexcept;

struct Expression {
    enum class Kind : std::uint8_t {
        number,
        string,
        variable,  ///< text: from $ on
        word,      ///< keyword atom, protocol or other bare text
        address,   ///< text: address; number: prefix length or -1
        call,      ///< text: function; parts: arguments
        route,     ///< route(parts[0])
        unary,
        binary,
        select,  ///< selval(a, b, c)
        assign   ///< parts[0] = parts[1]
    };
    Kind kind = Kind::number;
    Op op = Op::none;
    Position at;
    std::string_view text;
    std::int64_t number = 0;
    std::vector<Expression*> parts;
};

struct Statement;
struct Case {
    enum class Kind : std::uint8_t { value, regex, otherwise };
    Kind kind = Kind::value;
    Position at;
    Expression* value = nullptr;  ///< constant, or the pattern as a string
    std::vector<Statement*> body;
};
struct Statement {
    enum class Kind : std::uint8_t {
        call,  ///< an expression for its effect: function, route, assignment
        block,
        branch,  ///< if
        loop,    ///< while
        choice,  ///< switch
        leave,   ///< break
        give_back,
        exit,
        drop
    };
    Kind kind = Kind::block;
    Position at;
    Expression* value = nullptr;  ///< condition or result; null when absent
    std::vector<Statement*> body, otherwise;
    std::vector<Case> cases;
};

struct RouteBlock {
    Route type = Route::request;
    std::string name;     ///< "" for those without
    bool shared = false;  ///< route[NAME], called from other routes
    Position at;
    std::vector<Statement*> body;
};

struct Tree {
    Texts texts;
    std::deque<Expression> expressions;
    std::deque<Statement> statements;
    std::vector<RouteBlock> routes;
    std::map<std::string, std::int64_t, std::less<>> flags;  ///< `flags NAME:number`
    Defines defines;
};

}  // namespace fairlead::cfg
