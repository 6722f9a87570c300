// Datagrams read with one system call.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/receive_batch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::net {

void ReceiveBatch::prepare() noexcept {
    for (std::size_t i = 0; i < kSlots; ++i) {
        pieces_[i] = {bytes_.data() + i * kStride, kBytes};
        msghdr& header = headers_[i].msg_hdr;
        header.msg_name = &sources_[i];
        header.msg_namelen = sizeof sources_[i];
        header.msg_iov = &pieces_[i];
        header.msg_iovlen = 1;
        headers_[i].msg_len = kUnread;
    }
}

std::size_t ReceiveBatch::read(int descriptor, std::uint16_t listener) noexcept {
    if (headers_[0].msg_hdr.msg_iov == nullptr) prepare();
    // Only what the last read changed is set anew.
    for (std::uint32_t i = 0; i < count_; ++i) {
        headers_[i].msg_hdr.msg_namelen = sizeof sources_[i];
        headers_[i].msg_len = kUnread;
    }
    next_ = count_ = 0;
    listener_ = listener;
    reading_ = 1;
    int got = 0;
    do {
        got = recvmmsg(descriptor, headers_.data(), kSlots, MSG_DONTWAIT, nullptr);
    } while (got < 0 && errno == EINTR);
    count_ = got > 0 ? static_cast<std::uint32_t>(got) : 0;
    reading_ = 0;
    return count_;
}

void ReceiveBatch::recover() noexcept {
    if (reading_ == 0) return;
    const auto end = std::find_if(headers_.begin(), headers_.end(),
                                  [](const mmsghdr& h) { return h.msg_len == kUnread; });
    next_ = 0;
    count_ = static_cast<std::uint32_t>(end - headers_.begin());
    reading_ = 0;
}

ReceiveBatch::Datagram ReceiveBatch::take() noexcept {
    const std::size_t i = next_++;
    sockaddr_storage source{};
    std::memcpy(&source, &sources_[i], sizeof sources_[i]);
    return {{bytes_.data() + i * kStride, headers_[i].msg_len},
            Address::from(reinterpret_cast<const sockaddr*>(&source))};
}

}  // namespace fairlead::net
