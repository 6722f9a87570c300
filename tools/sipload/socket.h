// A UDP socket that receives and sends in batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/base/result.h"

namespace fairlead::sipload {

struct Peer {
    sockaddr_storage address{};
    socklen_t size = 0;

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

/// Owns the descriptor and the buffers of one batch in each direction.
class UdpSocket final : public Sender {
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

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] const Address& local() const noexcept { return local_; }

    /// What has arrived, without waiting; views are valid until the next call. Empty when nothing.
    [[nodiscard]] std::span<const Datagram> receive();

    std::span<char> room() override;
    void commit(std::size_t size, const Peer& to) override;
    /// Sends what was committed. Waits when the socket's buffer is full, so nothing is lost here.
    void flush();

private:
    struct Buffers;

    int descriptor_;
    Address local_;
    std::unique_ptr<Buffers> in_, out_;
    std::size_t queued_ = 0;
};

}  // namespace fairlead::sipload
