// The parser: top level, route blocks and statements, and where it goes on after a mistake.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::cfg {

namespace {

constexpr std::array<std::string_view, 7> kRouteWords{
    "request_route", "route",        "reply_route", "onreply_route",
    "failure_route", "branch_route", "onsend_route"};
constexpr std::array<std::string_view, 6> kLoadWords{"loadmodule", "loadmodulex", "loadpath",
                                                     "mpath",      "modparam",    "modparamx"};

/// Functions that may be called without parentheses.
constexpr std::array<std::string_view, 3> kBareCalls{"force_rport", "add_rport", "add_local_rport"};

bool contains(const auto& list, std::string_view word) noexcept {
    return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Parser::Parser(std::span<const Token> tokens, Config& config, Diagnostics& diagnostics)
    : tokens_(tokens), config_(config), tree_(*config.tree), diagnostics_(diagnostics) {}

// ---- Tokens -------------------------------------------------------------------------------------

const Token& Parser::peek(std::size_t ahead) const noexcept {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& Parser::take() noexcept {
    const Token& t = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
}

bool Parser::accept(std::string_view mark) noexcept {
    if (!at(mark)) return false;
    take();
    return true;
}

bool Parser::accept_word(std::string_view word) noexcept {
    if (!peek().is_word(word)) return false;
    take();
    return true;
}

std::string Parser::found() const {
    const Token& t = peek();
    switch (t.kind) {
        case Tok::end: return "the end of the file";
        case Tok::string: return "a string";
        default: return fmt::format("\"{}\"", t.text);
    }
}

bool Parser::fail(const Token& t, std::string text, std::string hint) {
    // The lexer has already said what is wrong with a bad token, and what follows from it is noise.
    const bool known = t.kind == Tok::bad || peek().kind == Tok::bad ||
                       (at_ > 0 && tokens_[at_ - 1].kind == Tok::bad);
    if (!known && reported_at_ != at_) diagnostics_.error(t.at, std::move(text), std::move(hint));
    reported_at_ = at_;
    return false;
}

bool Parser::fail_behind(std::string text, std::string hint) {
    Token behind = at_ > 0 ? tokens_[at_ - 1] : peek();
    if (behind.kind != Tok::bad) {
        behind.at.column += behind.at.length;
        behind.at.length = 1;
    }
    return fail(behind, std::move(text), std::move(hint));
}

bool Parser::expect(std::string_view mark, std::string_view where) {
    if (accept(mark)) return true;
    if (peek().line_start || peek().kind == Tok::end) {
        return fail_behind(fmt::format("\"{}\" is missing {}", mark, where));
    }
    return fail(peek(), fmt::format("\"{}\" expected {}, found {}", mark, where, found()));
}

bool Parser::expect_end() {
    if (accept(";")) return true;
    if (peek().line_start || at("}") || peek().kind == Tok::end) {
        fail_behind("\";\" is missing behind this statement");
        return peek().kind != Tok::bad;  // go on with what follows as if it were there
    }
    return fail(peek(), fmt::format("\";\" expected, found {}", found()));
}

void Parser::extend(Position& at, const Token& last) noexcept {
    if (last.at.file == at.file && last.at.line == at.line && last.at.column >= at.column) {
        at.length = last.at.column + last.at.length - at.column;
    }
}

std::string Parser::joined(std::string_view stop, Position& at) {
    std::string text;
    at = peek().at;
    for (bool first = true;; first = false) {
        const Token& t = peek();
        const bool part = t.kind == Tok::word || t.kind == Tok::number || t.kind == Tok::address ||
                          (t.kind == Tok::mark && stop.find(t.text) == std::string_view::npos);
        if (!part || (t.space_before && !first)) break;
        text += t.text;
        extend(at, t);
        take();
        if (at_ + 1 >= tokens_.size()) break;
    }
    return text;
}

// ---- Finding the next place to go on ------------------------------------------------------------

bool Parser::starts_route() const noexcept {
    const Token& t = peek();
    if (t.kind != Tok::word) return false;
    if (t.text == "event_route") return true;
    return contains(kRouteWords, t.text) && (peek(1).is("[") || peek(1).is("{"));
}

bool Parser::starts_section() const noexcept {
    const Token& t = peek();
    return starts_route() || (t.kind == Tok::word && contains(kLoadWords, t.text) &&
                              (peek(1).kind == Tok::string || peek(1).is("(") || peek(1).is("=")));
}

void Parser::skip_section() {
    int depth = 0;
    while (peek().kind != Tok::end) {
        if (depth <= 0 && peek().line_start) {
            const bool setting = peek().kind == Tok::word && peek(1).is("=");
            // Lines of the global part are not indented as a rule; what is, goes on.
            const bool outermost = peek().kind == Tok::word && peek().at.column == 1;
            if (starts_section() || setting || outermost) return;
        }
        if (starts_route() && peek().line_start) return;  // braces were not balanced before it
        const Token& t = take();
        depth += t.is("{") ? 1 : t.is("}") ? -1 : 0;
        if (depth == 0 && (t.is(";") || t.is("}") || t.kind == Tok::bad)) return;
    }
}

void Parser::skip_statement() {
    int depth = 0, parentheses = 0;
    while (peek().kind != Tok::end) {
        if (starts_section() && peek().line_start) return;
        if (depth == 0 && at("}")) return;
        const Token& t = take();
        if (t.kind == Tok::bad && depth == 0) return;
        parentheses = std::max(0, parentheses + (t.is("(") ? 1 : t.is(")") ? -1 : 0));
        depth += t.is("{") ? 1 : t.is("}") ? -1 : 0;
        if (depth == 0 && (t.is("}") || t.is(";"))) return;
        // A line that begins like a statement is one, whatever is open before it.
        const Token& next = peek();
        const bool begins = next.line_start && (next.kind == Tok::variable ||
                                                (next.kind == Tok::word && peek(1).is("(")));
        if (depth == 0 && parentheses == 0 && begins) return;
    }
}

// ---- Top level ----------------------------------------------------------------------------------

void Parser::parse() {
    if (peek().kind == Tok::end && diagnostics_.errors() == 0) {
        diagnostics_.error(peek().at, "the configuration is empty");
    }
    while (peek().kind != Tok::end) {
        const std::size_t before = at_;
        section();
        if (at_ == before) take();
    }
}

void Parser::route() {
    RouteBlock block;
    const Token keyword = take();
    block.at = keyword.at;
    bool ok = route_name(block, keyword.text);
    if (ok && !at("{")) {
        ok = fail_behind(fmt::format("\"{{\" is missing, which begins the block"));
    }
    if (!ok) return skip_section();
    const Position opened = take().at;
    this->block(block.body, opened, keyword.text);
    add_route(std::move(block));
}

bool Parser::route_name(RouteBlock& block, std::string_view keyword) {
    const bool named = accept("[");
    if (named) {
        Position name_at;
        if (peek().kind == Tok::string) {
            block.name = take().text;
        } else {
            block.name = joined("]", name_at);
        }
        if (block.name.empty()) return fail(peek(), "a route name is missing between [ and ]");
        if (!expect("]", "behind the route name")) return false;
    }
    if (keyword == "request_route" || keyword == "route") {
        if (block.name == "0" || block.name == "main") block.name.clear();
        block.type = Route::request;
        block.shared = !block.name.empty();
    } else if (keyword == "reply_route" || keyword == "onreply_route") {
        if (block.name == "0") block.name.clear();
        block.type = block.name.empty() ? Route::core_reply : Route::tm_reply;
    } else if (keyword == "failure_route" || keyword == "branch_route") {
        block.type = keyword == "failure_route" ? Route::failure : Route::branch;
        if (!named) block.name = "0";
    } else if (keyword == "onsend_route") {
        block.type = Route::onsend;
        block.name.clear();
    } else {
        block.type = Route::event;
        if (block.name.find(':') == std::string::npos) {
            diagnostics_.error(block.at,
                               block.name.empty() ? "event_route needs a name in [ ]"
                                                  : "the name of an event route has a colon",
                               "as in event_route[tm:local-request]");
        }
    }
    return true;
}

void Parser::add_route(RouteBlock block) {
    for (RouteBlock& other : tree_.routes) {
        if (other.type != block.type || other.name != block.name) continue;
        if (block.name.empty() && block.type != Route::onsend) {
            // Kamailio runs the actions of both, one behind the other.
            other.body.insert(other.body.end(), block.body.begin(), block.body.end());
            return;
        }
        diagnostics_.error(block.at, fmt::format("duplicate route [{}]", block.name),
                           fmt::format("the first one is at {}", diagnostics_.where(other.at)));
        break;  // its body is checked all the same
    }
    tree_.routes.push_back(std::move(block));
}

// ---- Statements ---------------------------------------------------------------------------------

Statement* Parser::make(Statement::Kind kind, const Position& at) {
    Statement& s = tree_.statements.emplace_back();
    s.kind = kind;
    s.at = at;
    return &s;
}

bool Parser::block(std::vector<Statement*>& into, const Position& opened, std::string_view what) {
    while (!accept("}")) {
        const bool next_section = starts_section() && peek().line_start;
        if (peek().kind == Tok::end || next_section) {
            if (reported_at_ != at_) {
                diagnostics_.error(
                    opened, fmt::format("this {} is not closed", what),
                    next_section ? fmt::format("\"}}\" is missing before line {}", peek().at.line)
                                 : "\"}\" is missing at the end of the file");
            }
            reported_at_ = at_;  // the blocks around it are open for the same reason
            return false;
        }
        const std::size_t before = at_;
        if (!statement(into)) skip_statement();
        if (at_ == before && !at("}") && !(starts_section() && peek().line_start)) take();
    }
    return true;
}

bool Parser::body(std::vector<Statement*>& into, std::string_view what) {
    if (at("{")) {
        const Position opened = take().at;
        if (nesting_ >= kMaxNesting) return fail(peek(), "blocks are nested too deeply");
        ++nesting_;
        block(into, opened, what);
        --nesting_;
        return true;
    }
    if (nesting_ >= kMaxNesting) return fail(peek(), "blocks are nested too deeply");
    ++nesting_;
    const bool ok = statement(into);
    --nesting_;
    return ok;
}

bool Parser::statement(std::vector<Statement*>& into) {
    const Token& t = peek();
    if (accept(";")) return true;
    if (t.kind == Tok::bad) {
        take();
        return true;
    }
    if (t.is("{")) {
        Statement* const s = make(Statement::Kind::block, t.at);
        into.push_back(s);
        return body(s->body, "block");
    }
    if (t.kind == Tok::word) return word_statement(into);
    if (t.kind != Tok::variable) {
        return fail(t, fmt::format("a statement cannot begin with {}", found()));
    }
    if (peek(1).is("+=") || peek(1).is("-=")) {
        take();
        return fail(peek(), fmt::format("there is no \"{}\"", peek().text),
                    fmt::format("write {} = {} {} …", t.text, t.text, peek().text.substr(0, 1)));
    }
    Statement* const s = make(Statement::Kind::call, t.at);
    s->value = make(Expression::Kind::assign, t.at);
    Expression* const target = make(Expression::Kind::variable, t.at);
    target->text = take().text;
    if (!expect("=", "behind the variable: a statement that begins with one is an assignment")) {
        return false;
    }
    Expression* const value = expression();
    if (value == nullptr) return false;
    s->value->parts = {target, value};
    into.push_back(s);
    return expect_end();
}

bool Parser::word_statement(std::vector<Statement*>& into) {
    const Token t = peek();
    Statement s;
    s.at = t.at;
    bool (Parser::*rule)(Statement&) = nullptr;
    if (t.text == "if") rule = &Parser::branch;
    if (t.text == "while") rule = &Parser::loop;
    if (t.text == "switch") rule = &Parser::choice;
    if (t.text == "break" || t.text == "return" || t.text == "exit" || t.text == "drop") {
        rule = &Parser::leave;
    }
    if (rule != nullptr) {
        take();
        const bool ok = (this->*rule)(s);
        if (ok || s.value != nullptr || !s.body.empty()) {
            into.push_back(&tree_.statements.emplace_back(std::move(s)));
        }
        return ok;
    }
    if (t.text == "else") {
        return fail(t, "\"else\" without \"if\"", "an if takes one statement or one { block }");
    }
    if (t.text == "for" || t.text == "foreach") {
        fail(t, fmt::format("\"{}\" does not exist", t.text), "write while");
        take();
        int open = 0;
        do {
            const Token& part = take();
            open += part.is("(") ? 1 : part.is(")") ? -1 : 0;
        } while (open > 0 && peek().kind != Tok::end && !starts_section());
        return statement(into);
    }
    if (t.text == "case" || t.text == "default") {
        return fail(t, fmt::format("\"{}\" outside of a switch", t.text));
    }
    if (t.text == "elseif" || t.text == "elsif" || t.text == "elif") {
        return fail(t, fmt::format("\"{}\" does not exist", t.text), "write else if");
    }
    if (contains(kBareCalls, t.text) && peek(1).is(";")) {
        s.kind = Statement::Kind::call;
        s.value = make(Expression::Kind::call, take().at);
        s.value->text = t.text;
        into.push_back(&tree_.statements.emplace_back(std::move(s)));
        return expect_end();
    }
    if (!peek(1).is("(")) {
        const bool assigns = peek(1).is("=");
        take();
        return fail(t, fmt::format("\"{}\" is no statement{}", t.text,
                                   assigns ? "; settings stand outside of routes"
                                           : ": \"(\" is missing behind it"));
    }
    Expression* const value = expression();
    if (value == nullptr) return false;
    s.kind = Statement::Kind::call;
    s.value = value;
    if (value->kind != Expression::Kind::call && value->kind != Expression::Kind::route) {
        return fail(t, "the result of this expression is not used");
    }
    into.push_back(&tree_.statements.emplace_back(std::move(s)));
    return expect_end();
}

bool Parser::branch(Statement& s) {
    s.kind = Statement::Kind::branch;
    s.value = expression();
    if (s.value == nullptr) return false;
    if (!body(s.body, "if block")) return false;
    if (!accept_word("else")) return true;
    return body(s.otherwise, "else block");
}

bool Parser::loop(Statement& s) {
    s.kind = Statement::Kind::loop;
    s.value = expression();
    return s.value != nullptr && body(s.body, "while block");
}

bool Parser::choice(Statement& s) {
    s.kind = Statement::Kind::choice;
    s.value = expression();
    if (s.value == nullptr || !expect("{", "behind the value of switch")) return false;
    const Position opened = tokens_[at_ - 1].at;
    while (!accept("}")) {
        if (accept(";")) continue;
        if (peek().kind == Tok::end || (starts_section() && peek().line_start)) {
            diagnostics_.error(opened, "this switch is not closed", "\"}\" is missing");
            reported_at_ = at_;
            return false;
        }
        if (!one_case(s)) {
            skip_statement();
            while (!peek().is_word("case") && !peek().is_word("default") && !at("}") &&
                   peek().kind != Tok::end && !(starts_section() && peek().line_start)) {
                skip_statement();
            }
        }
    }
    return true;
}

bool Parser::one_case(Statement& s) {
    Case one;
    one.at = peek().at;
    if (accept_word("default")) {
        one.kind = Case::Kind::otherwise;
    } else if (accept_word("case")) {
        if (accept("/")) {
            one.kind = Case::Kind::regex;
            if (peek().kind != Tok::string) {
                return fail(peek(), "a pattern in quotes expected, as in case /\"^sip:\":");
            }
            one.value = primary();
            accept("/");
        } else {
            one.value = expression();
        }
        if (one.value == nullptr) return false;
    } else {
        return fail(peek(), fmt::format("\"case\" or \"default\" expected, found {}", found()));
    }
    if (!expect(":", "behind the case")) return false;
    s.cases.push_back(std::move(one));
    while (!at("}") && !peek().is_word("case") && !peek().is_word("default")) {
        if (peek().kind == Tok::end || (starts_section() && peek().line_start)) break;
        const std::size_t before = at_;
        if (!statement(s.cases.back().body)) skip_statement();
        if (at_ == before) break;
    }
    return true;
}

bool Parser::leave(Statement& s) {
    const std::string_view word = tokens_[at_ - 1].text;
    s.kind = word == "break"    ? Statement::Kind::leave
             : word == "return" ? Statement::Kind::give_back
             : word == "exit"   ? Statement::Kind::exit
                                : Statement::Kind::drop;
    const bool empty_parentheses = at("(") && peek(1).is(")");
    if (empty_parentheses && s.kind != Statement::Kind::leave) {
        take();
        take();
    } else if (!at(";") && !at("}") && !peek().line_start && s.kind != Statement::Kind::leave) {
        s.value = expression();
        if (s.value == nullptr) return false;
    }
    return expect_end();
}

}  // namespace fairlead::cfg
