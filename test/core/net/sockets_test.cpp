// Opening the sockets of a listener: nothing that arrives meanwhile is lost.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <vector>

namespace {

/// Sends a datagram to each address of the loopback interface as soon as it is bound, while one of
/// these lives.
class Impatient {
public:
    Impatient() { here_ = this; }
    ~Impatient() { here_ = nullptr; }
    Impatient(const Impatient&) = delete;
    Impatient& operator=(const Impatient&) = delete;

    static void bound(const sockaddr* address, socklen_t size) {
        if (here_ == nullptr) return;
        const fairlead::Fd fd(socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (sendto(fd.get(), "x", 1, 0, address, size) == 1) ++here_->sent_;
    }
    [[nodiscard]] std::size_t sent() const { return sent_; }

private:
    static inline Impatient* here_ = nullptr;
    std::size_t sent_ = 0;
};

}  // namespace

// The linker puts __wrap_bind in the place of bind, and calls the system's own __real_bind.
extern "C" int __real_bind(int descriptor, const sockaddr* address, socklen_t size);

extern "C" int __wrap_bind(int descriptor, const sockaddr* address, socklen_t size) {
    const int result = __real_bind(descriptor, address, size);
    if (result == 0) Impatient::bound(address, size);
    return result;
}

namespace {

using namespace fairlead;
using namespace fairlead::net;

/// An address of the loopback interface that nobody has at the moment.
Listener free_listener() {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), size) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    Listener listener;
    listener.address = *Address::parse("127.0.0.1");
    listener.address.port = ntohs(any.sin_port);
    listener.uri_text = "udp:here";
    return listener;
}

/// Takes `wanted` datagrams from any of the sockets; false when they do not come.
bool arrive(const Sockets& sockets, std::size_t wanted) {
    std::vector<pollfd> all;
    for (std::size_t i = 0; i < sockets.crews().workers(); ++i)
        all.push_back({sockets.get(0, i), POLLIN, 0});
    std::size_t count = 0;
    std::array<char, 8> byte{};
    while (count < wanted && poll(all.data(), all.size(), 10'000) > 0)
        for (const auto& one : all)
            while (recv(one.fd, byte.data(), byte.size(), 0) > 0) ++count;
    return count == wanted;
}

/// What the system allows for SO_RCVBUF.
std::size_t most_receive_buffer() {
    std::size_t most = 0;
    std::ifstream("/proc/sys/net/core/rmem_max") >> most;
    REQUIRE(most > 0);
    return most;
}

TEST_CASE("sockets: the receive buffer is as large as wanted and allowed") {
    for (const std::size_t wanted : {std::size_t{65536}, SocketOptions{}.receive_buffer}) {
        const auto listener = free_listener();
        const auto sockets = Sockets::open({&listener, 1}, Crews(1), {.receive_buffer = wanted});
        REQUIRE(sockets);
        int given = 0;
        socklen_t size = sizeof given;
        REQUIRE(getsockopt(sockets->get(0, 0), SOL_SOCKET, SO_RCVBUF, &given, &size) == 0);
        CHECK(static_cast<std::size_t>(given) == 2 * std::min(wanted, most_receive_buffer()));
    }
}

TEST_CASE("sockets: what arrives while they are opened is kept") {
    for (const std::size_t workers : {1, 4}) {
        const auto listener = free_listener();
        const Impatient peer;
        const auto sockets = Sockets::open({&listener, 1}, Crews(workers), {});
        REQUIRE(sockets);
        CHECK(peer.sent() == workers);
        CHECK(arrive(*sockets, peer.sent()));
    }
}

TEST_CASE("sockets: an address that another server has is refused") {
    const auto listener = free_listener();
    const auto first = Sockets::open({&listener, 1}, Crews(2), {});
    REQUIRE(first);
    const auto second = Sockets::open({&listener, 1}, Crews(2), {});
    REQUIRE_FALSE(second);
    CHECK(second.error().str() == "cannot listen on udp:here: Address already in use");
}

TEST_CASE("sockets: a listener has one for each worker that serves it, others send from these") {
    std::array listeners{free_listener(), free_listener()};
    listeners[1].index = 1;
    Crews crews(2);
    crews.give(1, crews.add(3));
    const auto sockets = Sockets::open(listeners, crews, {});
    REQUIRE(sockets);
    std::set<int> all;
    for (std::size_t listener = 0; listener < 2; ++listener) {
        const Crew crew = crews.of(listener);
        std::set<int> read, sent_from;
        for (std::size_t worker = 0; worker < crews.workers(); ++worker) {
            const int descriptor = sockets->get(listener, worker);
            CHECK(sockets->serves(worker, listener) == crew.contains(worker));
            (crew.contains(worker) ? read : sent_from).insert(descriptor);
            sockaddr_in bound{};
            socklen_t size = sizeof bound;
            REQUIRE(getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
            CHECK(ntohs(bound.sin_port) == listeners[listener].address.port);
        }
        CHECK(read.size() == crew.count);
        CHECK(std::ranges::includes(read, sent_from));
        all.merge(read);
    }
    CHECK(all.size() == 5);
}

}  // namespace
