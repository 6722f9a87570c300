// Finding where a request goes when its next hop is a name: RFC 3263, without waiting.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "core/api/message.h"
#include "core/api/net.h"
#include "core/base/clock.h"

namespace fairlead {

/// What a URI says of its next hop. Views into the URI.
struct NextHop {
    std::string_view host;      ///< IPv6 with its brackets
    std::uint16_t port = 0;     ///< 0: not said
    Proto proto = Proto::none;  ///< none: not said; of sips never what is in the clear
    bool secure = false;        ///< sips
};
/// bad_uri, or bad_protocol for a transport that is unknown or contradicts sips.
[[nodiscard]] std::expected<NextHop, ScriptError> next_hop_of(std::string_view uri) noexcept;

/// The next hop as a URI of what t_relay, forward and the like take: "proto:host:port",
/// "host:port", "proto:host", "host"; in `arena`. "" when it is none of these.
[[nodiscard]] std::string_view hop_uri(std::string_view address, Arena& arena);
/// Host and port of `uri` by another transport. "" when it is no SIP URI.
[[nodiscard]] std::string_view hop_uri(std::string_view uri, Proto proto, Arena& arena);

/// Where a reply that we pass on goes when the sent-by (or maddr) of its second Via is a name
/// (RFC 3263 5); "" when there is no such Via.
[[nodiscard]] std::string_view reply_hop(const sip::Message& reply, Arena& arena);

/// The places of one next hop, in the order in which they are tried (RFC 3263 4.3). Trivially
/// copyable: what is left of it may be kept in shared memory, for whichever process tries the next.
struct NextHops {
    using ShmSafe = void;
    static constexpr std::size_t kMost = 8;
    std::array<Target, kMost> targets;
    std::uint8_t count = 0;
    ScriptError error = ScriptError::none;  ///< why there is none: bad_address, bad_uri, …

    [[nodiscard]] std::span<const Target> list() const noexcept { return {targets.data(), count}; }
};

/// Who waits for a next hop. Lives as long as its process: a module, not a transaction.
class HopWaiter {
public:
    /// In the event loop of the process that asked, once for each question that was not answered
    /// at once and not cancelled; never from inside of find(), and without any lock held. `tag` is
    /// what the waiter gave: numbers by which it finds its object again (of a branch: its
    /// transaction's slot and label, and its index). The object may be gone: it holds no pointer.
    virtual void found(std::uint64_t tag, const NextHops& hops) noexcept = 0;

protected:
    ~HopWaiter() = default;
};

/// What is asked.
struct HopQuestion {
    std::string_view uri;  ///< $du, else the Request-URI; used during the call only
    std::uint16_t received_on = kNoListener, forced = kNoListener;  ///< as Net::choose takes them
    std::size_t most = 1;  ///< so many places are wanted: 1 without failover
};

/// Core::next_hops(). A branch waits for it; a script never does: t_relay and forward() return when
/// the question has been asked.
///
/// Whoever waits is in one process, and a process may die: its waiters are then told nothing. So a
/// transaction that has a branch without a target also has a timer, armed for deadline() and a
/// second: when it ends, in whatever process, the branch has failed as one that cannot be sent.
class NextHopFinder {
public:
    /// The answer at once, when no name server has to be asked: a numeric host, a name of the hosts
    /// file, an answer in the cache (also a stale one), an error. Else nullopt, and `waiter` is
    /// told, at the latest after deadline(). `ticket` is then this question; it is valid in this
    /// process until the waiter is told. No lock may be held. In a process without an event loop a
    /// name that is not known at once is bad_address.
    [[nodiscard]] virtual std::optional<NextHops> find(const HopQuestion& question,
                                                       HopWaiter& waiter, std::uint64_t tag,
                                                       std::uint64_t& ticket) noexcept = 0;
    /// The waiter is not told. A ticket that has ended is passed over.
    virtual void cancel(std::uint64_t ticket) noexcept = 0;
    /// As cancel(), for a waiter that has no room: what was to be sent is not, and is counted
    /// (dns:waits_refused).
    virtual void refuse(std::uint64_t ticket) noexcept = 0;
    /// The longest that anybody waits.
    [[nodiscard]] virtual Ms deadline() const noexcept = 0;
    /// The parameter use_dns_failover: whether the next place is tried when one fails by time-out,
    /// 503 or its transport.
    [[nodiscard]] virtual bool fails_over() const noexcept = 0;

protected:
    ~NextHopFinder() = default;
};

}  // namespace fairlead
