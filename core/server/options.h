// The command line, with Kamailio 5.6's letters and texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::server {

/// How the process treats its terminal.
enum class Fork : std::uint8_t {
    daemon,      ///< leave the terminal (default, -DDD)
    foreground,  ///< stay, but with workers (-DD)
    none         ///< one process for everything (-D)
};

/// What the command line says; an empty optional leaves the configuration in charge.
struct Options {
    /// What to do instead of, or before, serving.
    enum class Action : std::uint8_t { serve, check, print_config, describe, help, version, build };
    struct ModuleParameter {
        std::string module, name, value;
        bool is_string = false;
    };

    Action action = Action::serve;
    std::string describe_module;
    bool check_as_json = false;
    std::string config;  ///< "" for the default
    std::vector<std::pair<std::string, std::string>> defines;
    std::vector<std::string> substitutions;  ///< "subst …", "substdef …", "substdefs …"
    std::string module_path;                 ///< -L, colon separated; overrides mpath
    std::vector<std::string> modules;        ///< --loadmodule
    std::vector<ModuleParameter> module_parameters;
    std::vector<std::string> listen;   ///< as given to -l
    std::vector<std::string> aliases;  ///< as given to --alias
    std::optional<bool> auto_aliases;
    std::optional<std::int64_t> children, debug, memory_mb, receive_buffer, server_id;
    Fork fork = Fork::daemon;
    bool fork_given = false;
    bool log_to_stderr = false;
    bool disable_tcp = false;
    bool check_via = false;
    std::string log_engine;
    std::string pid_file, group_pid_file, run_dir, work_dir, root_dir, user, group;
    std::vector<std::string> notices;  ///< one line for each option that has no meaning here
};

/// Why the command line was refused: what to print on stderr. The exit status is 255.
struct BadOption {
    std::string text;
};

/// Reads argv. Exactly one of the two is set.
struct ParsedOptions {
    Options options;
    std::optional<BadOption> error;
};
[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv);

[[nodiscard]] std::string help_text();
/// What -v prints; with `internals` what -I prints.
[[nodiscard]] std::string version_text(bool internals);

/// Where this executable finds its things: in a build tree those of the source tree, else what was
/// installed.
struct Places {
    std::string config;      ///< the default configuration
    std::string module_dir;  ///< the default module search path
};
[[nodiscard]] Places find_places();

}  // namespace fairlead::server
