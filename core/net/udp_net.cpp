// Net over UDP sockets.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/udp_net.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/api/stream_codec.h"
#include "core/api/stream_layer.h"
#include "core/base/log.h"

namespace fairlead::net {
namespace {

/// What an IPv4 UDP datagram can carry.
constexpr std::size_t kLargest = 65507;
/// How often a flush whose failures caused new sends begins again before the next wake-up.
constexpr int kRounds = 4;

constexpr bool is_stream(Proto proto) noexcept {
    return carrier(proto) == Proto::tcp || carrier(proto) == Proto::tls;
}

bool fits(const Listener& listener, Proto proto, const Address& to) noexcept {
    return listener.proto == carrier(proto) && listener.address.version == to.version;
}

}  // namespace

UdpNet::UdpNet(std::vector<Listener> listeners, OwnNames names, bool multihomed)
    : listeners_(std::move(listeners)), names_(std::move(names)), multihomed_(multihomed) {}

Result<void> UdpNet::prepare(std::size_t processes, const Counts& counts) {
    counts_ = counts;
    return pages_.map(processes * listeners_.size());
}

void UdpNet::enter(std::size_t process, std::size_t worker, bool reborn, Loop& loop,
                   SendErrors& errors) {
    queues_ = pages_.items().subspan(process * listeners_.size(), listeners_.size());
    worker_ = worker;
    loop_ = &loop;
    errors_ = &errors;
    blocked_.clear();
    blocked_.resize(listeners_.size());
    pending_.clear();
    pending_.reserve(listeners_.size());
    failed_.reserve(SendQueue::kSlots);
    loop.at_end_of_batch(*this);
    if (!reborn) return;
    for (std::size_t i = 0; i < queues_.size(); ++i) {
        queues_[i].recover();
        flush(i);
    }
    failed_.clear();  // those who asked for them are gone with the dead process's message
}

void UdpNet::leave() noexcept {
    batch_done();
    blocked_.clear();
    queues_ = {};
}

const Listener* UdpNet::by_route(Proto proto, const Address& to) const noexcept {
    // The kernel says which source address it would take; no datagram is sent.
    const Fd probe(socket(to.version == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address;
    socklen_t size = to.to(address);
    if (!probe || connect(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0)
        return nullptr;
    size = sizeof address;
    if (getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return nullptr;
    const Address local = Address::from(reinterpret_cast<sockaddr*>(&address));
    for (const auto& listener : listeners_)
        if (fits(listener, proto, to) && listener.address.same_ip(local)) return &listener;
    return nullptr;
}

const Listener* UdpNet::choose(Proto proto, const Address& to, std::uint16_t received_on,
                               std::uint16_t forced) const noexcept {
    if (forced < listeners_.size() && fits(listeners_[forced], proto, to))
        return &listeners_[forced];
    if (multihomed_)
        if (const auto* const listener = by_route(proto, to)) return listener;
    if (received_on < listeners_.size() && fits(listeners_[received_on], proto, to))
        return &listeners_[received_on];
    const Listener* first = nullptr;
    for (const auto& listener : listeners_) {
        if (!fits(listener, proto, to)) continue;
        // A loopback address cannot reach the world, nor the other way round.
        if (listener.address.is_loopback() == to.is_loopback()) return &listener;
        if (first == nullptr) first = &listener;
    }
    return first;
}

Sent UdpNet::send(const Target& target, std::string_view bytes,
                  const SendFailure& on_failure) noexcept {
    if (target.listener >= queues_.size()) return Sent::no_socket;
    if (is_stream(target.proto))
        return streams_ != nullptr ? streams_->send(target, bytes, on_failure) : Sent::no_socket;
    if (bytes.size() > kLargest) return Sent::too_big;
    SendQueue& queue = queues_[target.listener];
    if (queue.empty()) pending_.push_back(target.listener);
    if (queue.put(target.address, bytes, on_failure)) return Sent::queued;
    if (blocked_[target.listener] == nullptr) {
        flush(target.listener);
        if (queue.empty()) pending_.push_back(target.listener);
        if (queue.put(target.address, bytes, on_failure)) return Sent::queued;
    }
    counts_.queue_full.add();
    return Sent::queue_full;
}

bool UdpNet::add_alias(std::uint32_t connection, std::uint16_t port) noexcept {
    return streams_ != nullptr && streams_->add_alias(connection, port);
}

void UdpNet::set_stream_layer(StreamLayer* layer) noexcept {
    layer_ = layer;
    if (streams_ != nullptr) streams_->use(layer);
}

std::uint16_t UdpNet::profile_of(Message& m, const Target& to) noexcept {
    return layer_ != nullptr ? layer_->profile_of(m, to) : std::uint16_t{0};
}

void UdpNet::set_http(HttpHandler* handler) noexcept {
    if (streams_ != nullptr) streams_->serve_http(handler != nullptr);
}

bool UdpNet::change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                            Proto proto) noexcept {
    return streams_ != nullptr && streams_->change_framing(connection, std::move(codec), proto);
}

bool UdpNet::tell(std::uint32_t connection, std::string_view words) noexcept {
    return streams_ != nullptr && streams_->tell(connection, words);
}

void UdpNet::flush(std::size_t listener) noexcept {
    if (queues_[listener].empty()) return;
    std::size_t sent = 0;
    const auto result = queues_[listener].flush(sockets_->get(listener, worker_), failed_, sent);
    counts_.sent.add(static_cast<std::int64_t>(sent));
    if (result == SendQueue::Flush::done) {
        blocked_[listener].reset();
        return;
    }
    if (blocked_[listener] != nullptr) return;
    blocked_[listener] = std::make_unique<Writable>(*this, listener);
    blocked_[listener]->watch = loop_->watch(sockets_->get(listener, worker_),
                                             Loop::Interest::writable, *blocked_[listener]);
}

void UdpNet::now_writable(std::size_t listener) noexcept {
    pending_.push_back(static_cast<std::uint16_t>(listener));
}

void UdpNet::batch_done() noexcept {
    for (int round = 0; round < kRounds && !pending_.empty(); ++round) {
        for (std::size_t i = 0; i < pending_.size(); ++i) flush(pending_[i]);
        pending_.clear();
        if (failed_.empty()) return;
        counts_.failed.add(static_cast<std::int64_t>(failed_.size()));
        const auto failures = std::exchange(failed_, {});
        for (const auto& failure : failures) {
            LOG(info, "a datagram could not be sent: {}", std::strerror(failure.error));
            if (failure.who.handler != shm::HandlerId{}) errors_->send_failed(failure.who);
        }
    }
}

}  // namespace fairlead::net
