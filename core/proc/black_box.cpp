// What each process is working on, and the files made of it.
// SPDX-License-Identifier: Apache-2.0
#include "core/proc/black_box.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/event/fd.h"

namespace fairlead::proc {
namespace {

constexpr int kMostNames = 100;

/// `base` with a number when the name is taken: a second crash in the same second gets one.
std::string numbered(const std::string& base, int n, std::string_view ending) {
    return n == 0 ? fmt::format("{}{}", base, ending) : fmt::format("{}-{}{}", base, n, ending);
}

/// What is not whole yet stands under another name, and is gone at the end.
class PartFile {
public:
    explicit PartFile(const std::string& base) {
        for (int n = 0; n < kMostNames; ++n) {
            path_ = numbered(base, n, ".part");
            fd_.reset(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           S_IRUSR | S_IWUSR));
            if (fd_ || errno != EEXIST) return;
        }
    }
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    ~PartFile() {
        if (fd_) unlink(path_.c_str());
    }
    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
    [[nodiscard]] bool write_all(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t n = write(fd_.get(), text.data(), text.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    /// Gives it the first name that is free; never in the place of another file.
    [[nodiscard]] bool publish(const std::string& base, std::string& path) const {
        for (int n = 0; n < kMostNames; ++n) {
            path = numbered(base, n, ".sip");
            if (link(path_.c_str(), path.c_str()) == 0) return true;
            if (errno != EEXIST) return false;
        }
        return false;
    }

private:
    std::string path_;
    Fd fd_;
};

}  // namespace

Result<std::string> BlackBox::save(const WorkNote& note, std::uint16_t slot, pid_t pid,
                                   std::string_view listener) {
    if (written_ >= kMostFiles)
        return fail(fmt::format("{} files were written already", kMostFiles));
    const std::string base = fmt::format("{}/fairlead-crash-{}-{}", directory_, note.when(), slot);
    const PartFile file(base);
    if (!file.is_open()) return fail(std::strerror(errno), base, errno);
    const std::string head = fmt::format(
        "# received {:%Y-%m-%dT%H:%M:%SZ} from {}:{} on {}\n# by process {} (pid {})\n\n",
        fmt::gmtime(note.when()), name(note.from().proto), note.from().source.text(), listener,
        slot, pid);
    std::string path;
    if (!file.write_all(head) || !file.write_all(note.bytes()) || !file.publish(base, path))
        return fail(std::strerror(errno), base, errno);
    ++written_;
    return path;
}

}  // namespace fairlead::proc
