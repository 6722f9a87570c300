// Descriptors and eventfd.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace fairlead {

void Fd::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Result<Wakeup> Wakeup::create() {
    Fd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd) return fail(std::string("eventfd: ") + std::strerror(errno), {}, errno);
    return Wakeup(std::move(fd));
}

void Wakeup::notify() const noexcept {
    if (!fd_) return;
    const std::uint64_t one = 1;
    // EAGAIN means that the counter is at its top: the owner is being woken already.
    while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void Wakeup::drain() const noexcept {
    if (!fd_) return;
    std::uint64_t count = 0;
    while (::read(fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
    }
}

}  // namespace fairlead
