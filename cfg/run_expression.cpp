// The interpreter: values and operators. The left operand decides what the right one becomes.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cfg/run.h"
#include "cfg/vars.h"
#include "core/base/text.h"

namespace fairlead::cfg {

std::int64_t Run::number(const Value& v, const Node& n) {
    if (v.is_integer()) return v.integer();
    if (v.is_null()) return 0;
    if (const auto parsed = text::parse_int(v.string())) return *parsed;
    say(log::Level::warning, n.place,
        fmt::format("automatic string to int conversion for \"{}\" failed", v.string()));
    return 0;
}

bool Run::is_true(const Value& v, const Node& n) {
    return number(v, n) > 0;
}

Value Run::value(const Node& n) {
    switch (n.kind) {
        case Node::Kind::constant: return n.value;
        case Node::Kind::variable: return n.variable->get(message_);
        case Node::Kind::format: return n.format->text(message_);
        case Node::Kind::call: return call(n);
        case Node::Kind::route: {
            const int code = route(n.target, n);
            return message_.return_code = code;
        }
        case Node::Kind::named_route: {
            const int code = named_route(n);
            return message_.return_code = code;
        }
        case Node::Kind::truth: return value(*n.a).integer() > 0 ? 1 : 0;
        case Node::Kind::operation: return operation(n);
        case Node::Kind::match: return match(n);
        case Node::Kind::select: {
            const bool first = is_true(value(*n.a), n);
            return over_ ? Value() : value(first ? *n.b : *n.c);
        }
        case Node::Kind::assign: return assign(n);
        case Node::Kind::same_letters: {
            const std::string_view a = text_of(message_, value(*n.a));
            const std::string_view b = text_of(message_, value(*n.b));
            return text::ci_equal(a, b) == (n.op == Op::equal) ? 1 : 0;
        }
        case Node::Kind::in_network: return n.network->contains(address(n)) ? 1 : 0;
        case Node::Kind::my_address: return n.builtin->is_mine(address(n)) ? 1 : 0;
        case Node::Kind::my_uri: {
            const Value uri = value(*n.a);
            return uri.is_string() && n.builtin->is_mine(uri.string()) ? 1 : 0;
        }
    }
    return {};
}

const Address& Run::address(const Node& n) const noexcept {
    constexpr static Address kNone{};
    if (n.ip == Node::Ip::source) return message_.received.source;
    if (n.ip == Node::Ip::destination) return message_.received.local;
    if (n.ip == Node::Ip::leaving) {
        return message_.leaving != nullptr ? message_.leaving->to.address : kNone;
    }
    const Address* const own = n.builtin->sending_address(message_);
    return own != nullptr ? *own : kNone;
}

Value Run::assign(const Node& n) {
    stand_at(n);
    const Value v = value(*n.a);
    if (over_ || failed_) return v;
    if (v.is_absent()) {
        say(log::Level::error, n.place,
            fmt::format("non existing right pvar: {} keeps its value", n.variable->text));
        return v;
    }
    if (!n.variable->set(message_, v)) {
        say(log::Level::error, n.place, fmt::format("{} was not set", n.variable->text));
    } else if (message_.trace != nullptr) {
        trace_assigned(n, v);
    }
    return v;
}

Value Run::match(const Node& n) {
    const Value subject = value(*n.a);
    const std::string_view text = text_of(message_, subject);
    if (over_) return 0;
    if (n.regex != nullptr) return n.regex->matches(text) ? 1 : 0;
    const Value pattern = value(*n.b);
    if (over_) return 0;
    std::string problem;
    const Regex* const made =
        regexes_.find(text_of(message_, pattern), {.any_case = true}, problem);
    if (made == nullptr) {
        say(log::Level::error, n.place, fmt::format("bad regular expression: {}", problem));
        return 0;
    }
    return made->matches(text) ? 1 : 0;
}

// ---- Operators ----------------------------------------------------------------------------------

Value Run::plus(const Node& n, const Value& a, const Value& b) {
    const bool text = a.is_string() || (a.is_null() && b.is_string());
    if (text) return message_.arena.concat({text_of(message_, a), text_of(message_, b)});
    return arithmetic(n, number(a, n), number(b, n));
}

bool Run::equal(const Node& n, const Value& a, const Value& b) {
    const bool text = a.is_string() || (a.is_null() && b.is_string());
    if (text) return text_of(message_, a) == text_of(message_, b);
    return number(a, n) == number(b, n);
}

Value Run::arithmetic(const Node& n, std::int64_t a, std::int64_t b) {
    // Overflow wraps, so the sums are made on unsigned numbers.
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    const auto made = [](std::uint64_t u) { return Value(static_cast<std::int64_t>(u)); };
    constexpr std::uint64_t kBits = 63;
    switch (n.op) {
        case Op::plus: return made(x + y);
        case Op::minus: return made(x - y);
        case Op::times: return made(x * y);
        case Op::bit_or: return made(x | y);
        case Op::bit_xor: return made(x ^ y);
        case Op::bit_and: return made(x & y);
        case Op::shift_left: return made(x << (y & kBits));
        case Op::shift_right: return a >> (y & kBits);
        case Op::greater: return a > b ? 1 : 0;
        case Op::less: return a < b ? 1 : 0;
        case Op::greater_equal: return a >= b ? 1 : 0;
        case Op::less_equal: return a <= b ? 1 : 0;
        case Op::int_equal: return a == b ? 1 : 0;
        case Op::int_unequal: return a != b ? 1 : 0;
        case Op::divide:
        case Op::modulo: break;
        default: return {};
    }
    if (b == 0) {
        failed_ = true;
        say(log::Level::error, n.place, n.op == Op::divide ? "rv div by 0" : "rv mod by 0");
        return 0;
    }
    if (b == -1) return n.op == Op::divide ? made(0 - x) : Value(0);  // INT64_MIN / -1 traps
    return n.op == Op::divide ? a / b : a % b;
}

Value Run::operation(const Node& n) {
    const Value a = value(*n.a);
    if (over_) return {};
    switch (n.op) {
        case Op::logical_not: return number(a, n) == 0 ? 1 : 0;
        case Op::bit_not: return ~number(a, n);
        case Op::negate:
            return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(number(a, n)));
        case Op::to_int: return number(a, n);
        case Op::to_string: return text_of(message_, a);
        case Op::defined: return a.is_null() ? 0 : 1;
        case Op::length: return static_cast<std::int64_t>(text_of(message_, a).size());
        case Op::is_empty: return text_of(message_, a).empty() ? 1 : 0;
        case Op::logical_or:
            if (is_true(a, n)) return 1;
            return is_true(value(*n.b), n) ? 1 : 0;
        case Op::logical_and:
            if (!is_true(a, n)) return 0;
            return is_true(value(*n.b), n) ? 1 : 0;
        default: break;
    }
    const Value b = value(*n.b);
    if (over_) return {};
    switch (n.op) {
        case Op::plus: return plus(n, a, b);
        case Op::equal: return equal(n, a, b) ? 1 : 0;
        case Op::unequal: return equal(n, a, b) ? 0 : 1;
        case Op::string_equal: return text_of(message_, a) == text_of(message_, b) ? 1 : 0;
        case Op::string_unequal: return text_of(message_, a) == text_of(message_, b) ? 0 : 1;
        default: return arithmetic(n, number(a, n), number(b, n));
    }
}

}  // namespace fairlead::cfg
