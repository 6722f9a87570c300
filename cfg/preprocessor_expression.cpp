// Expressions of the preprocessor. SPDX-License-Identifier: Apache-2.0
#include "cfg/preprocessor_expression.h"

#include <fmt/format.h>

#include <array>

#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

struct Operator {
    std::string_view text;
    int level;  ///< the higher, the tighter
};
// Longer ones first: the first that fits is taken.
constexpr std::array<Operator, 19> kOperators{{{"||", 1},
                                               {"&&", 2},
                                               {"**", 11},
                                               {"==", 6},
                                               {"!=", 6},
                                               {"<<", 8},
                                               {">>", 8},
                                               {"<=", 7},
                                               {">=", 7},
                                               {"|", 3},
                                               {"^", 4},
                                               {"&", 5},
                                               {"<", 7},
                                               {">", 7},
                                               {"+", 9},
                                               {"-", 9},
                                               {"*", 10},
                                               {"/", 10},
                                               {"%", 10}}};
constexpr int kMaxDepth = 64;

bool is_word_char(char c) noexcept {
    const char l = text::to_lower(c);
    return (l >= 'a' && l <= 'z') || text::is_digit(c) || c == '_';
}

std::int64_t number_of(const DefineValue& v) noexcept {
    if (const auto* const n = std::get_if<std::int64_t>(&v)) return *n;
    return text::parse_int(std::get<std::string>(v)).value_or(0);
}

bool is_text(const DefineValue& v) noexcept {
    return std::holds_alternative<std::string>(v);
}

std::int64_t power(std::uint64_t base, std::int64_t exponent) noexcept {
    std::uint64_t out = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) out *= base;
        base *= base;
    }
    return static_cast<std::int64_t>(out);
}

/// Overflow wraps, so sums are made on unsigned numbers.
std::int64_t calculated(std::string_view op, std::int64_t a, std::int64_t b) noexcept {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    const auto made = [](std::uint64_t u) { return static_cast<std::int64_t>(u); };
    if (op == "||") return a != 0 || b != 0 ? 1 : 0;
    if (op == "&&") return a != 0 && b != 0 ? 1 : 0;
    if (op == "|") return made(x | y);
    if (op == "^") return made(x ^ y);
    if (op == "&") return made(x & y);
    if (op == "==") return a == b ? 1 : 0;
    if (op == "!=") return a != b ? 1 : 0;
    if (op == "<") return a < b ? 1 : 0;
    if (op == "<=") return a <= b ? 1 : 0;
    if (op == ">") return a > b ? 1 : 0;
    if (op == ">=") return a >= b ? 1 : 0;
    if (op == "<<") return made(x << (y & 63));
    if (op == ">>") return a >> (y & 63);
    if (op == "+") return made(x + y);
    if (op == "-") return made(x - y);
    if (op == "*") return made(x * y);
    if (op == "**") return power(x, b);
    if (b == -1) return op == "/" ? made(0 - x) : 0;  // INT64_MIN / -1 traps
    return op == "/" ? a / b : a % b;
}

class Reader {
public:
    Reader(std::string_view text, const DefineLookup& lookup) : text_(text), lookup_(lookup) {}

    Result<DefineValue> whole() {
        DefineValue value = TRY(expression(1));
        skip_space();
        if (!text_.empty()) return fail(fmt::format("unexpected \"{}\"", text_));
        return value;
    }

private:
    void skip_space() noexcept {
        while (!text_.empty() && text::is_space(text_[0])) text_.remove_prefix(1);
    }
    const Operator* next_operator() noexcept {
        skip_space();
        for (const Operator& op : kOperators) {
            if (text_.starts_with(op.text)) return &op;
        }
        return nullptr;
    }
    bool accept(std::string_view mark) noexcept {
        skip_space();
        if (!text_.starts_with(mark)) return false;
        text_.remove_prefix(mark.size());
        return true;
    }

    Result<DefineValue> expression(int lowest) {
        if (++depth_ > kMaxDepth) return fail("parentheses are nested too deeply");
        DefineValue left = TRY(unary());
        for (const Operator* op = next_operator(); op != nullptr && op->level >= lowest;
             op = next_operator()) {
            text_.remove_prefix(op->text.size());
            const DefineValue right = TRY(expression(op->level + 1));
            left = TRY(joined(op->text, left, right));
        }
        --depth_;
        return left;
    }

    static Result<DefineValue> joined(std::string_view op, const DefineValue& a,
                                      const DefineValue& b) {
        if (is_text(a) && (op == "==" || op == "!=")) {
            return DefineValue((to_text(a) == to_text(b)) == (op == "==") ? std::int64_t{1}
                                                                          : std::int64_t{0});
        }
        if (is_text(a) && op == "+") return DefineValue(to_text(a) + to_text(b));
        const std::int64_t x = number_of(a), y = number_of(b);
        if (y == 0 && (op == "/" || op == "%")) return fail("division by 0");
        return DefineValue(calculated(op, x, y));
    }

    Result<DefineValue> unary() {
        if (accept("!")) return DefineValue(std::int64_t{is_true(TRY(deeper())) ? 0 : 1});
        if (accept("-")) {
            const auto n = static_cast<std::uint64_t>(number_of(TRY(deeper())));
            return DefineValue(static_cast<std::int64_t>(0 - n));
        }
        return primary();
    }
    Result<DefineValue> deeper() {
        if (++depth_ > kMaxDepth) return fail("operators are nested too deeply");
        DefineValue value = TRY(unary());
        --depth_;
        return value;
    }

    Result<DefineValue> primary() {
        if (accept("(")) {
            DefineValue value = TRY(expression(1));
            if (!accept(")")) return fail("\")\" is missing");
            return value;
        }
        if (!text_.empty() && (text_[0] == '"' || text_[0] == '\'')) return quoted();
        std::size_t end = 0;
        while (end < text_.size() && is_word_char(text_[end])) ++end;
        if (end == 0) {
            return fail(text_.empty() ? std::string("a value is missing")
                                      : fmt::format("a value expected, found \"{}\"", text_));
        }
        const std::string_view word = text_.substr(0, end);
        text_.remove_prefix(end);
        if (!text::is_digit(word[0])) return value_of(word);
        const auto number = text::parse_int(word);
        if (!number) return fail(fmt::format("\"{}\" is no number", word));
        return DefineValue(*number);
    }
    Result<DefineValue> quoted() {
        const std::size_t end = text_.find(text_[0], 1);
        if (end == std::string_view::npos) return fail("string is not closed");
        std::string inside(text_.substr(1, end - 1));
        text_.remove_prefix(end + 1);
        return DefineValue(std::move(inside));
    }
    [[nodiscard]] DefineValue value_of(std::string_view name) const {
        std::optional<std::string> value = lookup_(name);
        if (!value) return std::int64_t{0};
        if (value->empty()) return std::int64_t{1};
        if (const auto number = text::parse_int(*value)) return *number;
        if (value->size() >= 2 && value->front() == value->back() &&
            (value->front() == '"' || value->front() == '\'')) {
            return value->substr(1, value->size() - 2);
        }
        return std::move(*value);
    }

    std::string_view text_;
    const DefineLookup& lookup_;
    int depth_ = 0;
};

}  // namespace

bool is_true(const DefineValue& value) noexcept {
    if (const auto* const text = std::get_if<std::string>(&value)) return !text->empty();
    return std::get<std::int64_t>(value) != 0;
}

std::string to_text(const DefineValue& value) {
    if (const auto* const text = std::get_if<std::string>(&value)) return *text;
    return std::to_string(std::get<std::int64_t>(value));
}

Result<DefineValue> evaluate_define(std::string_view text, const DefineLookup& lookup) {
    return Reader(text, lookup).whole();
}

}  // namespace fairlead::cfg
