// Calls every function and reads and writes every variable of all modules.
// SPDX-License-Identifier: Apache-2.0
#include "test/support/hostile_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/api/text.h"
#include "test/support/message_builder.h"

namespace fairlead::test {

namespace {

constexpr NotCalled kNotCalled[] = {
    {"abort", "ends the process, which is what it is for"},
};

/// What a module must be told before its functions do anything, or before it starts at all. One
/// that is not loaded is passed over.
struct Setting {
    std::string_view module, parameter;
    Value value;
};
const Setting kSettings[] = {
    {"htable", "htable", std::string_view("a=>size=4;autoexpire=100;initval=1")},
    {"cfgutils", "lock_set_size", 4},
    {"auth_db", "db_url", std::string_view("sqlite:///hostile.sqlite")},
    {"statistics", "variable", std::string_view("a")},
};

/// A variable of the script that keeps what it was given.
class HostileVariable final : public VariableRef {
public:
    std::string_view text;
    [[nodiscard]] Value get(Message&) const override {
        if (text.empty()) return {};
        const auto number = text::parse_int(text);
        return number ? Value(*number) : Value(text);
    }
    bool set(Message&, const Value& value) const override {
        std::size_t sum = 0;  // all of it can be read
        for (const char c : value.string()) sum += static_cast<unsigned char>(c);
        return sum % 7 != 0;
    }
};

/// A text that is all constant, or all the value of a variable.
class HostileText final : public LazyText {
public:
    std::string_view whole;
    [[nodiscard]] std::string_view text(Message&) const override { return whole; }
    [[nodiscard]] std::optional<Part> part(Message&, std::size_t n) const override {
        if (n == 0) return Part{whole.substr(0, whole.size() / 2), false};
        if (n == 1) return Part{whole.substr(whole.size() / 2), true};
        return std::nullopt;
    }
};

/// Texts in memory of exactly their size, so that the sanitizer sees who reads behind their end.
class ExactTexts {
public:
    std::string_view add(std::string_view text) {
        if (text.data() == nullptr) return text;
        auto& copy = copies_.emplace_back(std::make_unique<char[]>(text.size()));
        std::ranges::copy(text, copy.get());
        return {copy.get(), text.size()};
    }

private:
    std::vector<std::unique_ptr<char[]>> copies_;
};

std::int64_t number_in(std::string_view text) {
    if (const auto number = text::parse_int(text)) return *number;
    std::uint64_t bytes = 0;
    if (!text.empty()) std::memcpy(&bytes, text.data(), std::min(text.size(), sizeof bytes));
    return static_cast<std::int64_t>(bytes);
}

struct Made {
    std::array<Argument, kMaxArgs> arguments{};
    std::array<HostileVariable, kMaxArgs> variables;
    std::array<HostileText, kMaxArgs> texts;
};

/// As the interpreter turns a value into an argument; false when it would not call.
bool make(Made& made, std::size_t i, const Arg& arg, std::string_view text, const Script& script,
          RegexCache& regexes) {
    Argument& out = made.arguments[i];
    if (text.data() == nullptr) return arg.optional;
    switch (arg.type) {
        case Type::integer:
        case Type::boolean: out.value = number_in(text); return true;
        case Type::string: out.value = text; return true;
        case Type::any: {
            const auto number = text::parse_int(text);
            out.value = number ? Value(*number) : Value(text);
            return true;
        }
        case Type::route: {
            out.route = script.find(arg.route, text);
            out.value = text;
            return out.route != RouteId::none || text.empty() || text == "0";
        }
        case Type::regex: {
            std::string problem;
            out.regex = regexes.find(text, {.any_case = true}, problem);
            out.value = text;
            return out.regex != nullptr;
        }
        case Type::variable:
            made.variables[i].text = text;
            out.variable = &made.variables[i];
            return true;
        case Type::lazy_text:
            made.texts[i].whole = text;
            out.lazy_text = &made.texts[i];
            return true;
        case Type::none: break;
    }
    return false;
}

std::string invite(std::size_t n) {
    return Request("INVITE", "sip:bob@192.0.2.2;transport=udp")
        .branch(fmt::format("z9hG4bKh{}", n))
        .call_id(fmt::format("hostile-{}", n))
        .header("Contact", "\"A\" <sip:alice@192.0.2.1:5060;x=y>;expires=60")
        .header("Route", "<sip:127.0.0.1;lr>, <sip:192.0.2.7;lr>")
        .header("Record-Route", "<sip:192.0.2.8;lr>")
        .header("P-Asserted-Identity", "<sip:a@b>")
        .header("Diversion", "<sip:d@e>;reason=user-busy")
        .header("Supported", "path, gruu")
        .header("Proxy-Authorization",
                "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:b\", response=\"00\"")
        .body("v=0\r\no=a 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n")
        .str();
}

}  // namespace

std::span<const NotCalled> not_called() noexcept {
    return kNotCalled;
}

HostileCalls::HostileCalls(std::span<const std::string> modules) : ModuleHost(32 << 20) {
    run_directory_ = TempFolder::path();
    globals.run_directory = globals.work_directory = run_directory_;
    globals.async_workers = 2;
    for (const std::string& name : modules) load(name);
    for (const Setting& s : kSettings) {
        if (registry.find(s.module) != nullptr) param(s.module, s.parameter, s.value);
    }
    on_request([this](Message& m) {
        at(Route::request, m);
        if (course_ == Course::transaction && registry.find("tm") != nullptr) {
            for (const char* const arm :
                 {"t_on_failure", "t_on_branch", "t_on_reply", "t_on_branch_failure"}) {
                call_safely(m, arm);
            }
            (void)ModuleHost::call(m, "t_relay");
            return;
        }
        if (m.target.dst_uri.empty()) m.target.dst_uri = "sip:192.0.2.99";
        engine().forward(m);
    });
    const auto everywhere = [this](Route type, std::string name) {
        route(type, std::move(name), [this, type](Message& m) {
            at(type, m);
            return RouteResult{};
        });
    };
    for (const Route type :
         {Route::failure, Route::branch, Route::tm_reply, Route::branch_failure, Route::event}) {
        everywhere(type, "1");
    }
    everywhere(Route::core_reply, "");
    everywhere(Route::onsend, "");
    start();
    for (const auto& loaded : registry.modules()) {
        for (const Function& row : loaded->descriptor->functions) {
            const auto same = [&row](const NotCalled& n) { return n.name == row.name; };
            if (std::ranges::none_of(kNotCalled, same)) functions_.push_back({&row, loaded.get()});
        }
        for (const Variable& row : loaded->descriptor->variables) {
            variables_.push_back({&row, loaded.get()});
        }
    }
}

void HostileCalls::call_safely(Message& m, std::string_view function) {
    (void)ModuleHost::call(m, function, {std::string_view("1")});
}

void HostileCalls::at(Route route, Message& m) {
    // A function may run a route, which is then not the one under test.
    if (!any_of(routes_, route) || !act_ || deep_ > 0) return;
    ++deep_;
    try {
        act_(m);
    } catch (const std::exception& e) {
        faults_.push_back(fmt::format("{} threw: {}", now_, e.what()));
    }
    --deep_;
}

void HostileCalls::take_course(Course course, Route routes, std::function<void(Message&)> act) {
    act_ = std::move(act);
    routes_ = routes;
    course_ = course;
    const std::size_t n = ++rounds_;
    const std::string request = invite(n);
    switch (course) {
        case Course::invite: receive(request); break;
        case Course::register_:
            receive(Request("REGISTER", "sip:127.0.0.1")
                        .branch(fmt::format("z9hG4bKh{}", n))
                        .header("Contact", "<sip:a@10.0.0.1>;expires=3, <sip:b@10.0.0.2>")
                        .str());
            break;
        case Course::ack: receive(Request("ACK").branch(fmt::format("z9hG4bKh{}", n)).str()); break;
        case Course::stray_reply:
            receive(reply(request, 183, "On its way", "t", "Contact: <sip:c@10.0.0.3>\r\n"));
            break;
        case Course::transaction: {
            receive(request);
            const auto sent = std::move(net.sent);
            net.sent.clear();
            for (const Packet& packet : sent) {
                if (!packet.bytes.starts_with("INVITE")) continue;
                receive(reply(packet.bytes, 180, "Ringing"), "192.0.2.2:5060");
                receive(reply(packet.bytes, 486, "Busy Here"), "192.0.2.2:5060");
            }
            break;
        }
    }
    act_ = nullptr;
    discard_sent();
    constexpr std::size_t kRoundsAtOnce = 64;
    if (rounds_ % kRoundsAtOnce == 0) {
        advance(Ms{1000});
        clock.advance(Ms{200'000});
        advance(Ms{1000});
        discard_sent();
    }
}

std::string HostileCalls::left_behind() {
    for (int i = 0; i < 8; ++i) {  // what ends may begin something else
        clock.advance(Ms{400'000});
        advance(Ms{1000});
        discard_sent();
    }
    return leaks();
}

void HostileCalls::call_now(const FunctionRow& function, std::span<const std::string_view> texts,
                            Message& m) {
    const Function& row = *function.row;
    Made made;
    std::array<Value, kMaxArgs> constants;
    for (std::size_t i = 0; i < row.arity; ++i) {
        const std::string_view text = i < texts.size() ? texts[i] : std::string_view();
        if (!make(made, i, row.args[i], text, engine().script(), regexes_)) return;
        constants[i] = made.arguments[i].value;
    }
    const std::size_t given = std::min(texts.size(), row.arity);
    if (row.check != nullptr) {
        (void)row.check(*function.owner->object, std::span(constants).first(given));
    }
    ++ran_;
    now_ = row.name;
    (void)row.call(*function.owner->object, m, std::span(made.arguments).first(row.arity));
}

void HostileCalls::call(const FunctionRow& function, std::span<const std::string_view> texts,
                        Course course) {
    ExactTexts exact;
    std::vector<std::string_view> copied;
    for (const std::string_view text : texts) copied.push_back(exact.add(text));
    take_course(course, function.row->routes, [&](Message& m) { call_now(function, copied, m); });
}

/// A text with marks of URIs in it that was made part of the Request-URI ($rU = "a:b") is read back
/// up to the mark; all of it still stands there.
bool HostileCalls::stands_in_uri(Message& m, std::string_view value) {
    return variable(m, "ru").string().find(value) != std::string_view::npos;
}

void HostileCalls::use_now(const VariableRow& variable, const VariableName& name,
                           std::string_view value, Message& m) {
    const Variable& row = *variable.row;
    Module& object = *variable.owner->object;
    const auto read = [&] {
        const Value out = row.get(object, m, name);
        for (const char c : out.string()) sum_ += static_cast<unsigned char>(c);
        return out;
    };
    ++ran_;
    now_ = row.name;
    (void)read();
    if (row.set == nullptr) return;
    (void)row.set(object, m, name, Value(number_in(value)));
    (void)read();
    if (row.set(object, m, name, Value(value))) {
        const Value back = read();
        const std::size_t size = back.string().size();
        if (back.is_string() && size != 0 && value.size() > size &&
            value.starts_with(back.string()) && !stands_in_uri(m, value)) {
            faults_.push_back(
                fmt::format("${}: {} bytes assigned, {} read", row.name, value.size(), size));
        }
    }
    (void)row.set(object, m, name, Value());
    (void)read();
}

void HostileCalls::use(const VariableRow& variable, std::string_view inner, std::string_view index,
                       std::string_view value, Course course) {
    const Variable& row = *variable.row;
    ExactTexts exact;
    inner = exact.add(inner);
    value = exact.add(value);
    VariableName name;
    HostileVariable evaluated;
    if (row.inner != Inner::none) name.inner = inner;
    if (row.inner == Inner::evaluated) {
        evaluated.text = inner;
        name.variable = &evaluated;
    }
    if (row.indexed && !index.empty()) {
        name.index = static_cast<std::int32_t>(
            std::clamp<std::int64_t>(number_in(index), INT32_MIN, INT32_MAX));
        name.has_index = true;
        name.all = index == "*";
    }
    take_course(course, Route::any, [&](Message& m) {
        if (row.resolve != nullptr) {
            // As for a constant text, and for one made at run time.
            const auto handle = row.resolve(*variable.owner->object, name.inner);
            if (handle) {
                VariableName resolved = name;
                resolved.handle = *handle;
                use_now(variable, resolved, value, m);
            }
            if (row.fixed_names || row.inner == Inner::none || row.inner == Inner::variable) {
                return;
            }
        }
        use_now(variable, name, value, m);
    });
}

}  // namespace fairlead::test
