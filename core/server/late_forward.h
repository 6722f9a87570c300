// Stateless forwarding to a host whose address is not known yet: the request waits, its script does
// not. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

#include "core/api/message.h"
#include "core/api/next_hop.h"
#include "core/server/message_pool.h"
#include "core/shm/counters.h"

namespace fairlead::server {

/// Sends a request that waited.
class LateSender {
public:
    virtual void send_late(Message& m, const NextHops& hops) noexcept = 0;

protected:
    ~LateSender() = default;
};

/// Of one process. A request that still waits when its process dies is lost, as one that is lost on
/// the way: its sender sends it again (RFC 3261 16.11).
class LateForwards final : public HopWaiter {
public:
    explicit LateForwards(LateSender& sender) noexcept : sender_(sender) {}
    /// Before fork.
    void count_in(shm::Counters& counters);

    /// Where `m` goes, when that is known at once; else a copy of it waits, and error is none with
    /// no target. With use_dns_failover it may be several places. bad_address also when too many
    /// wait (counted).
    [[nodiscard]] NextHops find(NextHopFinder& finder, const Message& m);
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    /// When the process stops: what waits is dropped.
    void clear() noexcept;

    static constexpr std::size_t kMost = 1000;

private:
    void found(std::uint64_t tag, const NextHops& hops) noexcept override;

    MessagePool pool_;  ///< of its own: in the engine's, nothing that waits is out
    LateSender& sender_;
    std::map<std::uint64_t, Message*> waiting_;
    std::uint64_t next_ = 1;
    shm::Counter unresolved_;
};

}  // namespace fairlead::server
