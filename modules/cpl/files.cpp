// Files of scripts. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fairlead::cpl {

Result<std::string> read_file(const std::string& path, std::size_t most) {
    // A FIFO without a writer would keep an ordinary open waiting.
    const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat found{};
    if (!file || fstat(file.get(), &found) != 0) return fail(std::strerror(errno), path);
    if (!S_ISREG(found.st_mode)) return fail("is not a file", path);
    std::string bytes(most + 1, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(std::strerror(errno), path);
        if (n == 0) break;
        size += static_cast<std::size_t>(n);
    }
    bytes.resize(size);
    return bytes;
}

}  // namespace fairlead::cpl
