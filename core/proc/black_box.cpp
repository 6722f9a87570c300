// What each process is working on, and the files made of it.
// SPDX-License-Identifier: Apache-2.0
#include "core/proc/black_box.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/event/fd.h"

namespace fairlead::proc {
namespace {

Fd create(const std::string& directory, const WorkNote& note, std::uint16_t slot,
          std::string& path) {
    // A second crash in the same second gets a number.
    for (int n = 0; n < 100; ++n) {
        path = fmt::format("{}/fairlead-crash-{}-{}{}.sip", directory, note.when(), slot,
                           n == 0 ? "" : fmt::format("-{}", n));
        Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (fd || errno != EEXIST) return fd;
    }
    return {};
}

}  // namespace

Result<std::string> BlackBox::save(const WorkNote& note, std::uint16_t slot, pid_t pid,
                                   std::string_view listener) {
    if (written_ >= kMostFiles)
        return fail(fmt::format("{} files were written already", kMostFiles));
    std::string path;
    const Fd fd = create(directory_, note, slot, path);
    if (!fd) return fail(std::strerror(errno), path, errno);
    ++written_;
    std::string head = fmt::format(
        "# received {:%Y-%m-%dT%H:%M:%SZ} from {}:{} on {}\n# by process {} (pid {})\n\n",
        fmt::gmtime(note.when()), name(note.from().proto), note.from().source.text(), listener,
        slot, pid);
    std::string body(note.bytes());
    const std::array<iovec, 2> parts{{{head.data(), head.size()}, {body.data(), body.size()}}};
    if (writev(fd.get(), parts.data(), parts.size()) < 0)
        return fail(std::strerror(errno), path, errno);
    return path;
}

}  // namespace fairlead::proc
