// Reading a worker's sockets.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/udp_reader.h"

namespace fairlead::net {

UdpReader::UdpReader(const Parts& parts, Loop& loop) : parts_(parts) {
    for (const auto& listener : parts_.listeners) {
        if (listener.proto != Proto::udp) continue;
        if (!parts_.sockets.serves(parts_.worker, listener.index)) continue;
        sockets_.push_back(std::make_unique<Readable>(*this, listener.index));
        sockets_.back()->watch = loop.watch(parts_.sockets.get(listener.index, parts_.worker),
                                            Loop::Interest::readable, *sockets_.back());
    }
}

void UdpReader::Readable::ready(int descriptor) noexcept {
    // One read per wake-up: what does not fit makes the socket ready again.
    if (reader_.parts_.batch.read(descriptor, listener_) > 0) reader_.handle_batch();
}

void UdpReader::recover() noexcept {
    parts_.batch.recover();
    handle_batch();
}

void UdpReader::handle_batch() noexcept {
    ReceiveBatch& batch = parts_.batch;
    if (batch.empty() || batch.listener() >= parts_.listeners.size()) return;
    const Listener& listener = parts_.listeners[batch.listener()];
    Received from;
    from.local = listener.address;
    from.proto = listener.proto;
    from.listener = listener.index;
    while (!batch.empty()) {
        const auto datagram = batch.take();
        from.source = datagram.source;
        if (!parts_.steering.hand_over(parts_.worker, datagram.bytes, from))
            parts_.receiver.received(datagram.bytes, from);
    }
}

}  // namespace fairlead::net
