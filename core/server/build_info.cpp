// What the build knows about itself: version, paths, the default Server line.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/build_info.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "core/server/options.h"

namespace fairlead::server {
namespace {

std::string platform() {
    utsname name{};
    if (uname(&name) != 0) return "unknown/linux";
    return std::string(name.machine) + "/linux";
}

std::string executable_dir() {
    std::array<char, 4096> path{};
    const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (size <= 0) return {};
    const std::string text(path.data(), static_cast<std::size_t>(size));
    return text.substr(0, text.rfind('/'));
}

bool exists(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

}  // namespace

std::string version_line() {
    return "version: fairlead " FAIRLEAD_VERSION " (" + platform() + ")";
}

std::string product() {
    return "fairlead (" FAIRLEAD_VERSION " (" + platform() + "))";
}

Places find_places() {
    const std::string dir = executable_dir();
    // Only a build tree has its build.ninja one folder above the executable.
    if (!dir.empty() && exists(dir + "/../build.ninja"))
        return {FAIRLEAD_SOURCE_DIR "/cfg/fairlead.cfg", dir + "/../modules"};
    // What was installed may stand below another root (DESTDIR): its places are there too.
    std::string root;
    if (constexpr std::string_view binaries = FAIRLEAD_BINARY_DIR; dir.ends_with(binaries))
        root = dir.substr(0, dir.size() - binaries.size());
    return {root + FAIRLEAD_CONFIG_FILE, root + FAIRLEAD_MODULE_DIR};
}

}  // namespace fairlead::server
