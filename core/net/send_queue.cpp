// Datagrams that leave one socket with one system call.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/send_queue.h"

#include <atomic>
#include <cerrno>
#include <cstring>

namespace fairlead::net {
namespace {

/// Nothing is wrong with the datagram, the system has no room at the moment.
bool is_passing(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

void SendQueue::prepare(std::size_t slot) noexcept {
    msghdr& header = headers_[slot].msg_hdr;
    header.msg_name = &targets_[slot];
    header.msg_iov = &pieces_[slot];
    header.msg_iovlen = 1;
    headers_[slot].msg_len = kUnsent;
}

bool SendQueue::put(const Address& to, std::string_view bytes,
                    const SendFailure& on_failure) noexcept {
    if (head_ != 0 && (tail_ == kSlots || kBytes - used_ < bytes.size())) make_room();
    if (tail_ == kSlots || kBytes - used_ < bytes.size()) return false;
    const std::size_t slot = tail_;
    char* const at = bytes_.data() + used_;
    std::memcpy(at, bytes.data(), bytes.size());
    pieces_[slot] = {at, bytes.size()};
    prepare(slot);
    sockaddr_storage target;
    headers_[slot].msg_hdr.msg_namelen = to.to(target);
    std::memcpy(&targets_[slot], &target, sizeof targets_[slot]);
    who_[slot] = on_failure;
    used_ += static_cast<std::uint32_t>(bytes.size());
    // Complete before it counts: a successor sends what lies below tail_.
    std::atomic_signal_fence(std::memory_order_release);
    tail_ = static_cast<std::uint32_t>(slot + 1);
    return true;
}

/// Behind a blocked socket the queue moves to the front; else it always begins there.
void SendQueue::make_room() noexcept {
    const std::uint32_t count = tail_ - head_;
    std::uint32_t used = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t from = head_ + i;
        const std::size_t size = pieces_[from].iov_len;
        std::memmove(bytes_.data() + used, pieces_[from].iov_base, size);
        targets_[i] = targets_[from];
        who_[i] = who_[from];
        headers_[i].msg_hdr.msg_namelen = headers_[from].msg_hdr.msg_namelen;
        pieces_[i] = {bytes_.data() + used, size};
        prepare(i);
        used += static_cast<std::uint32_t>(size);
    }
    head_ = 0;
    tail_ = count;
    used_ = used;
}

SendQueue::Flush SendQueue::flush(int descriptor, std::vector<Failed>& failed,
                                  std::size_t& sent) noexcept {
    while (head_ != tail_) {
        const int n = sendmmsg(descriptor, &headers_[head_], tail_ - head_, MSG_DONTWAIT);
        if (n > 0) {
            head_ += static_cast<std::uint32_t>(n);
            sent += static_cast<std::size_t>(n);
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && is_passing(errno)) return Flush::blocked;
        failed.push_back({who_[head_], errno});
        ++head_;
    }
    head_ = tail_ = used_ = 0;
    return Flush::done;
}

void SendQueue::recover() noexcept {
    while (head_ != tail_ && headers_[head_].msg_len != kUnsent) ++head_;
}

}  // namespace fairlead::net
