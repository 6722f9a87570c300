// What a run reads from and writes to; over UDP a socket that receives and sends in batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"

namespace fairlead::sipload {

struct Peer {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::size_t connection = 0;  ///< over TCP it is this that counts

    [[nodiscard]] static Peer of(const Address& address) noexcept;
};

/// Where messages are written to; a test has its own.
class Sender {
public:
    virtual ~Sender() = default;
    /// Room for one message, valid until commit().
    [[nodiscard]] virtual std::span<char> room() = 0;
    /// What was written to the first `size` bytes of the room leaves with the batch.
    virtual void commit(std::size_t size, const Peer& to) = 0;
};

struct Datagram {
    std::string_view bytes;
    const Peer* from = nullptr;
};

/// Messages in both directions, whatever carries them.
class Socket : public Sender {
public:
    [[nodiscard]] virtual const Address& local() const noexcept = 0;
    /// Appends what is to be waited for.
    virtual void watch(std::vector<pollfd>& watched) const = 0;
    /// What has arrived, without waiting; views are valid until the next call. Empty when nothing.
    [[nodiscard]] virtual std::span<const Datagram> receive() = 0;
    /// Sends what was committed.
    virtual void flush() = 0;
};

/// Owns the descriptor and the buffers of one batch in each direction.
class UdpSocket final : public Socket {
public:
    static constexpr std::size_t kBatch = 64, kSize = 4096;

    struct Token {
        explicit Token() = default;
    };
    /// For open() only.
    UdpSocket(Token, int descriptor, const Address& local);
    /// Port 0 takes a free one.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> open(const Address& local);
    ~UdpSocket() override;
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    [[nodiscard]] const Address& local() const noexcept override { return local_; }
    void watch(std::vector<pollfd>& watched) const override {
        watched.push_back({descriptor_, POLLIN, 0});
    }
    std::span<const Datagram> receive() override;
    std::span<char> room() override;
    void commit(std::size_t size, const Peer& to) override;
    /// Waits when the socket's buffer is full, so nothing is lost here.
    void flush() override;

private:
    struct Buffers;

    int descriptor_;
    Address local_;
    std::unique_ptr<Buffers> in_, out_;
    std::size_t queued_ = 0;
};

}  // namespace fairlead::sipload
