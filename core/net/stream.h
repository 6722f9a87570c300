// TCP as a stream of bytes; TLS is layered over it and messages are framed above it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "core/api/stream_layer.h"
#include "core/base/address.h"
#include "core/event/fd.h"

namespace fairlead::net {

using fairlead::Stream;

/// TCP itself, accepted or being opened.
class TcpStream final : public Stream {
public:
    explicit TcpStream(Fd socket) noexcept : socket_(std::move(socket)) {}

    Moved establish() noexcept override;
    Moved read(std::span<char> into) noexcept override;
    Moved write(std::string_view bytes) noexcept override;
    void finish() noexcept override;
    [[nodiscard]] int descriptor() const noexcept override { return socket_.get(); }

private:
    Fd socket_;
};

/// What every TCP connection is given; 0 leaves a value to the system.
struct TcpOptions {
    bool keepalive = true;
    int keep_idle = 0, keep_interval = 0, keep_count = 0;
    int syn_count = 0, linger2 = 0;
    int tos = 0;
};
void set_tcp_options(int descriptor, const TcpOptions& options, bool v6) noexcept;

/// Begins to connect from the IP of `local`. Null with errno set when the system refuses at once.
[[nodiscard]] std::unique_ptr<Stream> connect_tcp(const Address& local, const Address& remote,
                                                  const TcpOptions& options) noexcept;

}  // namespace fairlead::net
