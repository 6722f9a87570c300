// The interpreter: routes and statements.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/run.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "cfg/check.h"
#include "cfg/config.h"

namespace fairlead::cfg {

namespace {

constexpr std::string_view kTag = "<script>";

}  // namespace

void Run::say(log::Level level, const Place& place, std::string_view text) const {
    if (log::enabled(level)) log::write(level, kTag, program_.where(place), text);
}

RouteResult Run::top(RouteId id) {
    message_.return_code = 1;
    message_.error = ScriptError::none;
    const ScriptPlace outside = message_.place;
    route_ = id;
    if (message_.trace != nullptr) trace_route(id);
    const Flow flow = steps(program_.route(id).first, true);
    message_.place = outside;
    return ended_top(flow);
}

RouteResult Run::ended_top(Flow flow) const noexcept {
    RouteResult out;
    out.code = code_;
    out.dropped = dropped_;
    out.exited = exited_ || flow == Flow::exit;
    out.threw = threw_;
    return out;
}

int Run::route(RouteId id, const Node& n) {
    if (++top_->calls == given_calls_ && top_ == given_to_) {
        given_calls_ = 0;
        return code_ = given_code_;
    }
    if (depth_ >= program_.limits().depth) {
        say(log::Level::error, n.place,
            fmt::format("too many recursive routing table lookups ({}) giving up!", depth_ + 1));
        return -1;
    }
    ++depth_;
    code_ = 1;
    if (message_.trace != nullptr) trace_route(id);
    const RouteId caller = std::exchange(route_, id);
    const Flow flow = steps(program_.route(id).first, true);
    route_ = caller;
    --depth_;
    if (flow == Flow::exit) over_ = true;
    return code_;
}

Flow Run::steps(const Step* first, bool entered) {
    Frame frame{top_, first, route_, entered};
    top_ = &frame;
    Flow flow = Flow::on;
    for (; frame.step != nullptr && flow == Flow::on; frame.step = frame.step->next) {
        frame.calls = 0;
        flow = step(*frame.step);
    }
    top_ = frame.outer;
    return flow;
}

Flow Run::step(const Step& s) {
    switch (s.kind) {
        case Statement::Kind::call: {
            failed_ = false;
            const Value v = value(*s.value);
            if (over_) return Flow::exit;
            if (s.value->kind == Node::Kind::assign) {
                code_ = 1;
            } else {
                code_ = static_cast<int>(v.integer());
            }
            return Flow::on;
        }
        case Statement::Kind::block: return steps(s.body);
        case Statement::Kind::branch: {
            failed_ = false;
            const bool yes = is_true(value(*s.value), *s.value);
            if (over_) return Flow::exit;
            code_ = 1;
            if (failed_) return Flow::on;
            return steps(yes ? s.body : s.otherwise);
        }
        case Statement::Kind::loop: return loop(s);
        case Statement::Kind::choice: return choice(s);
        case Statement::Kind::leave: return Flow::leave;
        case Statement::Kind::give_back:
        case Statement::Kind::exit:
        case Statement::Kind::drop: return ended(s);
    }
    return Flow::on;
}

Flow Run::ended(const Step& s) {
    failed_ = false;
    // Kamailio: a reply_route that ends with a plain `exit` passes the reply on, `drop` does not.
    std::int64_t code = s.kind == Statement::Kind::drop ? 0 : 1;
    if (s.value != nullptr) code = number(value(*s.value), *s.value);
    if (over_) return Flow::exit;
    code_ = static_cast<int>(code);
    if (s.kind == Statement::Kind::give_back && code_ != 0) return Flow::give_back;
    dropped_ = s.kind == Statement::Kind::drop;
    exited_ = true;
    return Flow::exit;
}

Flow Run::loop(const Step& s, std::int64_t turns) {
    const std::int64_t most = program_.limits().loops;
    for (;; ++turns) {
        top_->turns = turns;
        top_->calls = 0;
        failed_ = false;
        const bool more = number(value(*s.value), *s.value) != 0;
        if (over_) return Flow::exit;
        code_ = 1;
        if (!more || failed_) return Flow::on;
        if (turns >= most) {
            say(log::Level::error, s.place, fmt::format("runaway while: more then {} loops", most));
            return Flow::on;
        }
        const Flow flow = steps(s.body);
        if (flow == Flow::leave) return Flow::on;
        if (flow != Flow::on) return flow;
    }
}

bool Run::fits(const Choice& c, const Value& v) {
    if (c.kind == Choice::Kind::otherwise) return false;
    if (c.kind == Choice::Kind::regex) {
        return !v.is_null() && c.regex->matches(text_of(message_, v));
    }
    const Value wanted = c.made != nullptr ? value(*c.made) : c.value;
    if (wanted.is_integer()) return v.is_integer() && v.integer() == wanted.integer();
    return v.is_string() && v.string() == wanted.string();
}

Flow Run::choice(const Step& s) {
    failed_ = false;
    const Value v = value(*s.value);
    if (over_) return Flow::exit;
    code_ = 1;
    const Step* first = nullptr;
    for (const Choice& c : s.choices) {
        if (c.kind == Choice::Kind::otherwise) first = c.first;
    }
    for (const Choice& c : s.choices) {
        if (!fits(c, v)) continue;
        first = c.first;
        break;
    }
    const Flow flow = steps(first);
    return flow == Flow::leave ? Flow::on : flow;
}

// ---- The public face ----------------------------------------------------------------------------

struct Interpreter::State {
    RegexCache regexes;
    int depth = 0;
    Run* running = nullptr;  ///< the innermost
};

Interpreter::Interpreter(std::shared_ptr<const Program> program)
    : program_(std::move(program)), state_(std::make_unique<State>()) {}
Interpreter::~Interpreter() = default;

void Interpreter::count_regex_evictions(shm::Counter evicted) noexcept {
    state_->regexes.count_evictions(evicted);
}

std::optional<std::string_view> Interpreter::fill_in(std::string_view text,
                                                     Message& message) noexcept {
    try {
        Config none;
        none.tree = std::make_unique<Tree>();
        Diagnostics unread;
        return Checker(none, program_->registry(), unread).fill_in(text, message);
    } catch (const std::exception& e) {
        LOG(error, "a text could not be filled in: {}", e.what());
        return std::nullopt;
    }
}

RouteId Interpreter::find(Route type, std::string_view name) const noexcept {
    return program_->find(type, name);
}

std::string_view Interpreter::name(RouteId route) const noexcept {
    const std::size_t index = static_cast<std::size_t>(route);
    return index < program_->routes().size() ? std::string_view(program_->routes()[index].name)
                                             : std::string_view();
}

template <class F>
RouteResult Interpreter::guarded(Message& message, F body) noexcept {
    const int depth = state_->depth;
    Run* const outer = state_->running;
    try {
        Run run(*program_, state_->regexes, state_->depth, message);
        state_->running = &run;
        const RouteResult result = body(run);
        state_->running = outer;
        return result;
    } catch (const std::exception& e) {  // out of memory, or a variable of a module threw
        LOG(critical, "script ended by an exception: {}", e.what());
    } catch (...) {
        LOG(critical, "script ended by an unknown exception");
    }
    state_->depth = depth;
    state_->running = outer;
    return {.code = -1, .exited = true, .threw = true};
}

RouteResult Interpreter::run(RouteId route, Message& message) noexcept {
    if (static_cast<std::size_t>(route) >= program_->routes().size()) return {};
    return guarded(message, [route](Run& run) { return run.top(route); });
}

std::string_view Interpreter::way_back(Message& message) noexcept {
    const Run* const run = state_->running;
    return run != nullptr && &run->message() == &message ? run->way_back() : std::string_view();
}

RouteResult Interpreter::resume(std::string_view way, Message& message) noexcept {
    return guarded(message, [way](Run& run) { return run.go_on(way); });
}

}  // namespace fairlead::cfg
