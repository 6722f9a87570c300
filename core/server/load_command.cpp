// core.load: what each process costs and what waits for it. SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "core/base/text.h"
#include "core/event/fd.h"
#include "core/net/sockets.h"
#include "core/server/core_base.h"
#include "core/server/engine.h"
#include "core/server/facts.h"

namespace fairlead::server::commands {
namespace {

/// CPU time of a process so far, in milliseconds; 0 when it is not there.
std::int64_t cpu_ms(pid_t pid) {
    const Fd file(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> buffer{};
    const ssize_t n = file ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
    if (n <= 0) return 0;
    std::string_view line(buffer.data(), static_cast<std::size_t>(n));
    // Behind the name, which may have blanks: state is field 3, utime 14, stime 15.
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string_view::npos) return 0;
    line.remove_prefix(name_end + 1);
    constexpr int kUser = 12, kSystem = 13;
    std::int64_t ticks = 0;
    for (int field = 0; field <= kSystem && !line.empty(); ++field) {
        const std::size_t end = line.find(' ');
        const std::string_view word = line.substr(0, end);
        if (field == kUser || field == kSystem) ticks += text::parse_int(word).value_or(0);
        line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
    }
    constexpr std::int64_t kMilliseconds = 1000;
    return ticks * kMilliseconds / sysconf(_SC_CLK_TCK);
}

struct Queue {
    std::int64_t bytes = 0, drops = 0;
};
/// Of a worker's sockets.
Queue queue_of(const Facts& facts, std::size_t worker) {
    Queue sum;
    if (facts.sockets == nullptr) return sum;
    for (std::size_t listener = 0; listener < facts.listeners; ++listener) {
        if (!facts.sockets->serves(worker, listener)) continue;
        std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
        socklen_t size = sizeof info;
        if (getsockopt(facts.sockets->get(listener, worker), SOL_SOCKET, SO_MEMINFO, info.data(),
                       &size) != 0)
            continue;
        sum.bytes += info[SK_MEMINFO_RMEM_ALLOC];
        sum.drops += info[SK_MEMINFO_DROPS];
    }
    return sum;
}

}  // namespace

Result<void> load(Module& m, Call& call) {
    const Facts& facts = static_cast<CoreBase&>(m).engine().facts();
    const auto tell = [&](std::uint16_t slot, std::string_view name, const Queue& queue) {
        const pid_t pid = slot < facts.pids.size() ? facts.pids[slot].load() : 0;
        if (pid == 0) return;
        Answer& a = call.answer();
        a.begin_struct();
        a.integer("index", slot);
        a.integer("pid", pid);
        a.integer("cpu_ms", cpu_ms(pid));
        a.integer("queue_bytes", queue.bytes);
        a.integer("queue_drops", queue.drops);
        a.text("description", name);
        a.end_struct();
    };
    tell(0, "main process - supervisor", {});
    for (const Process& p : facts.processes) {
        const bool receives = p.kind == Process::Kind::worker;
        tell(p.slot, p.name, receives ? queue_of(facts, p.index) : Queue{});
    }
    return {};
}

}  // namespace fairlead::server::commands
