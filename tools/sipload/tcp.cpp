// Connections with non-blocking reads and writes. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/tcp.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/sipload/scan.h"

namespace fairlead::sipload {

namespace {

constexpr int kBacklog = 1024;

Result<int> open_socket(const Address& address) {
    const int made =
        ::socket(address.version == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0) return fail(std::string("socket: ") + std::strerror(errno));
    return made;
}

std::unexpected<Error> give_up(int descriptor, const std::string& what) {
    const int error = errno;
    ::close(descriptor);
    return fail(what + ": " + std::strerror(error));
}

Address name_of(int descriptor) noexcept {
    Peer name;
    name.size = sizeof name.address;
    auto* const raw = reinterpret_cast<sockaddr*>(&name.address);
    return ::getsockname(descriptor, raw, &name.size) == 0 ? Address::from(raw) : Address{};
}

bool is_later() noexcept {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

TcpSocket::TcpSocket(Token, int listening, const Address& local, std::unique_ptr<Tls> tls)
    : listening_(listening), local_(local), tls_(std::move(tls)) {}

TcpSocket::~TcpSocket() {
    for (const auto& link : links_) close(*link);
    if (listening_ >= 0) ::close(listening_);
}

Result<std::unique_ptr<Socket>> TcpSocket::connect(const Address& target, bool tls) {
    auto context = tls ? TRY(Tls::make(false)) : nullptr;
    const int descriptor = TRY(open_socket(target));
    const Peer peer = Peer::of(target);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&peer.address), peer.size) != 0)
        return give_up(descriptor, "cannot connect to " + target.text());
    auto made = std::make_unique<TcpSocket>(Token{}, -1, name_of(descriptor), std::move(context));
    (void)::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    made->adopt(descriptor);
    return made;
}

Result<std::unique_ptr<Socket>> TcpSocket::listen(const Address& local, bool tls) {
    auto context = tls ? TRY(Tls::make(true)) : nullptr;
    const int descriptor = TRY(open_socket(local));
    const int on = 1;
    (void)::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const Peer bound = Peer::of(local);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&bound.address), bound.size) != 0 ||
        ::listen(descriptor, kBacklog) != 0)
        return give_up(descriptor, "cannot listen on " + local.text());
    (void)::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return std::make_unique<TcpSocket>(Token{}, descriptor, name_of(descriptor),
                                       std::move(context));
}

void TcpSocket::adopt(int descriptor) {
    const int on = 1;
    (void)::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto link = std::make_unique<Link>();
    link->descriptor = descriptor;
    if (tls_) link->tls = tls_->over(descriptor);
    link->peer.connection = links_.size();
    links_.push_back(std::move(link));
}

void TcpSocket::accept() {
    for (;;) {
        const int made = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made < 0) return;
        adopt(made);
    }
}

void TcpSocket::close(Link& link) noexcept {
    link.tls.reset();
    if (link.descriptor >= 0) ::close(link.descriptor);
    link.descriptor = -1;
}

void TcpSocket::watch(std::vector<pollfd>& watched) const {
    if (listening_ >= 0) watched.push_back({listening_, POLLIN, 0});
    for (const auto& link : links_) {
        if (link->descriptor < 0) continue;
        const auto events = static_cast<short>(link->out.empty() ? POLLIN : POLLIN | POLLOUT);
        watched.push_back({link->descriptor, events, 0});
    }
}

std::span<const Datagram> TcpSocket::receive() {
    batch_.clear();
    if (listening_ >= 0) accept();
    for (const auto& link : links_)
        if (link->descriptor >= 0) read(*link);
    return batch_;
}

void TcpSocket::read(Link& link) {
    link.in.erase(0, link.taken);
    link.taken = 0;
    const auto got = take(link);
    if (got < 0) return close(link);
    if (got == 0) return;
    link.in.append(piece_.data(), static_cast<std::size_t>(got));
    const std::string_view bytes = link.in;
    while (const auto size = message_size(bytes.substr(link.taken))) {
        batch_.push_back({bytes.substr(link.taken, *size), &link.peer});
        link.taken += *size;
    }
}

std::ptrdiff_t TcpSocket::take(Link& link) {
    if (link.tls) return link.tls->read(piece_);
    const auto got = ::recv(link.descriptor, piece_.data(), piece_.size(), MSG_DONTWAIT);
    if (got > 0) return got;
    return got < 0 && is_later() ? 0 : -1;
}

std::ptrdiff_t TcpSocket::give(Link& link) {
    if (link.tls) return link.tls->write(link.out);
    const auto sent =
        ::send(link.descriptor, link.out.data(), link.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return is_later() ? 0 : -1;
}

void TcpSocket::commit(std::size_t size, const Peer& to) {
    if (to.connection >= links_.size()) return;
    Link& link = *links_[to.connection];
    if (link.descriptor >= 0) link.out.append(room_.data(), size);
}

void TcpSocket::flush() {
    for (const auto& link : links_) {
        while (link->descriptor >= 0 && !link->out.empty()) {
            const auto sent = give(*link);
            if (sent == 0) break;
            if (sent < 0) {
                close(*link);
                break;
            }
            link->out.erase(0, static_cast<std::size_t>(sent));
        }
    }
}

}  // namespace fairlead::sipload
