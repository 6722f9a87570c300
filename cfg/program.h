// The compiled program: immutable nodes with resolved pointers, made by the checker before fork.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/ast.h"
#include "cfg/transform.h"
#include "core/api/regex.h"
#include "core/base/arena.h"
#include "core/module.h"
#include "core/module/registry.h"

namespace fairlead::cfg {

struct Format;

/// A place for log lines: "file:line".
struct Place {
    std::uint16_t file = 0;
    std::uint32_t line = 0;
};

struct TransformUse {
    const TransformRow* row = nullptr;
    std::array<Value, kMaxTransformArgs> constants{};
    std::array<const Format*, kMaxTransformArgs> formats{};  ///< null: the constant
    std::size_t count = 0;
    const Substitution* substitution = nullptr;
};

/// A variable where it is used: its row, its inner name resolved, its transformations.
class VariableUse final : public VariableRef {
public:
    const Variable* row = nullptr;
    Module* module = nullptr;
    VariableName name;
    const Format* inner = nullptr;  ///< made at run time
    const Format* index = nullptr;
    std::span<const TransformUse> transforms;
    std::string_view text;  ///< as written

    [[nodiscard]] Value get(Message& message) const override;
    /// False when it cannot be written, or its row refused.
    bool set(Message& message, const Value& value) const override;

private:
    [[nodiscard]] VariableName resolved(Message& message) const;
    /// Before its transformations.
    [[nodiscard]] Value raw(Message& message) const;
    [[nodiscard]] Value transformed(Message& message, Value value) const;
};

/// "text $var(x)".
struct Format final : LazyText {
    struct Piece {
        std::string_view text;
        const VariableUse* variable = nullptr;
    };
    std::span<const Piece> pieces;

    [[nodiscard]] std::string_view text(Message& message) const override;
    [[nodiscard]] std::optional<Part> part(Message& message, std::size_t n) const override;
};

struct Node;

struct CallArgument {
    enum class How : std::uint8_t { constant, made };
    How how = How::constant;
    Type type = Type::none;
    Route route = Route::any;
    Argument constant;           ///< null value when an optional one is absent
    const Node* node = nullptr;  ///< what makes it
};
struct Call {
    const Function* row = nullptr;
    module::Loaded* owner = nullptr;
    std::array<CallArgument, kMaxArgs> arguments{};
    bool sets_return_code = true;  ///< the core's own functions leave $rc alone
};

/// A network or address that src_ip and dst_ip are compared with.
struct Network {
    Address address;
    int prefix = 0;
    [[nodiscard]] bool contains(const Address& other) const noexcept;
};

class Builtin;

/// An expression. Which members are used depends on `kind`.
struct Node {
    enum class Kind : std::uint8_t {
        constant,
        variable,
        format,
        call,
        route,         ///< `target`
        named_route,   ///< name is the value of `a`
        truth,         ///< code of `a` (a call or route) as 1 or 0
        operation,     ///< `op` on a and b
        match,         ///< a =~ `regex`, or the pattern that `b` gives
        select,        ///< a ? b : c
        assign,        ///< `variable` = a
        same_letters,  ///< keyword atom compared with a string without case; op is equal or unequal
        in_network,    ///< `ip` in `network`
        my_address,    ///< `ip` is one of ours
        my_uri         ///< the URI that `a` gives is ours
    };
    enum class Ip : std::uint8_t { source, destination, sending, leaving };
    Kind kind = Kind::constant;
    Op op = Op::none;
    Ip ip = Ip::source;
    RouteId target = RouteId::none;
    Place place;
    const Node *a = nullptr, *b = nullptr, *c = nullptr;
    Value value;
    const VariableUse* variable = nullptr;
    const Format* format = nullptr;
    const Call* call = nullptr;
    const Regex* regex = nullptr;
    const Network* network = nullptr;
    const Builtin* builtin = nullptr;
};

struct Step;
struct Choice {
    enum class Kind : std::uint8_t { value, regex, otherwise };
    Kind kind = Kind::value;
    Value value;
    const Node* made = nullptr;  ///< a value that is not constant
    const Regex* regex = nullptr;
    const Step* first = nullptr;
};
struct Step {
    Statement::Kind kind = Statement::Kind::block;
    Place place;
    const Node* value = nullptr;
    const Step* body = nullptr;  ///< of a switch: the statements of all cases, one behind the other
    const Step* otherwise = nullptr;
    const Step* next = nullptr;
    std::span<const Choice> choices;
    std::uint32_t number = 0;  ///< its place in Program::step()
};

struct CompiledRoute {
    Route type = Route::request;
    std::string name;
    const Step* first = nullptr;
};

struct Limits {
    std::int64_t loops = 100;  ///< max_while_loops
    int depth = 256;           ///< max_recursive_level
};

/// Made by compile(), never changed afterwards; workers inherit it by fork.
class Program {
public:
    Program() : memory_(64 * 1024) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    [[nodiscard]] RouteId find(Route type, std::string_view name) const noexcept;
    [[nodiscard]] const CompiledRoute& route(RouteId id) const noexcept {
        return routes_[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] std::span<const CompiledRoute> routes() const noexcept { return routes_; }
    /// By number; null for none.
    [[nodiscard]] const Step* step(std::uint32_t number) const noexcept {
        return number < steps_.size() ? steps_[number] : nullptr;
    }
    [[nodiscard]] std::size_t step_count() const noexcept { return steps_.size(); }
    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
    /// The name of a file as it was opened; "" when the place is none.
    [[nodiscard]] std::string_view file(const Place& place) const noexcept {
        return place.file < files_.size() ? std::string_view(files_[place.file]) : "";
    }
    /// What stands in front of the lines that a message causes; null for nothing.
    [[nodiscard]] const LazyText* log_prefix() const noexcept { return log_prefix_; }
    /// log_prefix_mode=1: what it says may change while a script runs.
    [[nodiscard]] bool log_prefix_anew() const noexcept {
        return log_prefix_anew_ && log_prefix_ != nullptr;
    }
    /// Where its names were found; for texts that are read at run time.
    [[nodiscard]] module::Registry& registry() const noexcept { return *registry_; }
    /// "file:line".
    [[nodiscard]] std::string where(const Place& place) const;

private:
    friend class Checker;

    template <class T>
    T* make() {
        return memory_.make<T>();
    }
    std::string_view keep(std::string_view s) { return memory_.copy(s); }

    Arena memory_;
    std::vector<CompiledRoute> routes_;
    std::vector<const Step*> steps_;
    std::vector<std::string> files_;
    std::deque<Regex> regexes_;
    std::deque<std::vector<Format::Piece>> pieces_;
    std::deque<std::vector<TransformUse>> transforms_;
    std::deque<std::vector<Choice>> choices_;
    Limits limits_;
    const LazyText* log_prefix_ = nullptr;
    bool log_prefix_anew_ = false;
    module::Registry* registry_ = nullptr;
};

}  // namespace fairlead::cfg
