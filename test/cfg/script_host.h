// A configuration run on one message, with a module of made-up functions: for tests of the
// language. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/config.h"
#include "core/api/message.h"
#include "core/base/log.h"
#include "core/module.h"
#include "core/module/registry.h"

namespace fairlead::test {

/// `say(text)` keeps what it is given, `code(n)` returns n, and there are functions for every type
/// of argument. Variables: `$var(x)` (integer 0 at first), `$nil` (null), `$gone` (nothing to
/// read), `$ro` (read-only).
class Toy final : public Module {
public:
    std::vector<std::string> said;
    std::vector<RouteId> routes;
    std::map<std::string, Value, std::less<>> values;
    std::map<std::string, std::string, std::less<>> texts;
    int quiet_calls = 0;
    const VariableRef* source = nullptr;  ///< parameter "source"
    const LazyText* greeting = nullptr;   ///< parameter "greeting"

    Result<void> set_source(std::string_view text, ParamVariables& variables);
    Result<void> set_greeting(std::string_view text, ParamVariables& variables);
    Verdict greet(Message& m);

    Verdict say(Message& m, std::string_view text);
    Verdict code(Message& m, int n) { return (void)m, Verdict(n); }
    Verdict quiet(Message& m, std::string_view text, std::optional<int> n);
    Verdict later(Message& m, const LazyText& text, std::optional<int> wanted);
    Verdict two(Message& m, int a, std::optional<std::string_view> b);
    Verdict is(Message& m, std::string_view method);
    Verdict raise(Message& m);
    Verdict arm(Message& m, RouteArg<Route::failure> route);
    Verdict matches(Message& m, const Regex& pattern, std::string_view text);
    Verdict put(Message& m, const VariableRef& variable, int n);
    Verdict anything(Message& m, Value value);
    Verdict fails(Message& m, int error);
    Verdict error(Message& m);
    /// Ends the script and keeps the way back; false where there is none.
    Verdict pause(Message& m);
    Script* script = nullptr;
    std::string way;
    Verdict nothing(Message& m) { return (void)m, Verdict::yes; }
};
[[nodiscard]] const Descriptor& toy_descriptor() noexcept;

/// Log lines of a test, "LEVEL location: text" each.
class CapturedLog final : public log::Sink {
public:
    CapturedLog() { log::set_sink(this); }
    ~CapturedLog() { log::set_sink(nullptr); }
    void write(log::Level level, std::string_view module, std::string_view location,
               std::string_view text) noexcept override;
    [[nodiscard]] bool has(std::string_view part) const;
    std::vector<std::string> lines;
};

class ScriptHost {
public:
    ScriptHost();

    /// Compiles; false when there were errors, which are then in `diagnostics`.
    bool compile(std::string text);
    /// Compiles `request_route { body }` behind `before`, runs it on a request.
    RouteResult run(std::string_view body, std::string_view before = {});
    /// Goes on behind the last pause().
    RouteResult resume();
    RouteResult run_again(Route type = Route::request, std::string_view name = {});
    /// What say() was given in one run of these statements, joined with a bar.
    std::string said(std::string_view body, std::string_view before = {});
    /// The value of an expression, as `$var(v) = expression; say("$var(v)")` shows it.
    std::string value(std::string_view expression);
    void receive(std::string_view bytes);

    [[nodiscard]] Toy& toy() { return static_cast<Toy&>(*registry.find("toy")->object); }

    CapturedLog log;
    cfg::Diagnostics diagnostics;
    module::Registry registry;
    cfg::Config config;
    std::shared_ptr<const cfg::Program> program;
    std::unique_ptr<cfg::Interpreter> interpreter;
    Arena arena;
    Message message{arena};
    std::string bytes;
};

/// The first error of a text, as "line:column: text", or "" when it has none.
[[nodiscard]] std::string first_error(std::string_view text);
/// All errors, or all warnings and notices, in order.
[[nodiscard]] std::vector<std::string> errors(std::string_view text);
[[nodiscard]] std::vector<std::string> warnings(std::string_view text);
/// The same for statements of a request_route, which begins on line 1 behind `before`.
[[nodiscard]] std::vector<std::string> errors_in(std::string_view body);

}  // namespace fairlead::test
