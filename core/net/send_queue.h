// Datagrams that leave one socket with one system call, kept where the next process finds them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/api/net.h"

namespace fairlead::net {

/// Lives in SharedPages, zeroed. First in, first out. Of one process and one socket; after its
/// death the successor sends what is left.
class SendQueue {
public:
    static constexpr std::size_t kSlots = 256;
    static constexpr std::size_t kBytes = 512 * 1024;

    /// False when there is no room: flush and ask again.
    [[nodiscard]] bool put(const Address& to, std::string_view bytes,
                           const SendFailure& on_failure) noexcept;

    enum class Flush : std::uint8_t {
        done,    ///< the queue is empty
        blocked  ///< the socket takes no more now: watch it for writability
    };
    struct Failed {
        SendFailure who;
        int error;
    };
    /// Sends all it can. What the system refuses for good leaves the queue and is added to
    /// `failed`; `sent` is raised by what went out.
    Flush flush(int descriptor, std::vector<Failed>& failed, std::size_t& sent) noexcept;

    [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
    /// In a process that replaces a dead one: drops what a cut-short flush had sent already.
    void recover() noexcept;

private:
    static constexpr std::uint32_t kUnsent = 0xffffffff;

    void make_room() noexcept;
    void prepare(std::size_t slot) noexcept;

    std::uint32_t head_, tail_;  ///< slots in use are [head_, tail_)
    std::uint32_t used_;         ///< bytes up to the end of the last datagram
    std::array<mmsghdr, kSlots> headers_;
    std::array<iovec, kSlots> pieces_;
    std::array<sockaddr_in6, kSlots> targets_;
    std::array<SendFailure, kSlots> who_;
    std::array<char, kBytes> bytes_;
};

}  // namespace fairlead::net
