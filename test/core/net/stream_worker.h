// A worker of streams without a server, and what plays its peers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/stream_net.h"

namespace fairlead::net {

inline Address at(std::string_view ip, std::uint16_t port) {
    return *Address::parse(ip, port);
}

inline std::string message(std::string_view body = {}) {
    return "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

/// A worker with one TCP listener, and a plain socket that plays its peer.
class Worker final : public Receiver, public SendErrors {
public:
    explicit Worker(const StreamOptions& options = {}) : net_(listeners(), options) {
        REQUIRE(net_.prepare({}, Crews(1), {}));
        auto opened = Sockets::open(listeners_, Crews(1), {});
        REQUIRE(opened);
        sockets_ = std::make_unique<Sockets>(std::move(*opened));
        net_.enter({.slot = 1, .is_worker = true, .loop = &loop_, .errors = this});
        scratch_.resize(Connection::kScratch);
        net_.serve(*sockets_, *this, scratch_);
    }
    ~Worker() { net_.leave(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void received(std::string_view bytes, const Received& from) noexcept override {
        messages.emplace_back(bytes);
        last = from;
        if (on_message) on_message();
    }
    void send_failed(const SendFailure& failure) noexcept override {
        failures.push_back(failure.index);
    }

    /// Runs the loop until `seen`; false when that takes too long.
    bool run_until(const std::function<bool()>& seen) {
        struct Wake final : TimerTask {
            void expired() noexcept override {}
        } wake;
        const Watch tick = loop_.every(Ms(5), wake);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!seen()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop_.run_once(true);
        }
        return true;
    }
    Fd connect_to_it() {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        REQUIRE(getsockname(sockets_->get(0, 0), reinterpret_cast<sockaddr*>(&address), &size) ==
                0);
        Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        REQUIRE(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        return fd;
    }
    Target target(const Address& to, std::uint32_t connection = 0) {
        Target t;
        t.address = to;
        t.proto = Proto::tcp;
        t.listener = 0;
        t.connection = connection;
        return t;
    }
    Sent send(const Target& to, std::string_view bytes, std::uint32_t index) {
        return net_.send(to, bytes, {.handler = shm::HandlerId{1}, .index = index});
    }
    [[nodiscard]] std::size_t connections() const { return net_.table().rows().size(); }
    StreamNet& net() { return net_; }

    std::vector<std::string> messages;
    std::vector<std::uint32_t> failures;
    Received last;
    std::function<void()> on_message;

private:
    std::span<const Listener> listeners() {
        Listener l;
        l.proto = Proto::tcp;
        l.address = at("127.0.0.1", 0);
        listeners_.push_back(l);
        return listeners_;
    }
    std::vector<Listener> listeners_;
    StreamNet net_;
    std::unique_ptr<Sockets> sockets_;
    Loop loop_;
    std::vector<char> scratch_;
};

/// A socket of the peer that the worker opens connections to.
struct Peer {
    explicit Peer(int receive_buffer = 0) : fd(socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer != 0)
            setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_storage storage{};
        socklen_t size = at("127.0.0.1", 0).to(storage);
        REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0);
        REQUIRE(listen(fd.get(), 4) == 0);
        size = sizeof storage;
        REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0);
        address = Address::from(reinterpret_cast<sockaddr*>(&storage));
    }
    Fd fd;
    Address address;
};

inline void put(const Fd& fd, std::string_view bytes) {
    REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
}

/// What is there now.
inline std::string get(const Fd& fd) {
    std::array<char, 65536> buffer;
    const auto n = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

inline bool is_closed(const Fd& fd) {
    char c = 0;
    const auto n = recv(fd.get(), &c, 1, MSG_DONTWAIT | MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

}  // namespace fairlead::net
