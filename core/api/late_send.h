// Messages that are complete, and whose place is a name that is being looked up.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/api/message.h"
#include "core/api/net.h"
#include "core/api/next_hop.h"

namespace fairlead {

/// Of one process, for what needs neither a transaction nor a Via of its own: replies, ACKs, data
/// that a script sends. What waits when its process dies is lost, as on the way.
class LateSends final : HopWaiter {
public:
    /// `net` outlives it.
    explicit LateSends(Net& net) noexcept : net_(net) {}

    /// Sends a copy of `bytes` when the place is known: at once, or later, which is no error
    /// either. With use_dns_failover to the next place when one cannot be sent to. bad_address also
    /// when too many wait (counted). No lock is held.
    [[nodiscard]] ScriptError send(NextHopFinder& finder, HopQuestion question,
                                   std::string_view bytes);

    static constexpr std::size_t kMost = 1000;  ///< that wait

private:
    void found(std::uint64_t tag, const NextHops& hops) noexcept override;
    [[nodiscard]] ScriptError send(const NextHops& hops, std::string_view bytes) noexcept;

    Net& net_;
    std::map<std::uint64_t, std::string> waiting_;
    std::uint64_t next_ = 1;
};

}  // namespace fairlead
