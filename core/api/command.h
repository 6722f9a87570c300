// Commands: what an operator can ask a running server. A module lists its own in its descriptor;
// every management interface offers all of them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/value.h"
#include "core/base/result.h"

namespace fairlead {

class Module;

/// Where a command writes what it answers: a sequence of values, each an integer, a number, a text,
/// a structure or a list. In a structure name() comes before each value. Texts are copied. What was
/// begun and not ended is ended by the interface.
class Answer {
public:
    virtual void integer(std::int64_t value) = 0;
    virtual void number(double value) = 0;
    virtual void text(std::string_view value) = 0;
    virtual void begin_struct() = 0;
    virtual void end_struct() = 0;
    virtual void begin_array() = 0;
    virtual void end_array() = 0;
    virtual void name(std::string_view name) = 0;

    void integer(std::string_view field, std::int64_t value) {
        name(field);
        integer(value);
    }
    void number(std::string_view field, double value) {
        name(field);
        number(value);
    }
    void text(std::string_view field, std::string_view value) {
        name(field);
        text(value);
    }
    void begin_struct(std::string_view field) {
        name(field);
        begin_struct();
    }
    void begin_array(std::string_view field) {
        name(field);
        begin_array();
    }
    /// A script's value; null is an empty text.
    void value(const Value& value) {
        value.is_integer() ? integer(value.integer()) : text(value.string());
    }

protected:
    ~Answer() = default;
};

/// What writes a long answer piece by piece, at the pace at which it is taken away.
class AnswerSource {
public:
    virtual ~AnswerSource() = default;
    /// Writes the next piece (some 10 KB at most); false when nothing is left. It takes no lock
    /// with it from one call to the next: between two calls the server goes on.
    virtual bool more(Answer& answer) = 0;
};

/// Who asks. A reader may run commands with Right::read only.
enum class Role : std::uint8_t { reader, administrator };
/// What a command does.
enum class Right : std::uint8_t { read, change };

/// The answer to a command that is not at hand yet (a transaction must end first). Its owner writes
/// it when it is, in the control process. Destroying it ends the call: with what was written, or as
/// an error when nothing was.
class LateAnswer {
public:
    virtual ~LateAnswer() = default;
    [[nodiscard]] virtual Answer& answer() = 0;
    virtual void fail(const Error& error) = 0;
};

/// One command that was asked for. Made by an interface; used in the control process.
class Call {
public:
    /// `caller`: who asks, as far as the interface knows ("uid 1000, pid 4711"), for the log.
    Call(std::vector<Value> arguments, Role role, std::string_view interface,
         std::string caller = {})
        : args_(std::move(arguments)),
          role_(role),
          interface_(interface),
          caller_(std::move(caller)) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    virtual ~Call() = default;

    /// The command's arguments, with the types that its row wants. Texts live as long as the call.
    [[nodiscard]] std::span<const Value> args() const noexcept { return args_; }
    [[nodiscard]] bool has(std::size_t i) const noexcept {
        return i < args_.size() && !args_[i].is_null();
    }
    /// 0 and "" when there is no such argument.
    [[nodiscard]] std::int64_t integer(std::size_t i) const noexcept {
        return i < args_.size() ? args_[i].integer() : 0;
    }
    [[nodiscard]] std::string_view text(std::size_t i) const noexcept {
        return i < args_.size() ? args_[i].string() : std::string_view();
    }
    [[nodiscard]] Role role() const noexcept { return role_; }
    /// "ctl", "jsonrpcs", …
    [[nodiscard]] std::string_view interface() const noexcept { return interface_; }
    [[nodiscard]] const std::string& caller() const noexcept { return caller_; }

    [[nodiscard]] virtual Answer& answer() = 0;
    /// The answer goes on with what `source` writes; the call lives until that has ended.
    virtual void stream(std::unique_ptr<AnswerSource> source) = 0;
    /// The answer comes later, however soon the command returns.
    [[nodiscard]] virtual std::unique_ptr<LateAnswer> later() = 0;

private:
    friend class Commands;
    std::vector<Value> args_;
    std::vector<std::string> texts_;  ///< of arguments that were numbers
    Role role_;
    std::string_view interface_;
    std::string caller_;
};

/// One argument of a command.
struct CommandArg {
    enum class Type : std::uint8_t { integer, text, any };
    std::string_view name, doc;
    Type type = Type::text;
    bool optional = false;  ///< and all that follow
    bool repeated = false;  ///< the last: as many as are given, also none
};

/// A row of a descriptor.
struct Command {
    std::string_view name, doc;  ///< "tm.stats"
    Right right = Right::read;
    std::span<const CommandArg> args{};
    /// The answer is a list of values, also when it is one or none (as JSON shows it).
    bool list = false;
    /// Another name, as the line protocol of earlier servers had it ("t_hash"); "" for none.
    std::string_view classic{};
    /// In the control process. The error's `code` is the one that the asker sees (0: 500).
    Result<void> (*run)(Module&, Call&) = nullptr;
};
/// Handled by a method `Result<void> m(Call&)`.
template <auto Method>
constexpr Command command(std::string_view name, std::string_view doc, Right right,
                          std::span<const CommandArg> args = {}, bool list = false,
                          std::string_view classic = {}) {
    return {name, doc, right, args, list, classic, []<class C>(Result<void> (C::*)(Call&)) {
                return +[](Module& m, Call& call) -> Result<void> {
                    return (static_cast<C&>(m).*Method)(call);
                };
            }(Method)};
}

/// All commands of the server; for interfaces. Constant after the modules are loaded.
class Commands {
public:
    struct Entry {
        const Command* row;
        std::string_view module;
        Module* object;
    };
    /// By name, in the order of the alphabet.
    [[nodiscard]] virtual std::span<const Entry> all() const noexcept = 0;
    /// By its name, exactly; else by its classic name or its name without regard to case. Null when
    /// there is none.
    [[nodiscard]] virtual const Entry* find(std::string_view name) const noexcept = 0;
    /// Checks role and arguments and runs the command. Commands that change something are logged.
    /// The control process only.
    virtual Result<void> run(const Entry& entry, Call& call) = 0;

protected:
    ~Commands() = default;
    [[nodiscard]] static std::vector<Value>& args(Call& call) noexcept { return call.args_; }
    [[nodiscard]] static std::vector<std::string>& texts(Call& call) noexcept {
        return call.texts_;
    }
};

}  // namespace fairlead
