// Writing to other programs without ever waiting.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/late_writes.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "core/api/log.h"

namespace fairlead::tm {
namespace {

using TableGuard = shm::Guard<LateWriteTable>;

constexpr Ms kAgain{20};

/// A descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// 0, or the errno that says why not; EAGAIN when it may go later.
int write_fifo(const char* path, std::string_view bytes) noexcept {
    // Longer ones could be torn apart by those of other processes (POSIX write).
    if (bytes.size() > PIPE_BUF) return EMSGSIZE;
    const Descriptor fifo(::open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    if (fifo.get() < 0) return errno;
    struct stat is{};
    if (::fstat(fifo.get(), &is) != 0) return errno;
    if (!S_ISFIFO(is.st_mode)) return ENOTSUP;
    return ::write(fifo.get(), bytes.data(), bytes.size()) < 0 ? errno : 0;
}

int write_socket(const char* path, std::string_view bytes) noexcept {
    const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return errno;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::string_view(path).copy(to.sun_path, sizeof to.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return errno;
    return ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno
                                                                                             : 0;
}

int write_now(Outlet outlet, const char* path, std::string_view bytes) noexcept {
    const int error = outlet == Outlet::fifo ? write_fifo(path, bytes) : write_socket(path, bytes);
    return error == EWOULDBLOCK || error == ENOBUFS ? EAGAIN : error;
}

void complain(const char* path, int error) noexcept {
    LOG(error, "{} cannot be written to: {}", path, std::strerror(error));
}

}  // namespace

bool LateWrites::init(Core& core) {
    core_ = &core;
    tag_ = core.memory().tag("tm", "late_writes");
    table_ = core.memory().make<LateWriteTable>(core.memory().tag("tm", "table"));
    if (table_ == nullptr) return false;
    table_->mutex.init(shm::Rank::table);
    timer_ = core.timers().add("tm writes", *this);
    return true;
}

void LateWrites::recover() noexcept {
    const TableGuard guard(*table_);
    for (LateWrite& w : table_->places) {
        if (w.tried_by != core_->process().slot) continue;
        w.tried_by = UINT16_MAX;
        if (w.bytes) core_->timers().set(w, kAgain, timer_);
    }
}

bool LateWrites::write(Outlet outlet, std::string_view path, std::string_view bytes,
                       Ms patience) noexcept {
    std::array<char, kMaxPath + 1> name{};
    if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos) {
        LOG(error, "a path of {} bytes cannot be written to", path.size());
        return false;
    }
    std::memcpy(name.data(), path.data(), path.size());
    const int error = write_now(outlet, name.data(), bytes);
    if (error == 0) return true;
    if (error == EAGAIN && keep(outlet, path, bytes, patience)) return true;
    complain(name.data(), error);
    return false;
}

bool LateWrites::keep(Outlet outlet, std::string_view path, std::string_view bytes,
                      Ms patience) noexcept {
    char* const copy = core_->memory().copy(bytes, tag_);
    if (copy == nullptr) return false;
    {
        const TableGuard guard(*table_);
        for (LateWrite& w : table_->places) {
            if (w.bytes || w.is_armed()) continue;
            w.size = static_cast<std::uint32_t>(bytes.size());
            w.until = core_->clock().now() + patience;
            w.outlet = outlet;
            w.path = {};
            std::memcpy(w.path.data(), path.data(), path.size());
            w.bytes = copy;
            core_->timers().set(w, kAgain, timer_);
            counts.late.add();
            return true;
        }
    }
    core_->memory().free(copy);
    counts.lost.add();
    return false;
}

void LateWrites::fired(shm::TimerEntry& entry) noexcept {
    auto& w = static_cast<LateWrite&>(entry);
    {
        const TableGuard guard(*table_);
        if (!shm::TimerWheel::claim(entry) || !w.bytes) return;
        w.tried_by = core_->process().slot;
    }
    // Only this process touches the place now.
    const int error = write_now(w.outlet, w.path.data(), {w.bytes.get(), w.size});
    const bool again = error == EAGAIN && core_->clock().now() < w.until;
    if (error != 0 && !again) {
        counts.lost.add();
        complain(w.path.data(), error);
    }
    char* over = nullptr;
    {
        const TableGuard guard(*table_);
        w.tried_by = UINT16_MAX;
        if (again) {
            core_->timers().set(w, kAgain, timer_);
        } else {
            over = w.bytes.get();
            w.bytes = nullptr;
        }
    }
    if (over != nullptr) core_->memory().free(over);
}

}  // namespace fairlead::tm
