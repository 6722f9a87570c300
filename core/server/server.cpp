// The whole server: what is asked for on the command line. SPDX-License-Identifier: Apache-2.0
#include "core/server/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "core/module/describe.h"
#include "core/server/configured.h"
#include "core/server/core_module.h"
#include "core/server/service.h"

namespace fairlead::server {
namespace {

constexpr int kFailed = 255;

void to_stdout(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}
void to_stderr(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
}
int refuse(const std::string& text) {
    to_stderr(text + "\n");
    return kFailed;
}

std::string config_path(const Options& options) {
    return options.config.empty() ? find_places().config : options.config;
}

int print_config(const Options& options) {
    cfg::Diagnostics diagnostics;
    cfg::ReadOptions read;
    read.defines = options.defines;
    read.directives = options.substitutions;
    to_stdout(cfg::preprocess(config_path(options), read, diagnostics));
    to_stderr(diagnostics.print());
    return diagnostics.errors() == 0 ? 0 : kFailed;
}

int describe(const Options& options) {
    if (options.describe_module == "transformations") {
        to_stdout(cfg::describe_transforms());
        return 0;
    }
    if (options.describe_module == "core") {
        to_stdout(module::describe(core_descriptor()));
        return 0;
    }
    module::Registry registry;
    const std::string path =
        options.module_path.empty() ? find_places().module_dir : options.module_path;
    const auto loaded = registry.load(options.describe_module, std::vector{path});
    if (!loaded) return refuse(loaded.error().str());
    to_stdout(module::describe(*(*loaded)->descriptor));
    return 0;
}

/// `--check=json`: nothing but the diagnostics on standard output.
int check_as_json(const Options& options) {
    const auto configured = configure(config_path(options), options);
    cfg::Diagnostics& diagnostics = configured->diagnostics;
    if (diagnostics.errors() == 0) {
        const auto listening = find_listeners(*configured, options);
        if (!listening) diagnostics.error({}, listening.error().str());
    }
    to_stdout(diagnostics.json());
    return diagnostics.errors() == 0 ? 0 : kFailed;
}

/// Reads the configuration, then checks it only or serves by it.
int with_config(const Options& options) {
    if (options.check_as_json) return check_as_json(options);
    const std::string path = config_path(options);
    if (access(path.c_str(), R_OK) != 0)
        return refuse(
            fmt::format("ERROR: loading config file({}): {}, check file and directory permissions",
                        path, std::strerror(errno)));
    for (const auto& notice : options.notices) to_stderr("notice: " + notice + "\n");
    const bool check = options.action == Options::Action::check;
    if (check) to_stdout("loading modules under config path: " + find_places().module_dir + "\n");
    const auto configured = configure(path, options);
    if (const auto errors = configured->diagnostics.errors(); errors != 0) {
        to_stderr(configured->diagnostics.print());
        return refuse(fmt::format("ERROR: bad config file ({} errors)", errors));
    }
    const auto listening = find_listeners(*configured, options);
    to_stderr(configured->diagnostics.print());
    if (!listening) return refuse("ERROR: " + listening.error().str());
    // Asking the resolver for reverse names may take seconds; a check has no use for them.
    const auto names = find_names(*configured, options, listening->listeners, !check);
    if (!names) return refuse("ERROR: " + names.error().str());
    to_stdout(listening_text(listening->listeners, *names) + "\n");
    if (check) {
        to_stderr("config file ok, exiting...\n");
        return 0;
    }
    if (listening->left_out != 0)
        to_stderr(fmt::format(
            "notice: {} listen addresses are left out: there are UDP, TCP and TLS, unless "
            "disable_tcp or disable_tls is set\n",
            listening->left_out));
    Service service(*configured, options, *listening, *names);
    return service.run();
}

int dispatch(const Options& options) {
    switch (options.action) {
        case Options::Action::help: to_stdout(help_text()); return 0;
        case Options::Action::version: to_stdout(version_text(false)); return 0;
        case Options::Action::build: to_stdout(version_text(true)); return 0;
        case Options::Action::print_config: return print_config(options);
        case Options::Action::describe: return describe(options);
        case Options::Action::check:
        case Options::Action::serve: break;
    }
    return with_config(options);
}

}  // namespace

int run(int argc, const char* const* argv) {
    try {
        const auto parsed = parse_options(argc, argv);
        if (parsed.error) return refuse(parsed.error->text);
        return dispatch(parsed.options);
    } catch (const std::exception& e) {
        return refuse(std::string("ERROR: ") + e.what());
    }
}

}  // namespace fairlead::server
