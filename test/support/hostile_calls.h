// Calls every function and reads and writes every variable of all modules with whatever arguments:
// what the fuzzer and the test with fixed values share. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/regex.h"
#include "test/support/module_host.h"
#include "test/support/temp_folder.h"

namespace fairlead::test {

/// A function that is not called, and why.
struct NotCalled {
    std::string_view name, why;
};
[[nodiscard]] std::span<const NotCalled> not_called() noexcept;

/// One engine with all modules. Functions and variables come from the descriptors, so that none can
/// be forgotten.
class HostileCalls : TempFolder, public ModuleHost {
public:
    struct FunctionRow {
        const Function* row;
        module::Loaded* owner;
    };
    struct VariableRow {
        const Variable* row;
        module::Loaded* owner;
    };
    /// `modules`: names, as loadmodule takes them.
    explicit HostileCalls(std::span<const std::string> modules);

    [[nodiscard]] std::span<const FunctionRow> functions() const noexcept { return functions_; }
    [[nodiscard]] std::span<const VariableRow> variables() const noexcept { return variables_; }

    /// What happens to the call or variable: a message that is only received and forwarded, or a
    /// transaction with all of its routes.
    enum class Course : std::uint8_t { invite, register_, ack, stray_reply, transaction };
    static constexpr std::size_t kCourses = 5;

    /// Calls the function in each route of the course that it may be called in. Text i stands for
    /// argument i, turned into what its type wants; one with data() == nullptr leaves it out.
    void call(const FunctionRow& function, std::span<const std::string_view> texts, Course course);
    /// Reads `$name(inner)`, assigns `value` and reads again.
    void use(const VariableRow& variable, std::string_view inner, std::string_view index,
             std::string_view value, Course course);

    /// What went wrong, one line each: a value was read back shorter than it was assigned, with all
    /// of the rest missing; or something was thrown.
    [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }
    /// Lets all timers run out; "" or what is still there, as leaks() says it.
    [[nodiscard]] std::string left_behind();
    /// Functions and variables that ran at least once.
    [[nodiscard]] std::size_t ran() const noexcept { return ran_; }

private:
    void take_course(Course course, Route routes, std::function<void(Message&)> act);
    void call_safely(Message& m, std::string_view function);
    void at(Route route, Message& m);
    void call_now(const FunctionRow& function, std::span<const std::string_view> texts, Message& m);
    bool stands_in_uri(Message& m, std::string_view value);
    void use_now(const VariableRow& variable, const VariableName& name, std::string_view value,
                 Message& m);

    std::string run_directory_;
    std::vector<FunctionRow> functions_;
    std::vector<VariableRow> variables_;
    std::vector<std::string> faults_;
    std::function<void(Message&)> act_;
    RegexCache regexes_;
    Route routes_ = Route::any;
    Course course_ = Course::invite;
    std::string_view now_;  ///< what is being called
    std::size_t ran_ = 0, rounds_ = 0;
    std::size_t deep_ = 0;
    std::size_t sum_ = 0;  ///< of the bytes that were read
};

}  // namespace fairlead::test
