// Datagrams read with one system call, kept where the next process finds them when this one dies.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/api/net.h"

namespace fairlead::net {

/// Lives in SharedPages, zeroed. Of one worker; the supervisor only reads what is in work.
///
/// Loses nothing when its process dies: a datagram counts as taken once take() returned it, and
/// lengths are preset to a mark before each read, so that even a read that was cut short can be
/// counted by the successor.
class ReceiveBatch {
public:
    static constexpr std::size_t kSlots = 32;

    /// Reads what is there into an empty batch; returns how many datagrams, 0 when there is none.
    std::size_t read(int descriptor, std::uint16_t listener) noexcept;
    /// In a process that replaces a dead one: what was read and not taken is there again.
    void recover() noexcept;

    [[nodiscard]] bool empty() const noexcept { return next_ == count_; }
    [[nodiscard]] std::uint16_t listener() const noexcept { return listener_; }
    /// The oldest datagram; its bytes stay until the next read(). Not when empty.
    struct Datagram {
        std::string_view bytes;
        Address source;
    };
    Datagram take() noexcept;

private:
    static constexpr std::uint32_t kUnread = 0xffffffff;
    static constexpr std::size_t kBytes = 65536;
    /// Buffers that were a power of two apart would share the same few lines of the cache.
    static constexpr std::size_t kStride = kBytes + 17 * 64;

    void prepare() noexcept;

    std::uint32_t next_, count_;
    std::uint32_t reading_;  ///< a read is under way
    std::uint16_t listener_;
    std::array<mmsghdr, kSlots> headers_;
    std::array<iovec, kSlots> pieces_;
    std::array<sockaddr_in6, kSlots> sources_;  ///< also holds an IPv4 address
    std::array<char, kSlots * kStride> bytes_;
};

}  // namespace fairlead::net
