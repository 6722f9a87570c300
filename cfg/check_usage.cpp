// The checker: warnings about what does nothing, or not what it seems to do.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cfg/check.h"

namespace fairlead::cfg {

namespace {

bool is_call(const Expression& e) noexcept {
    return e.kind == Expression::Kind::call || e.kind == Expression::Kind::route;
}

/// The number that an expression is, also with a minus before it.
std::optional<std::int64_t> literal(const Expression& e) noexcept {
    if (e.kind == Expression::Kind::number) return e.number;
    if (e.kind != Expression::Kind::unary || e.op != Op::negate) return std::nullopt;
    const auto inner = literal(*e.parts[0]);
    return inner ? std::optional(-*inner) : std::nullopt;
}

}  // namespace

// ---- Variables ----------------------------------------------------------------------------------

void Checker::note_variable(const Position& at, const VariableUse& use) {
    if (use.row->name != "var" && use.row->name != "avp") return;
    std::string_view name = use.name.inner;
    if (name.starts_with("s:")) name.remove_prefix(2);
    // A name that is made at run time may be any.
    if (use.inner != nullptr) name = "*";
    Usage& usage = usage_[fmt::format("{} {}", use.row->name, name)];
    if (access_ != Access::write && !usage.read) {
        usage.read = true;
        usage.first = at;
    }
    if (access_ != Access::read) usage.written = true;
}

void Checker::note_text(std::string_view text) {
    if (!text.empty()) texts_.emplace(text);
}

/// Whether some argument or parameter has this name in it: a module may use it.
bool Checker::is_named(std::string_view text) const {
    if (texts_.contains(text)) return true;
    return std::ranges::any_of(config_.parameters, [text](const ModParamLine& p) {
        return p.value.text.find(text) != std::string::npos;
    });
}

void Checker::warn_of_unwritten() {
    for (const auto& [key, usage] : usage_) {
        if (usage.written || !usage.read) continue;
        const std::size_t space = key.find(' ');
        const std::string row = key.substr(0, space), name = key.substr(space + 1);
        const auto dynamic = usage_.find(row + " *");
        if (name == "*" || (dynamic != usage_.end() && dynamic->second.written)) continue;
        if (is_named(name)) continue;
        std::vector<std::string_view> others;
        for (const auto& [other, its] : usage_) {
            if (its.written && other.starts_with(row + " ")) {
                others.push_back(std::string_view(other).substr(space + 1));
            }
        }
        // Of one or two letters everything is near.
        const std::string_view like = name.size() > 2 ? nearest(name, others) : "";
        diagnostics_.warning(usage.first,
                             fmt::format("${}({}) is read but never written", row, name),
                             like.empty() ? "" : fmt::format("did you mean ${}({})?", row, like));
    }
}

// ---- Routes and statements ----------------------------------------------------------------------

void Checker::warn_of_unused_routes() {
    for (const RouteBlock& block : tree_.routes) {
        const bool named = block.shared || block.type == Route::failure ||
                           block.type == Route::branch || block.type == Route::tm_reply;
        if (!named || is_named(block.name) || (block.shared && routes_by_name_)) continue;
        diagnostics_.warning(
            block.at, fmt::format("{}[{}] is never used",
                                  block.shared ? "route" : route_word(block.type), block.name));
    }
}

void Checker::warn_behind_end(const std::vector<Statement*>& body) {
    using Kind = Statement::Kind;
    for (std::size_t i = 0; i + 1 < body.size(); ++i) {
        const Kind kind = body[i]->kind;
        const bool ends = kind == Kind::leave || kind == Kind::give_back || kind == Kind::exit ||
                          kind == Kind::drop;
        if (!ends) continue;
        // What follows a case may only be there for the eye.
        const Kind next = body[i + 1]->kind;
        if (next == Kind::leave) continue;
        diagnostics_.warning(
            body[i + 1]->at, "this is never reached",
            fmt::format("the statement in line {} ends the block", body[i]->at.line));
        return;
    }
}

void Checker::warn_of_zero(const Statement& s) {
    if (s.kind != Statement::Kind::give_back || !shared_ || s.value == nullptr) return;
    if (literal(*s.value) != 0) return;
    diagnostics_.warning(s.at, "return 0 ends the whole script",
                         "return -1 says no to the caller, exit says what is meant");
}

/// Functions are 1 or 0 in expressions: a comparison with their codes is not what it seems.
void Checker::warn_of_code(const Expression& e) {
    const Expression &a = *e.parts[0], &b = *e.parts[1];
    const bool left = is_call(a), right = is_call(b);
    if (left == right) return;
    const Expression& call = left ? a : b;
    const auto number = literal(left ? b : a);
    if (!number) return;
    const std::string name = call.kind == Expression::Kind::route ? std::string("route()")
                                                                  : fmt::format("{}()", call.text);
    diagnostics_.warning(call.at,
                         fmt::format("{} is 1 or 0 in an expression, never its return code", name),
                         "without a comparison it is true above 0; $rc has the code behind it");
}

}  // namespace fairlead::cfg
