// The parser: expressions, by precedence climbing, and calls.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "cfg/parser.h"
#include "core/base/address.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

struct Operator {
    std::string_view text;
    Op op;
    int precedence;
};
/// Low binds loosest; all are left-associative.
constexpr std::array<Operator, 29> kBinary{{
    {"or", Op::logical_or, 1},     {"||", Op::logical_or, 1},   {"and", Op::logical_and, 2},
    {"&&", Op::logical_and, 2},    {"|", Op::bit_or, 3},        {"^", Op::bit_xor, 4},
    {"&", Op::bit_and, 5},         {"<<", Op::shift_left, 6},   {">>", Op::shift_right, 6},
    {"==", Op::equal, 7},          {"!=", Op::unequal, 7},      {"=~", Op::match, 7},
    {"ieq", Op::int_equal, 7},     {"ine", Op::int_unequal, 7}, {"eq", Op::string_equal, 7},
    {"ne", Op::string_unequal, 7}, {">", Op::greater, 8},       {"<", Op::less, 8},
    {">=", Op::greater_equal, 8},  {"<=", Op::less_equal, 8},   {"+", Op::plus, 9},
    {"-", Op::minus, 9},           {"*", Op::times, 10},        {"/", Op::divide, 10},
    {"mod", Op::modulo, 10},       {"!", Op::logical_not, 0},   {"~", Op::bit_not, 0},
    {"(int)", Op::to_int, 0},      {"(str)", Op::to_string, 0},
}};

const Operator* binary_operator(const Token& t) noexcept {
    if (t.kind != Tok::mark && t.kind != Tok::word) return nullptr;
    for (const Operator& o : kBinary) {
        if (o.precedence > 0 && o.text == t.text) return &o;
    }
    return nullptr;
}

constexpr std::array<std::string_view, 4> kTrue{"yes", "true", "on", "enable"};
constexpr std::array<std::string_view, 4> kFalse{"no", "false", "off", "disable"};

/// 8 for "255.0.0.0"; nullopt when ones stand behind zeros, or for IPv6.
std::optional<int> mask_bits(std::string_view text) noexcept {
    const auto mask = Address::parse(text);
    if (!mask || mask->version != 4) return std::nullopt;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) bits = bits << 8 | mask->ip[i];
    const int ones = std::countl_one(bits);
    return std::popcount(bits) == ones ? std::optional(ones) : std::nullopt;
}

bool contains(const auto& list, std::string_view word) noexcept {
    return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

std::string_view operator_text(Op op) noexcept {
    const auto found = std::find_if(kBinary.rbegin(), kBinary.rend(),
                                    [op](const Operator& o) { return o.op == op; });
    return found == kBinary.rend() ? std::string_view() : found->text;
}

Expression* Parser::make(Expression::Kind kind, const Position& at) {
    Expression& e = tree_.expressions.emplace_back();
    e.kind = kind;
    e.at = at;
    return &e;
}

Expression* Parser::expression(int lowest) {
    if (nesting_ >= kMaxNesting) {
        fail(peek(), "expression is nested too deeply");
        return nullptr;
    }
    ++nesting_;
    Expression* left = unary();
    while (left != nullptr) {
        const Operator* const o = binary_operator(peek());
        if (at("!") && peek(1).is("~")) {
            fail(peek(), "there is no \"!~\"", "write !(a =~ b)");
            left = nullptr;
            break;
        }
        if (o == nullptr || o->precedence < lowest) break;
        Expression* const e = make(Expression::Kind::binary, take().at);
        e->op = o->op;
        Expression* const right = expression(o->precedence + 1);
        e->parts = {left, right};
        left = right == nullptr ? nullptr : e;
    }
    --nesting_;
    return left;
}

Expression* Parser::unary() {
    const Token& t = peek();
    Op op = Op::none;
    if (t.is("!") || t.is_word("not")) op = Op::logical_not;
    if (t.is("~")) op = Op::bit_not;
    if (t.is("-")) op = Op::negate;
    if (t.is_word("defined")) op = Op::defined;
    const bool cast = t.is("(") && peek(2).is(")");
    if (cast && peek(1).is_word("int")) op = Op::to_int;
    if (cast && peek(1).is_word("str")) op = Op::to_string;
    if (op == Op::none) return primary();
    if (nesting_ >= kMaxNesting) {
        fail(t, "expression is nested too deeply");
        return nullptr;
    }
    Expression* const e = make(Expression::Kind::unary, take().at);
    if (op == Op::to_int || op == Op::to_string) {
        take();
        take();
    }
    e->op = op;
    ++nesting_;
    Expression* const operand = unary();
    --nesting_;
    if (operand == nullptr) return nullptr;
    e->parts = {operand};
    return e;
}

Expression* Parser::primary() {
    const Token& t = peek();
    switch (t.kind) {
        case Tok::number: {
            Expression* const e = make(Expression::Kind::number, t.at);
            e->number = t.number;
            e->text = take().text;
            return e;
        }
        case Tok::string: {
            Expression* const e = make(Expression::Kind::string, t.at);
            e->text = take().text;
            return e;
        }
        case Tok::variable: {
            Expression* const e = make(Expression::Kind::variable, t.at);
            e->text = take().text;
            return e;
        }
        case Tok::word: return word_expression();
        case Tok::address: return address();
        default: break;
    }
    if (t.is("(")) return parenthesised();
    if (t.is("[") && peek(1).kind == Tok::address && peek(2).is("]")) {
        take();
        return address();
    }
    if (t.is("@")) return old_select();
    fail(t, fmt::format("a value expected, found {}", found()));
    return nullptr;
}

/// `@cfg_get.group.name`: the old way to write $sel(cfg_get.group.name).
Expression* Parser::old_select() {
    Expression* const e = make(Expression::Kind::variable, take().at);
    Position name_at;
    constexpr std::string_view kEnd = ")(,;=!<>&|+-*/";
    std::string name = joined(kEnd, name_at);
    // A name in quotes, for what is no word: @msg.header["X-A"].
    while (name.ends_with('[') && peek().kind == Tok::string && peek(1).is("]")) {
        name.back() = '.';
        name += take().text;
        take();
        name += joined(kEnd, name_at);
    }
    if (name.empty()) {
        fail(peek(), "a name is missing behind \"@\"");
        return nullptr;
    }
    extend(e->at, tokens_[at_ - 1]);
    e->text = tree_.texts.keep(fmt::format("$sel({})", name));
    return e;
}

Expression* Parser::address() {
    const Token& t = take();
    Expression* const e = make(Expression::Kind::address, t.at);
    e->text = t.text;
    e->number = -1;
    accept("]");
    if (at("/") && peek(1).kind == Tok::number) {
        take();
        e->number = take().number;
        extend(e->at, tokens_[at_ - 1]);
    } else if (at("/") && peek(1).kind == Tok::address) {
        take();
        const Token& mask = take();
        extend(e->at, mask);
        const auto bits = mask_bits(mask.text);
        if (!bits) {
            fail(mask, fmt::format("\"{}\" is no network mask", mask.text),
                 "as in 10.0.0.0/255.0.0.0 or 10.0.0.0/8");
            return nullptr;
        }
        e->number = *bits;
    }
    return e;
}

Expression* Parser::parenthesised() {
    take();
    Expression* e = nullptr;
    if (peek().kind == Tok::variable && peek(1).is("=")) {
        e = make(Expression::Kind::assign, peek().at);
        e->number = 1;  // in an expression
        Expression* const target = make(Expression::Kind::variable, peek().at);
        target->text = take().text;
        take();
        Expression* const value = expression();
        if (value == nullptr) return nullptr;
        e->parts = {target, value};
    } else {
        e = expression();
    }
    if (e == nullptr) return nullptr;
    if (at("=") && e->kind == Expression::Kind::variable) {
        fail(peek(), "\"=\" assigns", "use == to compare");
        return nullptr;
    }
    return expect(")", "behind the expression") ? e : nullptr;
}

Expression* Parser::word_expression() {
    const Token t = take();
    if (t.text == "strlen") return built_in(t.text, Op::length, 1);
    if (t.text == "strempty") return built_in(t.text, Op::is_empty, 1);
    if (t.text == "selval") return built_in(t.text, Op::none, 3);
    if (t.text == "route" && at("(")) return route_call(t);
    if (at("(")) return call(t);
    if (contains(kTrue, t.text) || contains(kFalse, t.text)) {
        Expression* const e = make(Expression::Kind::number, t.at);
        e->number = contains(kTrue, t.text) ? 1 : 0;
        e->text = t.text;
        return e;
    }
    Expression* const e = make(Expression::Kind::word, t.at);
    e->text = t.text;
    if (t.text == "msg" && at(":") && peek(1).is_word("len")) {
        take();
        extend(e->at, take());
        e->text = "msg:len";
    }
    // A host name: dots and hyphens that touch.
    while ((at(".") || at("-")) && !peek().space_before && !peek(1).space_before &&
           peek(1).kind == Tok::word) {
        std::string longer(e->text);
        longer.append(take().text);
        extend(e->at, peek());
        longer.append(take().text);
        e->text = tree_.texts.keep(std::move(longer));
    }
    return e;
}

Expression* Parser::built_in(std::string_view word, Op op, std::size_t count) {
    const Position word_at = tokens_[at_ - 1].at;
    if (!expect("(", fmt::format("behind {}", word))) return nullptr;
    Expression* const e =
        make(op == Op::none ? Expression::Kind::select : Expression::Kind::unary, word_at);
    e->op = op;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0 && !expect(",", fmt::format("in {}", word))) return nullptr;
        Expression* const part = expression();
        if (part == nullptr) return nullptr;
        e->parts.push_back(part);
    }
    return expect(")", fmt::format("behind the arguments of {}", word)) ? e : nullptr;
}

Expression* Parser::route_call(const Token& name) {
    take();
    Expression* const e = make(Expression::Kind::route, name.at);
    Expression* target = nullptr;
    const bool bare = (peek().kind == Tok::word || peek().kind == Tok::number) &&
                      (peek(1).is(")") || !peek(1).space_before);
    if (bare) {
        Position name_at;
        std::string text = joined(")(,;", name_at);
        target = make(Expression::Kind::string, name_at);
        target->text = tree_.texts.keep(std::move(text));
    } else {
        target = expression();
    }
    if (target == nullptr) return nullptr;
    e->parts = {target};
    return expect(")", "behind the route name") ? e : nullptr;
}

Expression* Parser::call(const Token& name) {
    take();
    Expression* const e = make(Expression::Kind::call, name.at);
    e->text = name.text;
    if (accept(")")) return e;
    do {
        Expression* const part = argument();
        if (part == nullptr) return nullptr;
        e->parts.push_back(part);
    } while (accept(","));
    return expect(")", fmt::format("behind the arguments of {}", name.text)) ? e : nullptr;
}

Expression* Parser::argument() {
    if (at(",") || at(")")) {
        fail(peek(), "an argument is missing here");
        return nullptr;
    }
    const Token& t = peek();
    const bool bare = t.kind == Tok::word || t.kind == Tok::address;
    if (bare && !peek(1).is("(")) {
        const std::size_t begin = at_;
        if (Expression* const e = bare_argument()) return e;
        at_ = begin;
    }
    Expression* const e = expression();
    if (e != nullptr && e->kind == Expression::Kind::call) {
        diagnostics_.error(e->at, "a function call cannot be an argument",
                           "assign it to a variable first");
        Expression* const instead = make(Expression::Kind::string, e->at);
        instead->text = "0";  // fits every argument: one mistake, one message
        return instead;
    }
    return e;
}

/// Words without quotes, as in setflag(FLT_ACC) or forward(uri:host, uri:port).
Expression* Parser::bare_argument() {
    const Token& first = peek();
    const bool boolean =
        first.kind == Tok::word && (contains(kTrue, first.text) || contains(kFalse, first.text));
    if (boolean) return nullptr;
    Position text_at;
    std::string text = joined(",();", text_at);
    if (!at(",") && !at(")")) return nullptr;
    Expression* const e = make(Expression::Kind::string, text_at);
    e->text = tree_.texts.keep(std::move(text));
    e->number = 1;  // written without quotes
    return e;
}

}  // namespace fairlead::cfg
