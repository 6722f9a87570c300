// SIP over TCP or TLS for the load tool: a connection to the server, or a socket that accepts them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tools/sipload/socket.h"
#include "tools/sipload/tls.h"

namespace fairlead::sipload {

/// Owns its connections. Peer::connection is the number of one, in order of their making.
class TcpSocket final : public Socket {
public:
    struct Token {
        explicit Token() = default;
    };
    /// For connect() and listen() only; takes the descriptor of the listening socket, or -1.
    TcpSocket(Token, int listening, const Address& local, std::unique_ptr<Tls> tls);
    /// One connection to the server. Waits until it is open.
    [[nodiscard]] static Result<std::unique_ptr<Socket>> connect(const Address& target,
                                                                 bool tls = false);
    /// Accepts connections. Port 0 takes a free one.
    [[nodiscard]] static Result<std::unique_ptr<Socket>> listen(const Address& local,
                                                                bool tls = false);
    ~TcpSocket() override;
    TcpSocket(const TcpSocket&) = delete;
    TcpSocket& operator=(const TcpSocket&) = delete;

    [[nodiscard]] const Address& local() const noexcept override { return local_; }
    void watch(std::vector<pollfd>& watched) const override;
    std::span<const Datagram> receive() override;
    std::span<char> room() override { return room_; }
    /// What a connection that is gone should carry is lost.
    void commit(std::size_t size, const Peer& to) override;
    /// What does not fit now leaves with a later flush.
    void flush() override;

private:
    struct Link {
        int descriptor = -1;  ///< -1: it is gone
        std::unique_ptr<TlsLink> tls;
        Peer peer;
        std::string in, out;
        std::size_t taken = 0;  ///< of `in`, by messages
    };

    void adopt(int descriptor);
    void accept();
    void read(Link& link);
    /// Bytes moved; 0: not now; less: it is over.
    std::ptrdiff_t take(Link& link);
    static std::ptrdiff_t give(Link& link);
    static void close(Link& link) noexcept;

    int listening_;
    Address local_;
    std::unique_ptr<Tls> tls_;
    std::vector<std::unique_ptr<Link>> links_;
    std::vector<Datagram> batch_;
    std::array<char, UdpSocket::kSize> room_{};
    std::array<char, 65536> piece_{};
};

}  // namespace fairlead::sipload
