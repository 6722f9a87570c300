// /proc/PID/task/*/{schedstat,children} and /proc/PID/stat. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fairlead::sipload {

namespace {

/// cutime and cstime: fields 16 and 17, counted behind the command, which may hold anything.
std::chrono::nanoseconds of_ended_children(int pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    const std::size_t close = line.rfind(')');
    if (close == std::string::npos) return {};
    std::istringstream fields(line.substr(close + 1));
    std::string skipped;
    for (int i = 3; i < 16; ++i) fields >> skipped;
    long long user = 0, system = 0;
    fields >> user >> system;
    return std::chrono::nanoseconds((user + system) * (1'000'000'000LL / ::sysconf(_SC_CLK_TCK)));
}

}  // namespace

std::chrono::nanoseconds cpu_time(int pid) {
    std::chrono::nanoseconds total = of_ended_children(pid);
    std::error_code gone;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
        long long running = 0;
        std::ifstream(task.path() / "schedstat") >> running;
        total += std::chrono::nanoseconds(running);
        std::ifstream children(task.path() / "children");
        for (int child = 0; children >> child;) total += cpu_time(child);
    }
    return total;
}

}  // namespace fairlead::sipload
