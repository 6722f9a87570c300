// The sockets of the server.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/sockets.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/log.h"

namespace fairlead::net {
namespace {

void set_int(int descriptor, int level, int name, int value) noexcept {
    if (setsockopt(descriptor, level, name, &value, sizeof value) != 0)
        LOG(debug, "socket option {}/{}: {}", level, name, std::strerror(errno));
}

void set_options(int descriptor, const Listener& listener, const SocketOptions& options) noexcept {
    const bool v6 = listener.address.version == 6;
    if (v6) set_int(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (options.tos != 0) {
        if (v6)
            set_int(descriptor, IPPROTO_IPV6, IPV6_TCLASS, options.tos);
        else
            set_int(descriptor, IPPROTO_IP, IP_TOS, options.tos);
    }
    if (options.free_bind) set_int(descriptor, IPPROTO_IP, IP_FREEBIND, 1);
    // What SO_RCVBUF would fix for a datagram socket the system finds by itself for streams.
    if (listener.proto != Proto::udp) return;
    const int discover = options.path_mtu_discovery ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
    if (!v6) set_int(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, discover);
    // The system cuts this to what it allows (net.core.rmem_max) without an error.
    set_int(descriptor, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer));
}

/// Says when less can wait at the socket than was wanted.
void tell_when_cut(int descriptor, const Listener& listener, std::size_t wanted) {
    int given = 0;
    socklen_t size = sizeof given;
    getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &given, &size);
    given /= 2;  // the other half is for the system's own use: socket(7)
    if (std::cmp_less(given, wanted))
        LOG(info, "{}: maxbuffer is {}, the system allows {}: see sysctl net.core.rmem_max",
            listener.uri_text, wanted, given);
}

std::unexpected<Error> refused(const Listener& listener, int error) {
    return fail("cannot listen on " + listener.uri_text + ": " + std::strerror(error), {}, error);
}

/// SO_REUSEPORT would let a second server of the same user join the group and steal its datagrams.
/// So the first socket of an address is bound without it, which fails when anybody has the address,
/// and then lets the others join.
Result<Fd> open_one(const Listener& listener, const SocketOptions& options, bool is_first) {
    const bool streams = listener.proto != Proto::udp;
    Fd fd(socket(listener.address.version == 6 ? AF_INET6 : AF_INET,
                 (streams ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return refused(listener, errno);
    set_options(fd.get(), listener, options);
    // Old connections in TIME_WAIT do not keep an address from being listened on.
    if (streams) set_int(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (!is_first) set_int(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    sockaddr_storage address;
    const socklen_t size = listener.address.to(address);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return refused(listener, errno);
    if (is_first) set_int(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (!streams) {
        if (is_first) tell_when_cut(fd.get(), listener, options.receive_buffer);
        return fd;
    }
    if (options.defer_accept != 0)
        set_int(fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept);
    if (listen(fd.get(), options.backlog) != 0) return refused(listener, errno);
    return fd;
}

}  // namespace

Result<Sockets> Sockets::open(std::span<const Listener> listeners, Crews crews,
                              const SocketOptions& options) {
    Sockets result;
    result.crews_ = std::move(crews);
    for (const auto& listener : listeners) {
        result.first_.push_back(result.sockets_.size());
        const std::size_t count = result.crews_.of(result.first_.size() - 1).count;
        for (std::size_t i = 0; i < count; ++i)
            result.sockets_.push_back(TRY(open_one(listener, options, i == 0)));
    }
    return result;
}

int Sockets::get(std::size_t listener, std::size_t worker) const noexcept {
    const Crew crew = crews_.of(listener);
    const std::size_t index = crew.contains(worker) ? worker - crew.first : worker % crew.count;
    return sockets_[first_[listener] + index].get();
}

}  // namespace fairlead::net
