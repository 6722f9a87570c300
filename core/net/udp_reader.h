// Reading a worker's sockets: a batch per wake-up, each datagram to the worker that owns its call.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/api/net.h"
#include "core/event/loop.h"
#include "core/net/receive_batch.h"
#include "core/net/sockets.h"
#include "core/net/steering.h"

namespace fairlead::net {

/// Takes what arrived. The bytes are in memory that survives the process, until it returns.
class Receiver {
public:
    virtual void received(std::string_view bytes, const Received& from) noexcept = 0;

protected:
    ~Receiver() = default;
};

/// In a worker, made after fork.
class UdpReader {
public:
    struct Parts {
        std::span<const Listener> listeners;
        const Sockets& sockets;
        Steering& steering;
        ReceiveBatch& batch;
        Receiver& receiver;
        std::uint16_t worker;  ///< 0-based
    };
    UdpReader(const Parts& parts, Loop& loop);

    /// In a worker that replaces a dead one: handles what that one had read and not begun with.
    void recover() noexcept;

private:
    class Readable final : public Watcher {
    public:
        Readable(UdpReader& reader, std::uint16_t listener)
            : reader_(reader), listener_(listener) {}
        void ready(int descriptor) noexcept override;
        Watch watch;

    private:
        UdpReader& reader_;
        std::uint16_t listener_;
    };

    void handle_batch() noexcept;

    Parts parts_;
    std::vector<std::unique_ptr<Readable>> sockets_;
};

}  // namespace fairlead::net
