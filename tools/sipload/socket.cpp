// recvmmsg and sendmmsg. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/socket.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::sipload {

Peer Peer::of(const Address& address) noexcept {
    Peer peer;
    peer.size = address.to(peer.address);
    return peer;
}

struct UdpSocket::Buffers {
    std::array<std::array<char, kSize>, kBatch> bytes;
    std::array<Peer, kBatch> peers;
    std::array<iovec, kBatch> vectors;
    std::array<mmsghdr, kBatch> headers;
    std::array<Datagram, kBatch> datagrams;

    Buffers() {
        for (std::size_t i = 0; i < kBatch; ++i) {
            vectors[i] = {bytes[i].data(), kSize};
            headers[i] = {};
            headers[i].msg_hdr.msg_name = &peers[i].address;
            headers[i].msg_hdr.msg_iov = &vectors[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
    }
};

UdpSocket::UdpSocket(Token, int descriptor, const Address& local)
    : descriptor_(descriptor),
      local_(local),
      in_(std::make_unique<Buffers>()),
      out_(std::make_unique<Buffers>()) {}

UdpSocket::~UdpSocket() {
    ::close(descriptor_);
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(const Address& local) {
    const int descriptor =
        ::socket(local.version == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fail(std::string("socket: ") + std::strerror(errno));
    const int buffer = 8 << 20;
    (void)::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    Peer bound = Peer::of(local);
    auto* const raw = reinterpret_cast<sockaddr*>(&bound.address);
    if (::bind(descriptor, raw, bound.size) != 0 ||
        ::getsockname(descriptor, raw, &bound.size) != 0) {
        const int error = errno;
        ::close(descriptor);
        return fail("cannot bind " + local.text() + ": " + std::strerror(error));
    }
    const Address actual = Address::from(raw);
    return std::make_unique<UdpSocket>(Token{}, descriptor, actual);
}

std::span<const Datagram> UdpSocket::receive() {
    Buffers& in = *in_;
    for (auto& header : in.headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    const int count = ::recvmmsg(descriptor_, in.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) return {};
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        in.peers[i].size = in.headers[i].msg_hdr.msg_namelen;
        in.datagrams[i] = {{in.bytes[i].data(), in.headers[i].msg_len}, &in.peers[i]};
    }
    return std::span(in.datagrams).first(static_cast<std::size_t>(count));
}

std::span<char> UdpSocket::room() {
    if (queued_ == kBatch) flush();
    return out_->bytes[queued_];
}

void UdpSocket::commit(std::size_t size, const Peer& to) {
    if (size == 0) return;
    out_->peers[queued_] = to;
    out_->headers[queued_].msg_hdr.msg_namelen = to.size;
    out_->vectors[queued_].iov_len = size;
    ++queued_;
}

void UdpSocket::flush() {
    std::size_t sent = 0;
    while (sent < queued_) {
        const int count =
            ::sendmmsg(descriptor_, &out_->headers[sent], static_cast<unsigned>(queued_ - sent), 0);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            ++sent;  // a datagram that the kernel refuses is lost, as on any network
        }
    }
    queued_ = 0;
}

}  // namespace fairlead::sipload
