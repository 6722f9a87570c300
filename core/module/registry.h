// What is loaded: modules and the names they export. Filled by the loader, read by the checker.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace fairlead::module {

/// A module that is loaded. Never unloaded: code keeps one address in every process.
struct Loaded {
    std::string name;  ///< the descriptor's
    std::string path;  ///< "" for what is built in
    const Descriptor* descriptor = nullptr;
    std::unique_ptr<Module> object;
};

struct FoundFunction {
    const Function* row = nullptr;
    Loaded* owner = nullptr;
};
struct FoundVariable {
    const Variable* row = nullptr;
    Loaded* owner = nullptr;
};

/// Per server, made in the supervisor before fork and constant afterwards.
class Registry {
public:
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Adds a module whose code is at hand (the core's own functions; a test's). Fails when the
    /// name is taken or a row is impossible (duplicate function with overlapping arity, …).
    Result<Loaded*> add(const Descriptor& descriptor, std::string path = {});

    /// Opens `name` ("tm", "tm.so", a path with '/') from the search path by Kamailio's rule:
    /// <dir>/<name>.so, then <dir>/<name>/<name>.so. One clear line when it cannot be used: not
    /// found (with the directories), not a module, built against another core (with both stamps),
    /// twice.
    Result<Loaded*> load(std::string_view name, std::span<const std::string> search_path);

    /// By name or alias; null when not loaded.
    [[nodiscard]] Loaded* find(std::string_view name) noexcept;
    [[nodiscard]] std::span<const std::unique_ptr<Loaded>> modules() const noexcept {
        return modules_;
    }

    /// modparam: `pattern` is an extended regular expression anchored at both ends, without case,
    /// matched against names and aliases. Every matched module must have the parameter. Converts
    /// between yes/no, integers and strings only as Kamailio does; checks the range.
    Result<void> set_parameter(std::string_view pattern, std::string_view name, const Value& value);
    /// The same line once all modules are loaded: for rows with `set_variables`; does nothing for
    /// all others, and when set_parameter() refused the line.
    Result<void> set_variables(std::string_view pattern, std::string_view name, const Value& value,
                               ParamVariables& variables);

    /// All rows of a name, the module loaded last first.
    [[nodiscard]] std::vector<FoundFunction> functions(std::string_view name) const;
    /// `$name`; a bare word of expressions when there is no such variable. The module loaded last
    /// wins.
    [[nodiscard]] std::optional<FoundVariable> variable(std::string_view name) const;
    /// Only bare words (`Variable::keyword`): `proto` and `$proto` are different rows.
    [[nodiscard]] std::optional<FoundVariable> keyword(std::string_view name) const;
    [[nodiscard]] std::vector<std::string_view> function_names() const;
    [[nodiscard]] std::vector<std::string_view> variable_names() const;

    /// Binds needed interfaces and counters, then gives the order in which prepare() and start()
    /// run: a module after those that it needs, else as loaded. Names the cycle or what is missing.
    Result<std::vector<Loaded*>> connect(shm::Counters& counters);

private:
    using ParameterRows = std::vector<std::pair<Loaded*, const Param*>>;
    [[nodiscard]] Result<ParameterRows> parameter_rows(std::string_view pattern,
                                                       std::string_view name, const Value& value);

    std::vector<std::unique_ptr<Loaded>> modules_;
    std::map<std::string, std::vector<FoundFunction>, std::less<>> functions_;
    std::map<std::string, FoundVariable, std::less<>> variables_, keywords_;
};

}  // namespace fairlead::module
