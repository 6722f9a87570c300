// Opening a module's file: where it is looked for, and the stamp that is compared before any of its
// code is called. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "core/module/registry.h"

namespace fairlead::module {

namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

/// A name with '/' is first tried as it is; then <dir>/<name>.so and <dir>/<name>/<name>.so.
Result<std::string> look_up(std::string_view name, std::span<const std::string> search_path) {
    const bool has_suffix = name.ends_with(".so");
    const std::string bare(has_suffix ? name.substr(0, name.size() - 3) : name);
    if (bare.empty()) return fail(fmt::format("no module can be named \"{}\"", name));
    if (name.find('/') != std::string_view::npos) {
        if (is_file(std::string(name))) return std::string(name);
        if (is_file(bare + ".so")) return bare + ".so";
    }
    std::string tried;
    for (const std::string& dir : search_path) {
        if (dir.empty()) continue;
        std::string flat = fmt::format("{}/{}.so", dir, bare);
        if (is_file(flat)) return flat;
        std::string nested = fmt::format("{}/{}/{}.so", dir, bare, bare);
        if (is_file(nested)) return nested;
        tried += (tried.empty() ? "" : ":") + dir;
    }
    return fail(fmt::format("could not find module \"{}\" in {}", name,
                            tried.empty() ? "an empty module path" : tried));
}

/// dlerror() may break its text over lines; an operator gets one.
std::string why_not_opened() {
    const char* const text = dlerror();
    std::string line = text != nullptr ? text : "unknown reason";
    for (char& c : line) {
        if (c == '\n' || c == '\r') c = ' ';
    }
    if (line.find("undefined symbol") != std::string::npos) {
        line += "; rebuild it with `pkg-config --cflags fairlead` of this server";
    }
    return line;
}

Result<const Descriptor*> enter(void* handle, const std::string& path) {
    const auto* const stamp = static_cast<const AbiStamp*>(dlsym(handle, "fairlead_abi"));
    if (stamp == nullptr) {
        return fail(fmt::format("{} is not a Fairlead module: it has no fairlead_abi", path));
    }
    if (stamp->magic != kAbi.magic) {
        return fail(
            fmt::format("{} is not a Fairlead module: its fairlead_abi is something else", path));
    }
    if (stamp->descriptor_size != kAbi.descriptor_size || stamp->hash != kAbi.hash) {
        return fail(fmt::format(
            "module {} was built for interface {:016x}/{}, this server has {:016x}/{}: rebuild "
            "it with `pkg-config --cflags fairlead`",
            path, stamp->hash, stamp->descriptor_size, kAbi.hash, kAbi.descriptor_size));
    }
    using Entry = const Descriptor* (*)() noexcept;
    const auto entry = reinterpret_cast<Entry>(dlsym(handle, "fairlead_module"));
    const Descriptor* const descriptor = entry != nullptr ? entry() : nullptr;
    if (descriptor == nullptr) {
        return fail(
            fmt::format("{} has no fairlead_module(): end its source with FAIRLEAD_MODULE", path));
    }
    return descriptor;
}

}  // namespace

Result<Loaded*> Registry::load(std::string_view name, std::span<const std::string> search_path) {
    const std::string path = TRY(look_up(name, search_path));
    // Without a '/' dlopen would search the system's library path instead.
    const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
    void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        return fail(fmt::format("could not open module {}: {}", path, why_not_opened()));
    }
    const auto descriptor = enter(handle, path);
    if (!descriptor) {
        dlclose(handle);  // nothing of it was called
        return std::unexpected(descriptor.error());
    }
    return add(**descriptor, path);
}

}  // namespace fairlead::module
