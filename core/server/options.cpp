// The command line, with Kamailio 5.6's letters and texts.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/options.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "core/base/text.h"
#include "core/server/build_info.h"

namespace fairlead::server {
namespace {

std::optional<bool> yes_or_no(const std::string& value) {
    for (std::string_view yes : {"yes", "y", "on", "1", "true"})
        if (text::ci_equal(value, yes)) return true;
    for (std::string_view no : {"no", "n", "off", "0", "false"})
        if (text::ci_equal(value, no)) return false;
    return std::nullopt;
}

std::pair<std::string, std::string> split_define(const std::string& text) {
    const auto at = text.find('=');
    if (at == std::string::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

/// "module:name:s|i:value"; the value may hold colons.
std::optional<Options::ModuleParameter> split_parameter(const std::string& text) {
    const auto first = text.find(':');
    const auto second = first == std::string::npos ? first : text.find(':', first + 1);
    const auto third = second == std::string::npos ? second : text.find(':', second + 1);
    if (third == std::string::npos || third != second + 2) return std::nullopt;
    const char type = text[second + 1];
    if (type != 's' && type != 'i') return std::nullopt;
    return Options::ModuleParameter{text.substr(0, first),
                                    text.substr(first + 1, second - first - 1),
                                    text.substr(third + 1), type == 's'};
}

struct Ignored {
    const char* names;
    const char* help;
    const char* why;
    bool has_value;
};
constexpr Ignored kIgnored[] = {
    {"-N", "Number of TCP processes", "streams are served by the same workers", true},
    {"-Q", "Number of SCTP processes", "there is no SCTP", true},
    {"-S", "Disable SCTP", "there is no SCTP", false},
    {"-M", "Private memory in megabytes", "private memory needs no size", true},
    {"-x", "Allocator of shared memory", "there is one allocator", true},
    {"-X", "Allocator of private memory", "there is one allocator", true},
    {"-e", "Colours in the log", "log lines have no colours", false},
    {"-O", "Script optimisation level", "scripts are always compiled", true},
    {"-r", "Use DNS for received=", "no name is looked up for a received Via", false},
    {"-R", "Use reverse DNS for received=", "no name is looked up for a received Via", false},
    {"-W", "Poll method", "the event loop chooses it", true},
    {"--atexit", "Callbacks at exit", "no exit handler touches shared memory", true},
};

/// Binds every option to a field; its methods only declare.
class Declaration {
public:
    /// `complaint` takes the text of the first value that was refused.
    Declaration(CLI::App& app, Options& options, std::string& complaint)
        : app_(app), o_(options), complaint_(complaint) {
        general();
        sockets();
        processes();
        logging();
        files();
        for (const auto& row : kIgnored) ignored(row);
    }

private:
    using Take = std::function<void(const std::string&)>;

    void refuse(std::string text) {
        if (complaint_.empty()) complaint_ = std::move(text);
    }
    std::int64_t number(const std::string& value, std::int64_t max, const std::string& text) {
        const auto n = text::parse_uint(value, static_cast<std::uint64_t>(max));
        if (!n) refuse(text + value);
        return static_cast<std::int64_t>(n.value_or(0));
    }

    void value(const std::string& names, const std::string& kind, const std::string& help,
               const Take& take) {
        app_.add_option_function<std::vector<std::string>>(
                names,
                [take](const std::vector<std::string>& values) {
                    for (const auto& v : values) take(v);
                },
                help)
            ->allow_extra_args(false)
            ->type_size(1)
            ->type_name(kind);
    }
    void flag(const std::string& names, const std::string& help,
              const std::function<void(std::int64_t)>& take) {
        app_.add_flag_function(names, take, help)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    void text_into(const std::string& names, const std::string& kind, const std::string& help,
                   std::string& field) {
        value(names, kind, help, [&field](const std::string& v) { field = v; });
    }
    void ignored(const Ignored& row) {
        const std::string help = std::string(row.help) + " (no effect: " + row.why + ")";
        const auto note = [this, row] {
            o_.notices.push_back(std::string(row.names) + " has no effect: " + row.why);
        };
        if (row.has_value)
            value(row.names, "VALUE", help, [note](const std::string&) { note(); });
        else
            flag(row.names, help, [note](std::int64_t) { note(); });
    }
    void action(const std::string& names, const std::string& help, Options::Action what) {
        flag(names, help, [this, what](std::int64_t) { o_.action = what; });
    }

    void general() {
        using enum Options::Action;
        action("-h,--help", "This text", help);
        action("-v,-V,--version", "Version", version);
        action("-I", "Version and paths", build);
        action("-c", "Check the configuration and stop", check);
        value("--check", "FORMAT", "As -c; diagnostics as text or json",
              [this](const std::string& v) {
                  o_.action = check;
                  o_.check_as_json = v == "json";
                  if (v != "json" && v != "text") refuse("bad format: --check " + v);
              });
        action("--cfg-print", "Print the configuration after preprocessing", print_config);
        value("--describe", "MODULE", "Print what a module offers, as Markdown",
              [this](const std::string& v) {
                  o_.action = describe;
                  o_.describe_module = v;
              });
        text_into("-f", "FILE", "Configuration file", o_.config);
        value("-A", "NAME[=VALUE]", "Preprocessor definition",
              [this](const std::string& v) { o_.defines.push_back(split_define(v)); });
        for (const char* kind : {"subst", "substdef", "substdefs"})
            value(std::string("--") + kind, "EXPRESSION", std::string("As #!") + kind,
                  [this, kind](const std::string& v) {
                      o_.substitutions.push_back(std::string(kind) + " \"" + v + "\"");
                  });
        text_into("-L", "PATH", "Where modules are (colon separated)", o_.module_path);
        value("--loadmodule", "NAME", "Load a module",
              [this](const std::string& v) { o_.modules.push_back(v); });
        value("--modparam", "MODULE:NAME:s|i:VALUE", "Set a module's parameter",
              [this](const std::string& v) {
                  const auto parameter = split_parameter(v);
                  if (parameter)
                      o_.module_parameters.push_back(*parameter);
                  else
                      refuse("bad value for --modparam: '" + v +
                             "' (expected module:parameter:s|i:value)");
              });
        value("--server-id", "NUMBER", "Value of server_id", [this](const std::string& v) {
            o_.server_id = number(v, INT32_MAX, "bad server id: --server-id ");
        });
    }
    void sockets() {
        value("-l", "[PROTO:]ADDRESS[:PORT][/ADVERTISED]", "Listen here (repeatable)",
              [this](const std::string& v) { o_.listen.push_back(v); });
        value("--alias", "[PROTO:]HOST[:PORT]", "A name of this server (repeatable)",
              [this](const std::string& v) { o_.aliases.push_back(v); });
        value("-a", "yes|no", "Names found by reverse lookup are aliases",
              [this](const std::string& v) {
                  o_.auto_aliases = yes_or_no(v);
                  if (!o_.auto_aliases) refuse("bad auto aliases mode: -a " + v);
              });
        value("-b", "BYTES", "Largest receive buffer of a socket", [this](const std::string& v) {
            o_.receive_buffer = number(v, INT32_MAX, "bad max buffer size: -b ");
        });
        flag("-T", "Disable TCP", [this](std::int64_t) { o_.disable_tcp = true; });
        flag("-K", "Check the Via of replies", [this](std::int64_t) { o_.check_via = true; });
    }
    void processes() {
        value("-n", "NUMBER", "Number of workers", [this](const std::string& v) {
            o_.children = number(v, 1000, "bad process number: -n ");
        });
        value("-m", "MEGABYTES", "Size of shared memory", [this](const std::string& v) {
            o_.memory_mb = number(v, 1024 * 1024, "bad shared memory size: -m ");
        });
        flag("-D", "-D one process, -DD stay in the foreground, -DDD daemonise (default)",
             [this](std::int64_t n) {
                 o_.fork = n >= 3 ? Fork::daemon : n == 2 ? Fork::foreground : Fork::none;
                 o_.fork_given = true;
             });
        text_into("-u", "USER", "Run as this user", o_.user);
        text_into("-g", "GROUP", "Run as this group", o_.group);
        text_into("-t", "DIR", "Change the root directory", o_.root_dir);
        text_into("-w", "DIR", "Working directory (default /)", o_.work_dir);
    }
    void logging() {
        flag("-d", "Raise the log level (repeatable)", [this](std::int64_t n) { o_.debug = n; });
        value("--debug", "LEVEL", "Log level", [this](const std::string& v) {
            const auto n = text::parse_int(v);
            if (!n || *n < -10 || *n > 10) refuse("bad debug level: --debug " + v);
            o_.debug = n.value_or(0);
        });
        flag("-E", "Log to standard error", [this](std::int64_t) { o_.log_to_stderr = true; });
        text_into("--log-engine", "NAME", "Form of log lines: json, or empty for text",
                  o_.log_engine);
    }
    void files() {
        text_into("-P", "FILE", "Write the process id here", o_.pid_file);
        text_into("-G", "FILE", "Write the process group id here", o_.group_pid_file);
        text_into("-Y", "DIR", "Runtime directory", o_.run_dir);
    }

    CLI::App& app_;
    Options& o_;
    std::string& complaint_;
};

void set_up(CLI::App& app) {
    app.set_help_flag();  // -h is ours
    app.allow_extras();
    app.get_formatter()->column_width(38);
}

/// What stands in argv that no option took.
std::string complaint(const std::string& word) {
    if (word.size() < 2 || word[0] != '-')
        return "error: '" + word + "' is not a supported argument";
    const std::string name = word[1] == '-' ? word.substr(0, word.find('=')) : word.substr(0, 2);
    return "Unknown option '" + name + "'. Use -h for help.";
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
    ParsedOptions result;
    CLI::App app("fairlead");
    set_up(app);
    std::string refused;
    const Declaration declared(app, result.options, refused);
    try {
        app.parse(argc, argv);
        const auto extra = app.remaining();
        if (!extra.empty()) refused = complaint(extra.front());
        if (!refused.empty()) result.error = BadOption{refused};
    } catch (const CLI::ArgumentMismatch& e) {
        const std::string what = e.what();  // "-f: 1 required …"
        result.error = BadOption{"Option '" + what.substr(0, what.find(':')) +
                                 "' requires an argument. Use -h for help."};
    } catch (const CLI::Error& e) {
        result.error = BadOption{std::string(e.what()) + ". Use -h for help."};
    }
    return result;
}

std::string help_text() {
    CLI::App app("A programmable SIP server", "fairlead");
    set_up(app);
    Options unused;
    std::string unused_text;
    const Declaration declared(app, unused, unused_text);
    return version_line() + "\n" + app.help();
}

std::string version_text(bool internals) {
    std::string text = version_line() + "\n" + "compatible with: kamailio 5.6\n";
    text += "compiled with " __VERSION__ "\n";
    if (internals) {
        const Places places = find_places();
        text += "Default config: " + places.config + "\n";
        text += "Default paths to modules: " + places.module_dir + "\n";
    }
    return text;
}

}  // namespace fairlead::server
