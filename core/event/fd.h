// Owning file descriptors, and the eventfd with which one process wakes another.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>

#include "core/base/result.h"

namespace fairlead {

/// Owns one descriptor; closes it at the end. -1 is "none".
class Fd {
public:
    constexpr Fd() noexcept = default;
    constexpr explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Gives the descriptor away; the caller closes it.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    /// Closes what is owned and owns `fd` from here on.
    void reset(int fd = -1) noexcept;

private:
    int fd_ = -1;
};

/// An eventfd. Made before fork, so that every process has it under the same number; one process
/// watches it, any process writes. Non-blocking on both sides.
class Wakeup {
public:
    Wakeup() noexcept = default;  ///< none: notify() does nothing
    [[nodiscard]] static Result<Wakeup> create();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Any process. Several calls before the owner runs wake it once.
    void notify() const noexcept;
    /// The owner, first thing in its handler.
    void drain() const noexcept;

private:
    explicit Wakeup(Fd fd) noexcept : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace fairlead
