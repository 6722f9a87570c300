// Leaving the terminal, process id files, users and directories.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/daemon.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/base/log.h"
#include "core/base/text.h"

namespace fairlead::server {
namespace {

std::unexpected<Error> system_error(std::string what) {
    const int error = errno;
    return fail(std::move(what) + ": " + std::strerror(error), {}, error);
}

/// The original process: waits for the daemon's word.
[[noreturn]] void wait_and_exit(int descriptor) {
    unsigned char status = 255;
    ssize_t n = 0;
    do {
        n = ::read(descriptor, &status, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? status : 255);
}

void to_null(int descriptor, int null) noexcept {
    if (null >= 0) dup2(null, descriptor);
}

/// The id in a file, 0 when there is none.
pid_t read_pid(const std::string& path) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return 0;
    std::array<char, 32> text{};
    const ssize_t n = ::read(fd.get(), text.data(), text.size());
    if (n <= 0) return 0;
    const auto pid =
        text::parse_uint(text::trim({text.data(), static_cast<std::size_t>(n)}), INT32_MAX);
    return static_cast<pid_t>(pid.value_or(0));
}

}  // namespace

Result<Detached> Detached::detach(bool keep_stderr) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe");
    Fd reading(ends[0]);
    Detached result;
    result.pipe_.reset(ends[1]);
    pid_t pid = fork();
    if (pid < 0) return system_error("cannot fork");
    if (pid > 0) {
        result.pipe_.reset();
        wait_and_exit(reading.get());
    }
    // A session of its own without a terminal; the second fork keeps it from ever getting one.
    if (setsid() < 0) return system_error("cannot make a session");
    pid = fork();
    if (pid < 0) return system_error("cannot fork");
    if (pid > 0) _exit(0);
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    to_null(STDIN_FILENO, null.get());
    to_null(STDOUT_FILENO, null.get());
    if (!keep_stderr) to_null(STDERR_FILENO, null.get());
    return result;
}

void Detached::report(unsigned char status) noexcept {
    if (!pipe_) return;
    const auto ignored = ::write(pipe_.get(), &status, 1);
    static_cast<void>(ignored);
    pipe_.reset();
}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(writer_, other.writer_);
    return *this;
}

PidFile::~PidFile() {
    if (!path_.empty() && writer_ == getpid() && unlink(path_.c_str()) != 0 && errno != ENOENT)
        LOG(warning, "cannot remove {}: {}", path_, std::strerror(errno));
}

Result<void> PidFile::check(const std::string& path) {
    const pid_t pid = read_pid(path);
    if (pid <= 0 || pid == getpid()) return {};
    if (kill(pid, 0) == 0 || errno == EPERM)
        return fail("a running process with the id " + std::to_string(pid) + " was found in " +
                    path);
    return {};
}

Result<PidFile> PidFile::write(const std::string& path, int id) {
    const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return system_error("cannot write " + path);
    fchmod(fd.get(), 0644);
    const std::string text = std::to_string(id) + "\n";
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("cannot write " + path);
    PidFile file;
    file.path_ = path;
    file.writer_ = getpid();
    return file;
}

void PidFile::give_to(unsigned user, unsigned group) const noexcept {
    if (path_.empty()) return;
    if (lchown(path_.c_str(), user, group) != 0)
        LOG(warning, "cannot change the owner of {}: {}", path_, std::strerror(errno));
}

Result<Identity> find_identity(const std::string& user, const std::string& group) {
    Identity identity;
    if (!user.empty()) {
        const auto number = text::parse_uint(user, INT32_MAX);
        const passwd* const row =
            number ? getpwuid(static_cast<uid_t>(*number)) : getpwnam(user.c_str());
        if (row == nullptr && !number) return fail("bad user name: " + user);
        identity.user = row != nullptr ? row->pw_uid : static_cast<unsigned>(*number);
        if (row != nullptr) {
            identity.user_name = row->pw_name;
            identity.group = row->pw_gid;
        }
    }
    if (!group.empty()) {
        const auto number = text::parse_uint(group, INT32_MAX);
        const ::group* const row = number ? nullptr : getgrnam(group.c_str());
        if (row == nullptr && !number) return fail("bad group name: " + group);
        identity.group = row != nullptr ? row->gr_gid : static_cast<unsigned>(*number);
    }
    return identity;
}

Result<void> become(const Identity& identity) {
    if (identity.group != Identity::none && setgid(identity.group) != 0)
        return system_error("cannot change the group");
    if (identity.user == Identity::none) return {};
    // The groups of whoever started us are not kept.
    const bool was_root = geteuid() == 0;
    if (was_root && !identity.user_name.empty()) {
        const auto group = identity.group != Identity::none ? identity.group : getegid();
        if (initgroups(identity.user_name.c_str(), group) != 0)
            return system_error("cannot change the supplementary groups");
    } else if (was_root && setgroups(0, nullptr) != 0) {
        return system_error("cannot drop the supplementary groups");
    }
    if (setuid(identity.user) != 0) return system_error("cannot change the user");
    return {};
}

Result<void> make_directory(const std::string& path, const Identity& owner) {
    if (mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST) return {};
        return system_error("cannot make " + path);
    }
    if (owner.user != Identity::none && lchown(path.c_str(), owner.user, owner.group) != 0)
        return system_error("cannot change the owner of " + path);
    return {};
}

}  // namespace fairlead::server
