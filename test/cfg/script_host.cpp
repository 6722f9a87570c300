// A configuration run on one message.
// SPDX-License-Identifier: Apache-2.0
#include "test/cfg/script_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "core/api/regex.h"
#include "core/base/text.h"

namespace fairlead::test {

// ---- The module ---------------------------------------------------------------------------------

Result<void> Toy::set_source(std::string_view text, ParamVariables& variables) {
    source = TRY(variables.variable(text));
    return {};
}
Result<void> Toy::set_greeting(std::string_view text, ParamVariables& variables) {
    greeting = TRY(variables.text(text));
    return {};
}
Verdict Toy::greet(Message& m) {
    if (greeting != nullptr) said.emplace_back(greeting->text(m));
    if (source != nullptr) said.emplace_back(source->get(m).string());
    return Verdict::yes;
}
Verdict Toy::pause(Message& m) {
    way = script->way_back(m);
    return way.empty() ? Verdict::no : Verdict::stop;
}
Verdict Toy::say(Message&, std::string_view text) {
    said.emplace_back(text);
    return Verdict::yes;
}
Verdict Toy::quiet(Message&, std::string_view, std::optional<int>) {
    ++quiet_calls;
    return Verdict::yes;
}
Verdict Toy::later(Message& m, const LazyText& text, std::optional<int> wanted) {
    if (wanted.value_or(1) != 0) said.emplace_back(text.text(m));
    return Verdict::yes;
}
Verdict Toy::two(Message&, int a, std::optional<std::string_view> b) {
    said.push_back(fmt::format("two {} {}", a, b.value_or("-")));
    return Verdict::yes;
}
Verdict Toy::is(Message& m, std::string_view method) {
    return m.sip.method_text() == method ? Verdict::yes : Verdict::no;
}
Verdict Toy::raise(Message&) {
    throw std::runtime_error("a mistake");
}
Verdict Toy::arm(Message&, RouteArg<Route::failure> route) {
    routes.push_back(route.id);
    return Verdict::yes;
}
Verdict Toy::matches(Message&, const Regex& pattern, std::string_view text) {
    return pattern.matches(text) ? Verdict::yes : Verdict::no;
}
Verdict Toy::put(Message& m, const VariableRef& variable, int n) {
    return variable.set(m, n) ? Verdict::yes : Verdict::no;
}
Verdict Toy::anything(Message&, Value value) {
    said.push_back(value.is_integer()  ? fmt::format("int {}", value.integer())
                   : value.is_string() ? fmt::format("str {}", value.string())
                                       : "null");
    return Verdict::yes;
}
Verdict Toy::fails(Message& m, int error) {
    m.error = ScriptError(error);
    return Verdict(error);
}
Verdict Toy::error(Message& m) {
    said.push_back(fmt::format("error {}", static_cast<int>(m.error)));
    return Verdict::yes;
}

namespace {

Result<void> below_ten(const Module&, std::span<const Value> arguments) {
    if (arguments[0].integer() < 10) return {};
    return fail("the number is too big");
}

constexpr Route kAny = Route::any;
constexpr Function kFunctions[] = {
    function<&Toy::greet>("greet", "Says what the parameters read.", Route::any),
    function<&Toy::say>("say", "", kAny, "text"),
    function<&Toy::code>("code", "", kAny, "n"),
    function<&Toy::quiet>("quiet", "", kAny, "text", "n"),
    function<&Toy::later>("later", "", kAny, "text", "wanted"),
    function<&Toy::two>("two", "", kAny, "a", "b"),
    function<&Toy::is>("is_it", "", kAny, "method"),
    function<&Toy::raise>("raise", "", kAny),
    function<&Toy::arm>("arm", "", kAny, "route"),
    function<&Toy::matches>("matches", "", kAny, "pattern", "text"),
    function<&Toy::put>("put", "", kAny, "variable", "n"),
    function<&Toy::anything>("anything", "", kAny, "value"),
    function<&Toy::fails>("fails", "", kAny, "error"),
    function<&Toy::error>("show_error", "", kAny),
    function<&Toy::pause>("pause", "Ends the script for now.", Route::any),
    function<&Toy::nothing>("for_failure", "", Route::failure),
    function<&Toy::nothing>("for_reply", "", Route::reply),
    function<&Toy::nothing>("for_request", "", Route::request),
    checked_function<&Toy::code>(below_ten, "small", "", kAny, "n"),
};

Value get_var(Module& self, Message&, const VariableName& name) {
    const auto& values = static_cast<Toy&>(self).values;
    const auto found = values.find(name.inner);
    return found != values.end() ? found->second : Value(0);
}
bool set_var(Module& self, Message&, const VariableName& name, const Value& value) {
    auto& toy = static_cast<Toy&>(self);
    if (!value.is_string()) {
        toy.values[std::string(name.inner)] = value.is_null() ? Value(0) : value;
        return true;
    }
    const auto kept = toy.texts.find(name.inner);
    if (kept == toy.texts.end()) {
        toy.texts.emplace(name.inner, value.string());
    } else {
        kept->second.assign(value.string());
    }
    toy.values[std::string(name.inner)] = std::string_view(toy.texts.find(name.inner)->second);
    return true;
}
Value get_method(Module&, Message& m, const VariableName&) {
    return m.sip.method_text();
}
Value get_index(Module&, Message&, const VariableName& name) {
    return name.all ? Value(std::string_view("all")) : Value(name.index);
}
Result<std::uint64_t> resolve_slot(Module&, std::string_view inner) {
    if (inner == "bad") return fail("there is no such slot");
    return inner.size();
}
Value get_slot(Module&, Message&, const VariableName& name) {
    return static_cast<std::int64_t>(name.handle);
}

constexpr Variable kVariables[] = {
    {.name = "var", .inner = Inner::required, .get = get_var, .set = set_var},
    {.name = "rm", .get = get_method},
    {.name = "ro", .get = [](Module&, Message&, const VariableName&) -> Value { return 5; }},
    {.name = "nil", .get = [](Module&, Message&, const VariableName&) -> Value { return {}; }},
    {.name = "gone", .get = [](Module&, Message&, const VariableName&) { return Value::absent(); }},
    {.name = "at", .inner = Inner::optional, .indexed = true, .get = get_index},
    {.name = "slot", .inner = Inner::required, .get = get_slot, .resolve = resolve_slot},
};

constexpr Param kParams[] = {
    param_variables<&Toy::set_source>("source", "A variable."),
    param_variables<&Toy::set_greeting>("greeting", "A text with variables."),
};

constexpr std::string_view kEvents[] = {"toy:started"};

constexpr Descriptor kToy{.name = "toy",
                          .summary = "Made-up functions.",
                          .create = make_module<Toy>,
                          .params = kParams,
                          .functions = kFunctions,
                          .variables = kVariables,
                          .event_routes = kEvents};

constexpr std::string_view kRequest =
    "OPTIONS sip:bob@example.org:5070;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bKabc\r\n"
    "From: \"Al\" <sip:alice@example.org>;tag=1\r\n"
    "To: <sip:bob@example.org>\r\n"
    "Call-ID: cid1\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n";

}  // namespace

const Descriptor& toy_descriptor() noexcept {
    return kToy;
}

// ---- Log ----------------------------------------------------------------------------------------

void CapturedLog::write(log::Level level, std::string_view, std::string_view location,
                        std::string_view text) noexcept {
    lines.push_back(fmt::format("{} {}: {}", log::name(level), location, text));
}

bool CapturedLog::has(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(), [part](const std::string& line) {
        return line.find(part) != std::string::npos;
    });
}

// ---- The host -----------------------------------------------------------------------------------

ScriptHost::ScriptHost() {
    log::set_level(log::Level::warning);
    if (!registry.add(toy_descriptor())) throw std::runtime_error("toy was refused");
    receive(kRequest);
}

void ScriptHost::receive(std::string_view text) {
    bytes = text;
    if (message.sip.parse(bytes)) throw std::runtime_error("message was refused");
    Received from;
    from.source = *Address::parse("192.0.2.7", 5066);
    from.local = *Address::parse("127.0.0.1", 5060);
    message.reset(from, Ms(0));
}

bool ScriptHost::compile(std::string text) {
    config = cfg::read_text(std::move(text), {}, diagnostics);
    program = cfg::compile(config, registry, diagnostics);
    if (program == nullptr) return false;
    interpreter = std::make_unique<cfg::Interpreter>(program);
    toy().script = interpreter.get();
    return true;
}

RouteResult ScriptHost::run_again(Route type, std::string_view name) {
    message.route_type = type;
    return interpreter->run(interpreter->find(type, name), message);
}

RouteResult ScriptHost::resume() {
    const std::string way = std::exchange(toy().way, {});
    message.arena.reset();
    return interpreter->resume(way, message);
}

RouteResult ScriptHost::run(std::string_view body, std::string_view before) {
    if (!compile(fmt::format("{}\nrequest_route {{ {} }}\n", before, body))) {
        throw std::runtime_error(diagnostics.print());
    }
    return run_again();
}

std::string ScriptHost::said(std::string_view body, std::string_view before) {
    run(body, before);
    std::string out;
    for (const std::string& line : toy().said) {
        if (!out.empty()) out += '|';
        out += line;
    }
    return out;
}

std::string ScriptHost::value(std::string_view expression) {
    return said(fmt::format("$var(v) = {}; say(\"$var(v)\");", expression));
}

namespace {

std::vector<std::string> diagnosed(std::string_view text, bool errors) {
    ScriptHost host;
    host.compile(std::string(text));
    auto all = host.diagnostics.all();
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::tie(a.at.line, a.at.column, a.text) < std::tie(b.at.line, b.at.column, b.text);
    });
    std::vector<std::string> out;
    for (const cfg::Diagnostic& d : all) {
        if ((d.severity == cfg::Severity::error) != errors) continue;
        out.push_back(fmt::format("{}:{}: {}", d.at.line, d.at.column, d.text));
    }
    return out;
}

}  // namespace

std::vector<std::string> errors(std::string_view text) {
    return diagnosed(text, true);
}

std::vector<std::string> warnings(std::string_view text) {
    return diagnosed(text, false);
}

std::string first_error(std::string_view text) {
    const auto all = errors(text);
    return all.empty() ? std::string() : all.front();
}

std::vector<std::string> errors_in(std::string_view body) {
    return errors(fmt::format("request_route {{\n{}\n}}\n", body));
}

}  // namespace fairlead::test
