// From a configuration file to checked parameters, loaded modules and a compiled program.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "cfg/config.h"
#include "core/module/registry.h"
#include "core/net/listen.h"
#include "core/net/own_names.h"
#include "core/server/options.h"
#include "core/server/settings.h"

namespace fairlead::server {

/// All that a start needs before it touches memory, sockets or processes. Not moved: modules point
/// into the registry.
struct Configured {
    cfg::Diagnostics diagnostics;
    cfg::Config config;
    std::string directory;  ///< where its file lies
    Settings settings;
    module::Registry registry;
    std::shared_ptr<const cfg::Program> program;  ///< null when there were errors
};

/// Reads, loads and checks everything, collecting all errors in `diagnostics`. Runs no code of a
/// module but its constructor.
[[nodiscard]] std::unique_ptr<Configured> configure(const std::string& path,
                                                    const Options& options);

/// The addresses of the configuration and of `-l`, and who serves them. A socket_workers that comes
/// to nothing because its addresses do is a warning in the diagnostics.
[[nodiscard]] Result<net::Listening> find_listeners(Configured& configured, const Options& options);
/// The listeners' own names, `alias` and `--alias`, and with `reverse` the names that the system's
/// resolver has for the listeners (auto_aliases).
[[nodiscard]] Result<net::OwnNames> find_names(const Configured& configured, const Options& options,
                                               const std::vector<Listener>& listeners,
                                               bool reverse);

/// Kamailio's "Listening on" and "Aliases:" blocks.
[[nodiscard]] std::string listening_text(const std::vector<Listener>& listeners,
                                         const net::OwnNames& names);

}  // namespace fairlead::server
