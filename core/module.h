// THE contract between the server and a module: a constant descriptor behind one C entry, whose
// rows are made from ordinary typed C++ members and methods. Modules include this and core/api/*.h
// only. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/api/core.h"
#include "core/api/message.h"
#include "core/api/value.h"
#include "core/base/result.h"

namespace fairlead {

// ---- What a function says ---------------------------------------------------------------------

/// The return code of a script function. Above 0 is true, below 0 false, 0 ends the script.
struct Verdict {
    int code = 1;
    constexpr Verdict() = default;
    constexpr explicit Verdict(int c) noexcept : code(c) {}
    constexpr explicit Verdict(ScriptError e) noexcept : code(static_cast<int>(e)) {}
    friend constexpr bool operator==(Verdict, Verdict) = default;
    /// yes or no.
    static constexpr Verdict of(bool truth) noexcept { return Verdict(truth ? 1 : -1); }
    static const Verdict yes, no, stop;
};
inline constexpr Verdict Verdict::yes{1};
inline constexpr Verdict Verdict::no{-1};
inline constexpr Verdict Verdict::stop{0};

// ---- The module object ------------------------------------------------------------------------

/// What a message hook says.
enum class Next : std::uint8_t { go_on, consumed };

/// One object per module, made before fork. A constructor only sets defaults.
class Module {
public:
    virtual ~Module() = default;

    /// Once, in the supervisor, before fork, after parameters and needed interfaces are set. An
    /// error ends the start with its text.
    virtual Result<void> prepare(Core&) { return {}; }
    /// Once in each process, after fork, also in one that replaces a dead one (process.reborn:
    /// finish or undo what the dead one left; what it protected is still in Core::hazards).
    virtual Result<void> start(const Process&) { return {}; }
    /// Once in each process on a clean stop, and last in the supervisor.
    virtual void stop() noexcept {}

    // Message hooks, called only when the descriptor's `hooks` has their bit; in load order.
    /// Before request_route. `consumed`: the request is dealt with, the route does not run.
    virtual Next request_arrived(Message&) { return Next::go_on; }
    /// After the core's reply_route. `consumed`: the reply is not forwarded statelessly.
    virtual Next reply_arrived(Message&) { return Next::go_on; }
    /// After the script of a received message, whatever it did; and when all that a timer, a
    /// resumption or a command began in this process is over, with the last message that was
    /// borrowed for it and an empty result.
    virtual void message_done(Message&, const RouteResult&) {}
};

enum class Hook : std::uint8_t {
    none = 0,
    request_arrived = 1,
    reply_arrived = 2,
    message_done = 4
};
constexpr Hook operator|(Hook a, Hook b) noexcept {
    return static_cast<Hook>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Hook set, Hook bit) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(bit)) != 0;
}

// ---- Types of parameters and arguments ---------------------------------------------------------

enum class Type : std::uint8_t {
    none,
    integer,
    boolean,
    string,
    route,
    regex,
    variable,
    lazy_text,  ///< a string whose variables are filled in when the function asks for it
    any  ///< handed over as it is: null, integer or string. A quoted constant number ("404") is an
         ///< integer; a variable alone in quotes ("$x") has its own type.
};

/// A compiled regular expression; core/api/regex.h has it.
class Regex;

/// A variable given by reference, for functions that write to one.
class VariableRef {
public:
    [[nodiscard]] virtual Value get(Message&) const = 0;
    virtual bool set(Message&, const Value&) const = 0;

protected:
    ~VariableRef() = default;
};

/// A text for functions that often do not need it (xlog at a level that is switched off).
class LazyText {
public:
    /// With its variables filled in; lives in the message's arena, or for ever.
    [[nodiscard]] virtual std::string_view text(Message&) const = 0;

    /// The text as its author wrote it: constant parts and, between them, the values of variables.
    /// For functions to which the text's form means something (subst): what a variable holds must
    /// not change it. Nullopt behind the last part.
    struct Part {
        std::string_view text;
        bool is_variable = false;
    };
    [[nodiscard]] virtual std::optional<Part> part(Message&, std::size_t n) const = 0;

protected:
    ~LazyText() = default;
};

/// A route given by name: the checker has resolved it, or says which routes there are.
/// Type is the kind of route the function wants.
template <Route R>
struct RouteArg {
    RouteId id = RouteId::none;  ///< none: the name was "" or "0", which disarms
};

/// What a run-time argument is turned into before a function is called.
struct Argument {
    Value value;
    RouteId route = RouteId::none;
    const Regex* regex = nullptr;
    const VariableRef* variable = nullptr;
    const LazyText* lazy_text = nullptr;
};

template <class T>
struct Kind;  // no specialisation: the type cannot be a parameter or an argument
template <std::signed_integral T>
struct Kind<T> {
    static constexpr Type type = Type::integer;
    static T from(const Argument& a) { return static_cast<T>(a.value.integer()); }
    static T parse(const Value& v) { return static_cast<T>(v.integer()); }
    static std::string print(T v) { return std::to_string(v); }
};
template <>
struct Kind<bool> {
    static constexpr Type type = Type::boolean;
    static bool from(const Argument& a) { return a.value.integer() != 0; }
    static bool parse(const Value& v) { return v.integer() != 0; }
    static std::string print(bool v) { return v ? "1" : "0"; }
};
template <>
struct Kind<std::string_view> {
    static constexpr Type type = Type::string;
    static std::string_view from(const Argument& a) { return a.value.string(); }
};
template <>
struct Kind<std::string> {
    static constexpr Type type = Type::string;
    static std::string parse(const Value& v) { return std::string(v.string()); }
    static std::string print(const std::string& v) { return v; }
};
/// A parameter that may be given several times.
template <>
struct Kind<std::vector<std::string>> {
    static constexpr Type type = Type::string;
    static constexpr bool repeatable = true;
};
/// For the few functions that choose by the type of what they are given (sl_send_reply's default).
template <>
struct Kind<Value> {
    static constexpr Type type = Type::any;
    static Value from(const Argument& a) { return a.value; }
};
template <Route R>
struct Kind<RouteArg<R>> {
    static constexpr Type type = Type::route;
    static constexpr Route route = R;
    static RouteArg<R> from(const Argument& a) { return {a.route}; }
};
template <>
struct Kind<Regex> {
    static constexpr Type type = Type::regex;
    static const Regex& from(const Argument& a) { return *a.regex; }
};
template <>
struct Kind<VariableRef> {
    static constexpr Type type = Type::variable;
    static const VariableRef& from(const Argument& a) { return *a.variable; }
};
template <>
struct Kind<LazyText> {
    static constexpr Type type = Type::lazy_text;
    static const LazyText& from(const Argument& a) { return *a.lazy_text; }
};
template <class T>
struct Kind<std::optional<T>> {
    static constexpr Type type = Kind<T>::type;
    static constexpr bool optional = true;
    static std::optional<T> from(const Argument& a) {
        const bool absent = a.value.is_null() && a.route == RouteId::none;
        return absent ? std::optional<T>() : std::optional<T>(Kind<T>::from(a));
    }
};
/// What may stand in a function's signature; the message of a wrong row ends here.
template <class T>
concept ScriptType = requires(const Argument& a) {
    { Kind<T>::type } -> std::convertible_to<Type>;
    Kind<T>::from(a);
};
template <class T>
constexpr bool is_optional = requires { Kind<T>::optional; };
template <class T>
constexpr Route route_of() {
    if constexpr (requires { Kind<T>::route; }) return Kind<T>::route;
    return Route::any;
}

// ---- Rows -------------------------------------------------------------------------------------

template <class>
struct MemberOf;
template <class C, class T>
struct MemberOf<T C::*> {
    using Class = C;
    using Field = T;
};

struct Range {
    std::int64_t min = INT64_MIN, max = INT64_MAX;
};

/// Turns the texts of parameters into what reads the variables that they name. What it gives lives
/// as long as the server. An error without text was reported already.
class ParamVariables {
public:
    /// "$avp(x)": one variable and nothing else.
    [[nodiscard]] virtual Result<const VariableRef*> variable(std::string_view text) = 0;
    /// "sip:$rU@$rd".
    [[nodiscard]] virtual Result<const LazyText*> text(std::string_view text) = 0;

protected:
    ~ParamVariables() = default;
};

/// modparam("module", "name", value). A parameter may have two rows under one name, one for
/// integers and one for strings.
struct Param {
    std::string_view name, doc;
    Type type{};
    Range range{};
    bool repeatable = false;
    Result<void> (*set)(Module&,
                        const Value&) = nullptr;  ///< the value has the row's type and range
    std::string (*get)(const Module&) = nullptr;  ///< default, from a fresh object; "" when unknown
    /// For a text that names variables: called behind `set`, once all modules are loaded, and
    /// before prepare(). Null for all others.
    Result<void> (*set_variables)(Module&, std::string_view, ParamVariables&) = nullptr;
};
/// Bound to a field, whose initialiser is the default.
template <auto Field>
constexpr Param param(std::string_view name, std::string_view doc, Range range = {}) {
    using M = MemberOf<decltype(Field)>;
    using K = Kind<typename M::Field>;
    if constexpr (K::type == Type::integer) {  // never more than the field can hold
        using Limits = std::numeric_limits<typename M::Field>;
        range.min = std::max<std::int64_t>(range.min, Limits::min());
        range.max = std::min<std::int64_t>(range.max, Limits::max());
    }
    if constexpr (requires { K::repeatable; }) {
        return {name,
                doc,
                K::type,
                range,
                true,
                [](Module& m, const Value& v) -> Result<void> {
                    (static_cast<typename M::Class&>(m).*Field).emplace_back(v.string());
                    return {};
                },
                [](const Module&) { return std::string(); }};
    } else {
        return {name,
                doc,
                K::type,
                range,
                false,
                [](Module& m, const Value& v) -> Result<void> {
                    static_cast<typename M::Class&>(m).*Field = K::parse(v);
                    return {};
                },
                [](const Module& m) {
                    return K::print(static_cast<const typename M::Class&>(m).*Field);
                }};
    }
}
/// Handled by a method `Result<void> set(const Value&)`; may be given several times.
template <auto Method>
constexpr Param param_method(std::string_view name, std::string_view doc, Type type,
                             Range range = {}) {
    return {name,
            doc,
            type,
            range,
            true,
            []<class C>(Result<void> (C::*)(const Value&)) {
                return +[](Module& m, const Value& v) -> Result<void> {
                    return (static_cast<C&>(m).*Method)(v);
                };
            }(Method),
            [](const Module&) { return std::string(); }};
}

/// A text with variables, handled by `Result<void> set(std::string_view, ParamVariables&)`; may be
/// given several times.
template <auto Method>
constexpr Param param_variables(std::string_view name, std::string_view doc) {
    return {name,
            doc,
            Type::string,
            {},
            true,
            [](Module&, const Value&) -> Result<void> { return {}; },
            [](const Module&) { return std::string(); },
            []<class C>(Result<void> (C::*)(std::string_view, ParamVariables&)) {
                return +[](Module& m, std::string_view text, ParamVariables& v) -> Result<void> {
                    return (static_cast<C&>(m).*Method)(text, v);
                };
            }(Method)};
}

inline constexpr std::size_t kMaxArgs = 6;
struct Arg {
    std::string_view name;
    Type type{};
    bool optional = false;
    Route route = Route::any;  ///< for Type::route
};
/// A script function. Several rows may share a name when their numbers of arguments differ.
struct Function {
    std::string_view name, doc;
    Route routes{};
    std::array<Arg, kMaxArgs> args{};
    std::size_t arity = 0;     ///< arguments it can take
    std::size_t required = 0;  ///< arguments it must have
    Verdict (*call)(Module&, Message&, std::span<const Argument>) = nullptr;
    /// Called by the checker with the constant arguments (null Value when not constant), so that a
    /// module can refuse a value at start; null when there is nothing to check.
    Result<void> (*check)(const Module&, std::span<const Value>) = nullptr;
};
template <class>
struct Signature;
template <class C, class... A>
struct Signature<Verdict (C::*)(Message&, A...)> {
    using Class = C;
    using Args = std::tuple<std::remove_cvref_t<A>...>;
    static constexpr std::size_t arity = sizeof...(A);
    static_assert((ScriptType<std::remove_cvref_t<A>> && ...),
                  "a script function takes int, bool, string_view, Value, RouteArg, Regex, "
                  "VariableRef, LazyText, or optional<> of the first five");
};
template <auto Method, std::size_t... I>
Verdict invoke(Module& m, Message& msg, [[maybe_unused]] std::span<const Argument> a,
               std::index_sequence<I...>) {
    using S = Signature<decltype(Method)>;
    return (static_cast<typename S::Class&>(m).*Method)(
        msg, Kind<std::tuple_element_t<I, typename S::Args>>::from(a[I])...);
}
/// The row of a method `Verdict f(Message&, …)`. Every argument must be named. The caller passes a
/// full array of `arity` Arguments; absent optional ones are null.
template <auto Method, class... N>
constexpr Function function(std::string_view name, std::string_view doc, Route routes, N... names) {
    using S = Signature<decltype(Method)>;
    static_assert(sizeof...(N) == S::arity, "name every argument: the generated README needs it");
    static_assert(S::arity <= kMaxArgs);
    const std::array<std::string_view, sizeof...(N)> arg_names{names...};
    Function row{name, doc, routes, {}, S::arity, 0, nullptr, nullptr};
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((row.args[I] = {arg_names[I], Kind<std::tuple_element_t<I, typename S::Args>>::type,
                         is_optional<std::tuple_element_t<I, typename S::Args>>,
                         route_of<std::tuple_element_t<I, typename S::Args>>()}),
         ...);
        row.required = (0 + ... + (is_optional<std::tuple_element_t<I, typename S::Args>> ? 0 : 1));
        row.call = [](Module& m, Message& msg, std::span<const Argument> a) {
            return invoke<Method>(m, msg, a, std::make_index_sequence<S::arity>{});
        };
    }(std::make_index_sequence<S::arity>{});
    return row;
}
/// The same with a check of constant arguments.
template <auto Method, class... N>
constexpr Function checked_function(Result<void> (*check)(const Module&, std::span<const Value>),
                                    std::string_view name, std::string_view doc, Route routes,
                                    N... names) {
    Function row = function<Method>(name, doc, routes, names...);
    row.check = check;
    return row;
}

/// `$name`, `$name(inner)`, `$(name(inner)[index])`. The inner text is resolved once, when the
/// configuration is read, so that reading a variable costs a call.
struct VariableName {
    std::string_view inner;  ///< text in the parentheses; at run time, evaluated if it was dynamic
    std::uint64_t handle = 0;               ///< what `resolve` made of it
    const VariableRef* variable = nullptr;  ///< with Inner::evaluated
    std::int32_t index = 0;
    bool has_index = false;
    bool all = false;  ///< [*]
};
enum class Inner : std::uint8_t {
    none,
    optional,
    required,
    variable,  ///< required, and handed over as written: $cnt($avp(x))
    evaluated  ///< required, a variable that VariableName::variable reads, from any message
};
struct Variable {
    std::string_view name, doc;
    Inner inner = Inner::none;
    bool indexed = false;  ///< takes [index]
    /// Null when absent. Strings live in the message, its arena, or for ever.
    Value (*get)(Module&, Message&, const VariableName&) = nullptr;
    /// False when the value cannot be assigned (the reason was logged). Null: read-only. A null
    /// value removes.
    bool (*set)(Module&, Message&, const VariableName&, const Value&) = nullptr;
    /// Checks constant inner text before fork and turns it into a handle; null: handle stays 0.
    Result<std::uint64_t> (*resolve)(Module&, std::string_view inner) = nullptr;
    /// The inner text is one of a fixed set of words: `resolve` only looks it up, so it may be
    /// called at run time for a text that was not constant.
    bool fixed_names = false;
    /// A bare word of expressions (`method`, `src_ip`, `status`): compares without case, no `$`.
    bool keyword = false;
};

/// A counter, bound to a `shm::Counter` member of the module before prepare().
struct Statistic {
    std::string_view name, doc;
    void (*bind)(Module&, shm::Counter) = nullptr;
    std::int64_t (*read)(Module&) = nullptr;  ///< instead of a counter: computed when asked for
    /// What it says goes up and down (a gauge in /metrics): most that are computed.
    bool is_level = false;
};
template <auto Field>
constexpr Statistic statistic(std::string_view name, std::string_view doc) {
    using M = MemberOf<decltype(Field)>;
    return {name, doc,
            [](Module& m, shm::Counter c) { static_cast<typename M::Class&>(m).*Field = c; },
            nullptr};
}
template <auto Method>
constexpr Statistic computed_statistic(std::string_view name, std::string_view doc,
                                       bool is_level = true) {
    return {name, doc, nullptr,
            []<class C>(std::int64_t (C::*)()) {
                return +[](Module& m) { return (static_cast<C&>(m).*Method)(); };
            }(Method),
            is_level};
}
/// How long something takes, bound to a `shm::Histogram` member of the module before prepare().
struct HistogramRow {
    std::string_view name, doc;  ///< "query": fairlead_<module>_query_seconds in /metrics
    void (*bind)(Module&, shm::Histogram) = nullptr;
};
template <auto Field>
constexpr HistogramRow histogram(std::string_view name, std::string_view doc) {
    using M = MemberOf<decltype(Field)>;
    return {name, doc,
            [](Module& m, shm::Histogram h) { static_cast<typename M::Class&>(m).*Field = h; }};
}

// ---- Interfaces between modules ----------------------------------------------------------------

/// An interface is an abstract struct with `static constexpr ApiId api_id{"tm", 1}`. Methods are
/// only added at the end; the version goes up when a meaning changes.
struct ApiId {
    std::string_view name;
    std::uint32_t version;
};
struct Offer {
    ApiId id;
    void* (*as)(Module&);
};
struct Need {
    ApiId id;
    bool optional;
    void (*bind)(Module&, void*);
};
template <class M, class Api>
constexpr Offer offers() {
    static_assert(std::is_base_of_v<Api, M>);
    return {Api::api_id, [](Module& m) -> void* { return static_cast<Api*>(static_cast<M*>(&m)); }};
}
/// `Field` is a pointer member, set before prepare(); null when an optional interface is not there.
/// The order of `loadmodule` lines does not matter for it.
template <auto Field>
constexpr Need needs(bool optional = false) {
    using M = MemberOf<decltype(Field)>;
    using Api = std::remove_pointer_t<typename M::Field>;
    return {Api::api_id, optional, [](Module& m, void* a) {
                static_cast<typename M::Class&>(m).*Field = static_cast<Api*>(a);
            }};
}

// ---- The descriptor -----------------------------------------------------------------------------

struct Descriptor {
    std::string_view name, summary;
    std::unique_ptr<Module> (*create)() = nullptr;
    std::span<const Param> params{};
    std::span<const Function> functions{};
    std::span<const Variable> variables{};
    std::span<const Statistic> statistics{};
    std::span<const std::string_view> event_routes{};  ///< "sl:filtered-ack"
    std::span<const Offer> offers{};
    std::span<const Need> needs{};
    Hook hooks = Hook::none;
    /// Other names under which the file may be loaded and configured ("cplc" for cpl).
    std::span<const std::string_view> aliases{};
    std::span<const Command> commands{};  ///< what operators can ask (core/api/command.h)
    std::span<const Tunable> tunables{};  ///< what they can change (core/api/tunable.h)
    std::span<const HistogramRow> histograms{};
};
template <class M>
std::unique_ptr<Module> make_module() {
    return std::make_unique<M>();
}

/// What both sides must agree on. The hash is made by meson of the public headers, the compiler and
/// the flags that change layout; the server reads this symbol before it calls anything in a module.
struct AbiStamp {
    std::uint32_t magic, descriptor_size;
    std::uint64_t hash;
};
#ifndef FAIRLEAD_ABI_HASH
#error \
    "FAIRLEAD_ABI_HASH is not set: build modules with the flags of `pkg-config --cflags fairlead`"
#endif
inline constexpr AbiStamp kAbi{0x46414952, sizeof(Descriptor), FAIRLEAD_ABI_HASH};

}  // namespace fairlead

/// Ends a module's source file; `descriptor_` is a constexpr Descriptor.
#define FAIRLEAD_MODULE(descriptor_)                                                         \
    extern "C" __attribute__((visibility("default"))) const fairlead::AbiStamp fairlead_abi; \
    constinit const fairlead::AbiStamp fairlead_abi = fairlead::kAbi;                        \
    extern "C" __attribute__((visibility("default"))) const fairlead::Descriptor*            \
    fairlead_module() noexcept {                                                             \
        return &(descriptor_);                                                               \
    }
