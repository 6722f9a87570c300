// Loading the modules that a configuration names, and setting their parameters.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cfg/config.h"

namespace fairlead::cfg {

namespace {

std::string_view bare_name(std::string_view path) noexcept {
    path.remove_prefix(std::min(path.rfind('/') + 1, path.size()));
    if (path.ends_with(".so")) path.remove_suffix(3);
    return path;
}

}  // namespace

void load_modules(const Config& config, const ModulePaths& paths, module::Registry& registry,
                  Diagnostics& diagnostics) {
    std::vector<std::string_view> missing;
    for (const LoadLine& line : config.modules) {
        const auto& from = !paths.forced.empty()      ? paths.forced
                           : line.search_path.empty() ? paths.standard
                                                      : line.search_path;
        if (const auto loaded = registry.load(line.name, from); !loaded) {
            diagnostics.error(line.at, loaded.error().str());
            missing.push_back(bare_name(line.name));
        }
    }
    for (const ModParamLine& line : config.parameters) {
        // What is wrong with a module that is not there was said at its loadmodule line.
        if (std::find(missing.begin(), missing.end(), line.module) != missing.end()) continue;
        const Value value = line.value.is_string ? Value(std::string_view(line.value.text))
                                                 : Value(line.value.number);
        if (const auto ok = registry.set_parameter(line.module, line.name, value); !ok) {
            const bool no_module = ok.error().text.starts_with("No module matching");
            diagnostics.error(no_module ? line.module_at : line.at, ok.error().str());
        }
    }
}

}  // namespace fairlead::cfg
