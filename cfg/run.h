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

    // The way back (run_resume.cpp).
    [[nodiscard]] std::string_view way_back() const;
    RouteResult go_on(std::string_view way);
    [[nodiscard]] const Message& message() const noexcept { return message_; }

private:
    /// A sequence of statements that runs, and the one of them that it has come to.
    struct Frame {
        Frame* outer;
        const Step* step;
        RouteId route;
        bool entered;             ///< the outermost sequence of a route
        std::uint16_t calls = 0;  ///< routes called so far by the expression of `step`
        std::int64_t turns = 0;   ///< of the loop that `step` is
    };
    /// The same as bytes of a way back.
    struct Station {
        std::uint32_t step;
        RouteId route;
        std::uint16_t entered_calls;  ///< the highest bit: entered
        std::uint32_t turns;
    };

    // Statements (run.cpp).
    Flow steps(const Step* first, bool entered = false);
    Flow step(const Step& s);
    Flow loop(const Step& s, std::int64_t turns = 0);
    RouteResult ended_top(Flow flow) const noexcept;
    Flow choice(const Step& s);
    [[nodiscard]] bool fits(const Choice& c, const Value& value);
    Flow ended(const Step& s);
    int route(RouteId id, const Node& n);

    // Going on (run_resume.cpp).
    [[nodiscard]] bool is_way(std::string_view way) const noexcept;
    Flow again(std::string_view way);
    static Station first_of(std::string_view way) noexcept;
    Flow behind_inner(Frame& f, std::string_view inner);

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
    // What is noted of a transaction that is traced (run_trace.cpp).
    void trace_route(RouteId id) const noexcept;
    void trace_call(const Node& n, int code) noexcept;
    void trace_assigned(const Node& n, const Value& v) const noexcept;

    /// One line about the script, with its place.
    void say(log::Level level, const Place& place, std::string_view text) const;

    const Program& program_;
    RegexCache& regexes_;
    int& depth_;
    Message& message_;
    Frame* top_ = nullptr;             ///< the innermost sequence
    const Node* calling_ = nullptr;    ///< the function that runs
    const Frame* given_to_ = nullptr;  ///< whose expression gets the code of a route that has ended
    std::uint16_t given_calls_ = 0;    ///< … as its n-th call; 0: none does
    int given_code_ = 0;
    RouteId route_ = RouteId::none;  ///< the innermost that runs
    int code_ = 1;                   ///< of the last action
    bool over_ = false;              ///< the script ended inside an expression
    bool failed_ = false;            ///< the expression has no value (a division by zero)
    bool dropped_ = false, exited_ = false, threw_ = false;
};

}  // namespace fairlead::cfg
