// The checker: expressions and their types.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cfg/check.h"
#include "cfg/vars.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

bool is_equality(Op op) noexcept {
    return op == Op::equal || op == Op::unequal;
}
bool wants_integers(Op op) noexcept {
    return (op >= Op::bit_or && op <= Op::shift_right) ||
           (op >= Op::greater && op <= Op::less_equal) || (op >= Op::minus && op <= Op::modulo) ||
           op == Op::int_equal || op == Op::int_unequal;
}
bool wants_strings(Op op) noexcept {
    return op == Op::string_equal || op == Op::string_unequal;
}

std::string_view type_word(Known type) noexcept {
    return type == Known::string ? "a string" : "an integer";
}

std::optional<Node::Ip> ip_word(std::string_view word) noexcept {
    if (word == "src_ip") return Node::Ip::source;
    if (word == "dst_ip") return Node::Ip::destination;
    if (word == "snd_ip") return Node::Ip::sending;
    if (word == "to_ip") return Node::Ip::leaving;
    return std::nullopt;
}
bool is_ip_word(const Expression& e) noexcept {
    return e.kind == Expression::Kind::word && ip_word(e.text).has_value();
}
bool is_myself(const Expression& e) noexcept {
    return e.kind == Expression::Kind::word && e.text == "myself";
}
/// Words that stand for an address of a message that is being sent.
bool is_sending_word(std::string_view word) noexcept {
    return word == "snd_ip" || word == "snd_port" || word == "snd_proto" || word == "snd_af" ||
           word == "to_ip" || word == "to_port";
}

}  // namespace

Node* Checker::node(Node::Kind kind, const Position& at) {
    Node* const out = program_->make<Node>();
    out->kind = kind;
    out->place = place(at);
    return out;
}

Checked Checker::constant(const Position& at, const Value& value) {
    Node* const out = node(Node::Kind::constant, at);
    out->value = value;
    return {out, value.is_string() ? Known::string : Known::integer};
}

bool Checker::is_null(const Expression& e) const noexcept {
    return e.kind == Expression::Kind::variable && (e.text == "$null" || e.text == "$(null)");
}

void Checker::mismatch(const Expression& e, const Expression& part, Known wanted) {
    const bool number = wanted == Known::integer;
    diagnostics_.error(
        part.at,
        fmt::format("type mismatch: \"{}\" needs {} here, this is {}", operator_text(e.op),
                    type_word(wanted), type_word(number ? Known::string : Known::integer)),
        number ? "write the number without quotes, or (int) before it"
               : "write it in quotes, or (str) before it");
}

Checked Checker::expression(const Expression& e) {
    using Kind = Expression::Kind;
    switch (e.kind) {
        case Kind::number: return constant(e.at, e.number);
        case Kind::string: return constant(e.at, program_->keep(e.text));
        case Kind::variable: {
            const VariableUse* const use = variable(e);
            if (use == nullptr) return {};
            Node* const out = node(Node::Kind::variable, e.at);
            out->variable = use;
            return {out, Known::any};
        }
        case Kind::word: return word(e);
        case Kind::address: return constant(e.at, program_->keep(e.text));
        case Kind::call: return call(e);
        case Kind::route: return route_call(e);
        case Kind::unary: return unary(e);
        case Kind::binary: return binary(e);
        case Kind::select: return select(e);
        case Kind::assign: return assign(e);
    }
    return {};
}

Checked Checker::operand(const Expression& e) {
    const Checked inner = expression(e);
    if (inner.node == nullptr) return inner;
    const Node::Kind kind = inner.node->kind;
    if (kind != Node::Kind::call && kind != Node::Kind::route && kind != Node::Kind::named_route) {
        return inner;
    }
    Node* const out = node(Node::Kind::truth, e.at);
    out->a = inner.node;
    return {out, Known::integer};
}

Checked Checker::condition(const Expression& e) {
    if (e.kind == Expression::Kind::assign) {
        diagnostics_.warning(e.at, "this assigns", "use == to compare");
    }
    return operand(e);
}

Checked Checker::word(const Expression& e) {
    if (const auto number = number_word(e.text)) return constant(e.at, *number);
    const auto row = registry_.keyword(e.text);
    if (is_sending_word(e.text) && !any_of(allowed_, Route::onsend)) {
        diagnostics_.error(e.at, fmt::format("{} is known in onsend_route only", e.text));
        return {};
    }
    if (row) {
        VariableUse* const use = program_->make<VariableUse>();
        use->row = row->row;
        use->module = row->owner->object.get();
        use->text = program_->keep(e.text);
        Node* const out = node(Node::Kind::variable, e.at);
        out->variable = use;
        return {out, Known::any};
    }
    if (e.text == "myself") {
        diagnostics_.error(e.at, "myself can only be compared",
                           "as in uri == myself or src_ip == myself");
        return {};
    }
    std::string hint;
    if (registry_.variable(e.text)) {
        hint = fmt::format("did you mean ${}?", e.text);
    } else if (!registry_.functions(e.text).empty()) {
        hint = fmt::format("to call the function write {}()", e.text);
    } else {
        hint = fmt::format("text stands in quotes: \"{}\"", e.text);
    }
    diagnostics_.error(e.at, fmt::format("unknown word {}", e.text), std::move(hint));
    return {};
}

Checked Checker::unary(const Expression& e) {
    const Expression& part = *e.parts[0];
    if (e.op == Op::defined && is_null(part)) return constant(e.at, 0);
    const Checked inner = operand(part);
    if (inner.node == nullptr) return {};
    if (e.op == Op::negate && inner.is_constant() && inner.type == Known::integer) {
        const auto n = static_cast<std::uint64_t>(inner.node->value.integer());
        return constant(e.at, static_cast<std::int64_t>(0 - n));
    }
    const bool number = e.op == Op::negate || e.op == Op::bit_not;
    if (number && inner.type == Known::string) {
        diagnostics_.error(part.at, "type mismatch: an integer is needed here, this is a string");
        return {};
    }
    Node* const out = node(Node::Kind::operation, e.at);
    out->op = e.op;
    out->a = inner.node;
    return {out, e.op == Op::to_string ? Known::string : Known::integer};
}

Checked Checker::binary(const Expression& e) {
    if (e.op == Op::match) return match(e);
    const bool address = is_equality(e.op) && (is_ip_word(*e.parts[0]) || is_ip_word(*e.parts[1]) ||
                                               is_myself(*e.parts[0]) || is_myself(*e.parts[1]));
    if (address) return address_comparison(e);
    if (is_equality(e.op) && is_null(*e.parts[1])) {
        // `x == $null` asks whether x is defined.
        const Checked inner = operand(*e.parts[0]);
        if (inner.node == nullptr) return {};
        Node* const defined = node(Node::Kind::operation, e.at);
        defined->op = Op::defined;
        defined->a = inner.node;
        if (e.op == Op::unequal) return {defined, Known::integer};
        Node* const out = node(Node::Kind::operation, e.at);
        out->op = Op::logical_not;
        out->a = defined;
        return {out, Known::integer};
    }
    if (is_equality(e.op) && e.parts[0]->kind == Expression::Kind::word) {
        const auto row = registry_.keyword(e.parts[0]->text);
        if (row) return word_comparison(e, *row->row);
    }
    const Checked left = operand(*e.parts[0]), right = operand(*e.parts[1]);
    if (left.node == nullptr || right.node == nullptr) return {};
    return comparison(e, left, right);
}

Checked Checker::comparison(const Expression& e, Checked left, Checked right) {
    if (e.op >= Op::equal && e.op <= Op::less_equal) warn_of_code(e);
    const Expression &a = *e.parts[0], &b = *e.parts[1];
    if (wants_integers(e.op)) {
        if (left.type == Known::string) return mismatch(e, a, Known::integer), Checked{};
        if (right.type == Known::string) return mismatch(e, b, Known::integer), Checked{};
    } else if (wants_strings(e.op)) {
        if (left.type == Known::integer) return mismatch(e, a, Known::string), Checked{};
        if (right.type == Known::integer) return mismatch(e, b, Known::string), Checked{};
    } else if ((is_equality(e.op) || e.op == Op::plus) && left.type == Known::integer &&
               right.type == Known::string) {
        return mismatch(e, b, Known::integer), Checked{};
    }
    Node* const out = node(Node::Kind::operation, e.at);
    out->op = e.op;
    out->a = left.node;
    out->b = right.node;
    const bool text = e.op == Op::plus && left.type == Known::string;
    const bool unknown = e.op == Op::plus && left.type == Known::any;
    return {out, text ? Known::string : unknown ? Known::any : Known::integer};
}

const Network* Checker::network(const Expression& e) {
    const auto address = Address::parse(e.text);
    if (!address) {
        diagnostics_.error(e.at, fmt::format("\"{}\" is no IP address", e.text),
                           "names are not looked up: write the address");
        return nullptr;
    }
    Network* const out = program_->make<Network>();
    out->address = *address;
    const int bits = address->version == 4 ? 32 : 128;
    out->prefix = bits;
    if (e.kind == Expression::Kind::address && e.number >= 0) {
        if (e.number > bits) {
            diagnostics_.error(e.at,
                               fmt::format("a prefix of this network has at most {} bits", bits));
            return nullptr;
        }
        out->prefix = static_cast<int>(e.number);
    }
    return out;
}

Checked Checker::address_comparison(const Expression& e) {
    // The word may stand on either side.
    const bool turned =
        is_myself(*e.parts[0]) || (!is_ip_word(*e.parts[0]) && is_ip_word(*e.parts[1]));
    const Expression& subject = *e.parts[turned ? 1 : 0];
    const Expression& object = *e.parts[turned ? 0 : 1];
    Node* out = nullptr;
    if (is_ip_word(subject)) {
        if (word(subject).node == nullptr) return {};
        const bool literal = object.kind == Expression::Kind::address ||
                             object.kind == Expression::Kind::string ||
                             (object.kind == Expression::Kind::word && !is_myself(object) &&
                              !registry_.keyword(object.text));
        if (!is_myself(object) && !literal) {  // a variable: the texts are compared
            const Checked left = operand(subject), right = operand(object);
            if (left.node == nullptr || right.node == nullptr) return {};
            return comparison(e, left, right);
        }
        out = node(is_myself(object) ? Node::Kind::my_address : Node::Kind::in_network, e.at);
        out->ip = *ip_word(subject.text);
        out->builtin = builtin_;
        if (literal) {
            out->network = network(object);
            if (out->network == nullptr) return {};
        }
    } else {
        const Checked uri = operand(subject);
        if (uri.node == nullptr) return {};
        out = node(Node::Kind::my_uri, e.at);
        out->a = uri.node;
        out->builtin = builtin_;
    }
    if (e.op == Op::equal) return {out, Known::integer};
    Node* const inverse = node(Node::Kind::operation, e.at);
    inverse->op = Op::logical_not;
    inverse->a = out;
    return {inverse, Known::integer};
}

/// `method == "invite"`: bare words compare without case, and the right side may be a bare word.
Checked Checker::word_comparison(const Expression& e, const Variable& word_row) {
    const Expression& right_side = *e.parts[1];
    const Checked left = operand(*e.parts[0]);
    Checked right;
    const bool bare = right_side.kind == Expression::Kind::word && word_row.name == "method";
    if (bare) {
        right = constant(right_side.at, program_->keep(right_side.text));
    } else {
        right = operand(right_side);
    }
    if (left.node == nullptr || right.node == nullptr) return {};
    if (right.type == Known::integer) return comparison(e, left, right);
    Node* const out = node(Node::Kind::same_letters, e.at);
    out->op = e.op;
    out->a = left.node;
    out->b = right.node;
    return {out, Known::integer};
}

const Regex* Checker::regex(const Position& at, std::string_view pattern, bool any_case) {
    const std::pair key(std::string(pattern), any_case);
    if (const auto known = regexes_.find(key); known != regexes_.end()) return known->second;
    const Regex& made =
        program_->regexes_.emplace_back(pattern, Regex::Options{.any_case = any_case});
    if (!made.ok()) {
        diagnostics_.error(at, fmt::format("bad regular expression: {}", made.problem()));
        return nullptr;
    }
    return regexes_.emplace(key, &made).first->second;
}

Checked Checker::match(const Expression& e) {
    const Checked left = operand(*e.parts[0]);
    const Expression& pattern = *e.parts[1];
    Node* const out = node(Node::Kind::match, e.at);
    out->a = left.node;
    if (pattern.kind == Expression::Kind::string) {
        out->regex = regex(pattern.at, pattern.text, true);
        if (out->regex == nullptr) return {};
    } else {
        const Checked made = operand(pattern);
        if (made.type == Known::integer && made.node != nullptr) {
            mismatch(e, pattern, Known::string);
            return {};
        }
        out->b = made.node;
        if (made.node == nullptr) return {};
    }
    if (left.node == nullptr) return {};
    return {out, Known::integer};
}

Checked Checker::select(const Expression& e) {
    const Checked which = condition(*e.parts[0]);
    const Checked yes = operand(*e.parts[1]), no = operand(*e.parts[2]);
    if (which.node == nullptr || yes.node == nullptr || no.node == nullptr) return {};
    Node* const out = node(Node::Kind::select, e.at);
    out->a = which.node;
    out->b = yes.node;
    out->c = no.node;
    return {out, yes.type == no.type ? yes.type : Known::any};
}

Checked Checker::assign(const Expression& e) {
    const Expression& target = *e.parts[0];
    const Checked value = expression(*e.parts[1]);
    access_ = Access::write;
    const VariableUse* const use = variable(target);
    access_ = Access::read;
    if (use != nullptr && use->row->set == nullptr) {
        diagnostics_.error(target.at, fmt::format("${} can only be read", use->row->name),
                           e.number == 1 ? "\"=\" assigns: use == to compare" : "");
        return {};
    }
    if (use != nullptr && !use->transforms.empty()) {
        diagnostics_.error(target.at, "a transformed value cannot be assigned to");
        return {};
    }
    if (use == nullptr || value.node == nullptr) return {};
    Node* const out = node(Node::Kind::assign, e.at);
    out->variable = use;
    out->a = value.node;
    return {out, value.type};
}

RouteId Checker::find_route(const Position& at, Route type, std::string_view name) {
    RouteId found = program_->find(type, name);
    if (found == RouteId::none && type == Route::branch_failure) {
        found = program_->find(Route::event, fmt::format("tm:branch-failure:{}", name));
    }
    if (found != RouteId::none) return found;
    std::vector<std::string_view> names;
    for (const CompiledRoute& r : program_->routes_) {
        if (any_of(r.type, type) && !r.name.empty()) names.push_back(r.name);
    }
    const std::string_view like = nearest(name, names);
    const std::string_view kind = type == Route::request ? "route" : route_word(type);
    diagnostics_.error(at, fmt::format("{}[{}] does not exist", kind, name),
                       like.empty() ? "" : fmt::format("did you mean {}?", like));
    return RouteId::none;
}

Checked Checker::route_call(const Expression& e) {
    const Expression& name = *e.parts[0];
    if (name.kind == Expression::Kind::string || name.kind == Expression::Kind::number) {
        const bool main = name.text == "0" || name.text == "main";
        note_text(name.text);
        const RouteId target =
            find_route(name.at, Route::request, main ? std::string_view() : name.text);
        if (target == RouteId::none) return {};
        Node* const out = node(Node::Kind::route, e.at);
        out->target = target;
        return {out, Known::integer};
    }
    routes_by_name_ = true;
    const Checked made = expression(name);
    if (made.node == nullptr) return {};
    Node* const out = node(Node::Kind::named_route, e.at);
    out->a = made.node;
    return {out, Known::integer};
}

}  // namespace fairlead::cfg
