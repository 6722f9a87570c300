// The inside of the interpreter: one run of a top route.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "cfg/program.h"
#include "core/api/message.h"
#include "core/base/log.h"

namespace fairlead::cfg {

/// What happens next behind a statement.
enum class Flow : std::uint8_t { on, leave, give_back, exit };

/// One run of a route that core or a module asked for. Lives on the stack; allocates nothing but in
/// the message's arena.
class Run {
public:
    Run(const Program& program, RegexCache& regexes, int& depth, Message& message) noexcept
        : program_(program), regexes_(regexes), depth_(depth), message_(message) {}

    RouteResult top(RouteId id);

private:
    // Statements (run.cpp).
    Flow steps(const Step* first);
    Flow step(const Step& s);
    Flow loop(const Step& s);
    Flow choice(const Step& s);
    [[nodiscard]] bool fits(const Choice& c, const Value& value);
    Flow ended(const Step& s);
    int route(RouteId id, const Node& n);

    // Calls (run_call.cpp).
    int call(const Node& n);
    int call_row(const Node& n, std::span<const Argument> arguments);
    bool argument(const CallArgument& a, std::size_t index, const Node& n, Argument& out);
    int named_route(const Node& n);

    // Expressions (run_expression.cpp).
    Value value(const Node& n);
    Value operation(const Node& n);
    Value arithmetic(const Node& n, std::int64_t a, std::int64_t b);
    Value plus(const Node& n, const Value& a, const Value& b);
    [[nodiscard]] bool equal(const Node& n, const Value& a, const Value& b);
    Value match(const Node& n);
    Value assign(const Node& n);
    [[nodiscard]] std::int64_t number(const Value& v, const Node& n);
    [[nodiscard]] bool is_true(const Value& v, const Node& n);
    [[nodiscard]] const Address& address(const Node& n) const noexcept;

    /// Tells modules where the script is.
    void stand_at(const Node& n) noexcept {
        message_.place = {program_.file(n.place), n.place.line, route_};
    }
    /// One line about the script, with its place.
    void say(log::Level level, const Place& place, std::string_view text) const;

    const Program& program_;
    RegexCache& regexes_;
    int& depth_;
    Message& message_;
    RouteId route_ = RouteId::none;  ///< the innermost that runs
    int code_ = 1;                   ///< of the last action
    bool over_ = false;              ///< the script ended inside an expression
    bool failed_ = false;            ///< the expression has no value (a division by zero)
    bool dropped_ = false, exited_ = false, threw_ = false;
};

}  // namespace fairlead::cfg
