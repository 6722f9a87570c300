// The public face of the configuration language: read a file, compile it, run its routes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cfg/diagnostics.h"
#include "core/api/core.h"
#include "core/api/script.h"
#include "core/module/registry.h"

namespace fairlead::cfg {

struct Tree;    // the syntax tree (cfg/ast.h)
class Program;  // the compiled, immutable program (cfg/program.h)

/// A literal in the global part: integer (also yes/no/on/off…) or string.
struct Literal {
    bool is_string = false;
    std::int64_t number = 0;
    std::string text;  ///< also set for words and numbers: as written
};
struct Setting {  ///< `name = value`, also `group.name = value desc "…"` (name has the dot)
    std::string name;
    Literal value;
    std::string description;
    Position at;        ///< of the name
    Position value_at;  ///< of the value
};
struct ListenLine {              ///< `listen=udp:127.0.0.1:5060 advertise 1.2.3.4:5060 name "x"`
    std::optional<Proto> proto;  ///< nullopt: all that are built in
    std::string host;            ///< address, host name or interface
    std::uint16_t port = 0;      ///< 0: the `port` parameter
    std::string advertised_host;
    std::uint16_t advertised_port = 0;
    std::string name;
    /// The socket_workers in front of the line, by its place in Config::settings.
    std::optional<std::size_t> workers;
    Position at;
};
struct AliasLine {
    std::optional<Proto> proto;
    std::string host;
    std::uint16_t port = 0;  ///< 0: any
    Position at;
};
struct LoadLine {
    std::string name;
    std::vector<std::string> search_path;  ///< loadpath/mpath in force at this line; empty: default
    Position at;
};
struct ModParamLine {
    std::string module, name;
    Literal value;
    Position at;         ///< of the parameter's name
    Position module_at;  ///< of the module's
};

/// What was read, before any module is loaded.
struct Config {
    Config();
    ~Config();
    Config(Config&&) noexcept;
    Config& operator=(Config&&) noexcept;
    std::vector<Setting> settings;
    std::vector<ListenLine> listen;
    std::vector<AliasLine> aliases;
    std::vector<LoadLine> modules;
    std::vector<ModParamLine> parameters;
    std::unique_ptr<Tree> tree;  ///< the routes
};

struct ReadOptions {
    std::vector<std::pair<std::string, std::string>> defines;  ///< -A
    /// "subst …", "substdef …": directives in front of the file, without "#!" (--subst).
    std::vector<std::string> directives;
    /// Values of $def and predefined names, such as the compatible version (KAMAILIO_5_6).
    bool predefine_version = true;
};

/// Reads and parses a file with all that it includes. Errors go to `diagnostics`; what could be
/// understood is returned all the same, so that compile() can find more.
[[nodiscard]] Config read(const std::string& path, const ReadOptions& options,
                          Diagnostics& diagnostics);
/// The same from memory (tests, fuzzing); includes are refused.
[[nodiscard]] Config read_text(std::string text, const ReadOptions& options,
                               Diagnostics& diagnostics);
/// The text after preprocessing (`--cfg-print`).
[[nodiscard]] std::string preprocess(const std::string& path, const ReadOptions& options,
                                     Diagnostics& diagnostics);

struct ModulePaths {
    std::vector<std::string> standard;  ///< where no loadpath or mpath was given
    std::vector<std::string> forced;    ///< -L: overrides those of the configuration
};
/// Loads the modules and sets their parameters, in the order of their lines. Each failure is an
/// error at its line; the rest is loaded all the same, so that compile() can find more.
void load_modules(const Config& config, const ModulePaths& paths, module::Registry& registry,
                  Diagnostics& diagnostics);

/// What the language knows without modules ($rc, $null, $def, `method`, `src_ip`, …). compile()
/// adds it to the registry when nobody has.
[[nodiscard]] const Descriptor& builtin_descriptor() noexcept;

/// Checks everything that can be known before a message arrives (functions, arguments, route types,
/// route names, variables) and makes the program. Null when there were errors, also earlier ones.
/// `settings` gives limits such as max_while_loops by name.
[[nodiscard]] std::shared_ptr<const Program> compile(const Config& config,
                                                     module::Registry& registry,
                                                     Diagnostics& diagnostics);

/// What stands in front of the lines that a message causes (log_prefix); null for nothing. Belongs
/// to the program.
[[nodiscard]] const LazyText* log_prefix(const Program& program) noexcept;

/// What to call each route, by RouteId: as the configuration writes it ("failure_route[BUSY]"),
/// but "route" for all that other routes call.
[[nodiscard]] std::vector<std::string> route_labels(const Program& program);

/// Runs routes of one program in one process. Statements and expressions do not allocate: strings
/// come from the message's arena.
class Interpreter final : public Script {
public:
    explicit Interpreter(std::shared_ptr<const Program> program);
    ~Interpreter();
    [[nodiscard]] RouteId find(Route type, std::string_view name) const noexcept override;
    [[nodiscard]] std::string_view name(RouteId route) const noexcept override;
    RouteResult run(RouteId route, Message& message) noexcept override;
    [[nodiscard]] std::string_view way_back(Message& message) noexcept override;
    RouteResult resume(std::string_view way, Message& message) noexcept override;
    [[nodiscard]] std::optional<std::string_view> fill_in(std::string_view text,
                                                          Message& message) noexcept override;
    /// Before fork: where expressions that fall out of the cache are counted.
    void count_regex_evictions(shm::Counter evicted) noexcept;

private:
    template <class F>
    RouteResult guarded(Message& message, F body) noexcept;
    struct State;
    std::shared_ptr<const Program> program_;
    std::unique_ptr<State> state_;
};

/// The transformations of variables, a row of a Markdown table each.
[[nodiscard]] std::string describe_transforms();

}  // namespace fairlead::cfg
