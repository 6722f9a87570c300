// TCP connections without blocking. SPDX-License-Identifier: Apache-2.0
#include "core/net/stream.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "core/base/log.h"

namespace fairlead::net {
namespace {

using Moved = Stream::Moved;
using State = Stream::State;

void set_int(int descriptor, int level, int name, int value) noexcept {
    if (setsockopt(descriptor, level, name, &value, sizeof value) != 0)
        LOG(debug, "socket option {}/{}: {}", level, name, std::strerror(errno));
}

/// The result of a system call that returned less than 0.
Moved refused(State when_blocked) noexcept {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {when_blocked, 0, 0};
    return {State::failed, 0, errno};
}

}  // namespace

Moved TcpStream::establish() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return {State::failed, 0, error};
    sockaddr_storage peer;
    size = sizeof peer;
    if (getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0) return {};
    if (errno == ENOTCONN) return {State::wants_writable, 0, 0};
    return {State::failed, 0, errno};
}

Moved TcpStream::read(std::span<char> into) noexcept {
    for (;;) {
        const auto n = recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
        if (n > 0) return {State::ok, static_cast<std::size_t>(n), 0};
        if (n == 0) return {State::ended, 0, 0};
        if (errno != EINTR) return refused(State::wants_readable);
    }
}

Moved TcpStream::write(std::string_view bytes) noexcept {
    for (;;) {
        const auto n = send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) return {State::ok, static_cast<std::size_t>(n), 0};
        if (errno != EINTR) return refused(State::wants_writable);
    }
}

void TcpStream::finish() noexcept {
    // Refused when the peer is gone, which reading tells as well.
    (void)::shutdown(socket_.get(), SHUT_WR);
}

void set_tcp_options(int descriptor, const TcpOptions& options, bool v6) noexcept {
    set_int(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.tos != 0)
        set_int(descriptor, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, options.tos);
    if (options.keepalive) set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    const auto set_given = [descriptor](int name, int value) {
        if (value != 0) set_int(descriptor, IPPROTO_TCP, name, value);
    };
    set_given(TCP_KEEPIDLE, options.keep_idle);
    set_given(TCP_KEEPINTVL, options.keep_interval);
    set_given(TCP_KEEPCNT, options.keep_count);
    set_given(TCP_SYNCNT, options.syn_count);
    set_given(TCP_LINGER2, options.linger2);
}

std::unique_ptr<Stream> connect_tcp(const Address& local, const Address& remote,
                                    const TcpOptions& options) noexcept {
    const bool v6 = remote.version == 6;
    Fd fd(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return nullptr;
    set_tcp_options(fd.get(), options, v6);
    sockaddr_storage address;
    if (!local.is_any()) {
        // The port is chosen when it connects, so that one can serve many peers.
        set_int(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        Address from = local;
        from.port = 0;
        const socklen_t size = from.to(address);
        if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return nullptr;
    }
    const socklen_t size = remote.to(address);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        errno != EINPROGRESS)
        return nullptr;
    return std::make_unique<TcpStream>(std::move(fd));
}

}  // namespace fairlead::net
