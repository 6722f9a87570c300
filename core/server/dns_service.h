// DNS as the server uses it: the cache that all processes share, and the look-ups of one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "core/api/next_hop.h"
#include "core/base/random.h"
#include "core/event/loop.h"
#include "core/net/dns_cache.h"
#include "core/net/dns_client.h"
#include "core/net/dns_resolver.h"

namespace fairlead::server {

struct Settings;

/// Everything about DNS that the configuration says.
struct DnsOptions {
    bool on = true;
    bool fails_over = false;
    bool has_cache = true;
    Ms collect{120'000};
    dns::CacheOptions cache;
    dns::ClientOptions client;
    dns::ResolverOptions resolver;
    dns::LocatePolicy policy;
};
[[nodiscard]] DnsOptions dns_options(const Settings& settings, std::span<const Listener> listeners);

/// Made before fork; start() and stop() in each process.
class DnsService final : public NextHopFinder, dns::Waiter, dns::AnswerSink, TimerTask {
public:
    /// `net` outlives it.
    DnsService(const DnsOptions& options, const Net& net) noexcept;
    /// Before fork: makes the cache. `segment` outlives it.
    [[nodiscard]] Result<void> prepare(shm::Segment& segment, shm::Counters& counters);

    /// In each process that has a loop: reads resolv.conf. Without name servers only the cache and
    /// the hosts file are asked (logged). `collects`: this one tidies up the cache.
    void start(Loop& loop, bool collects);
    /// Look-ups that are under way end without an answer.
    void stop() noexcept;

    // NextHopFinder
    [[nodiscard]] std::optional<NextHops> find(const HopQuestion& question, HopWaiter& waiter,
                                               std::uint64_t tag,
                                               std::uint64_t& ticket) noexcept override;
    void cancel(std::uint64_t ticket) noexcept override;
    void refuse(std::uint64_t ticket) noexcept override;
    [[nodiscard]] Ms deadline() const noexcept override { return options_.resolver.deadline; }
    [[nodiscard]] bool fails_over() const noexcept override { return options_.fails_over; }

    // For commands.
    /// Null when there is none (dns_cache_init=off).
    [[nodiscard]] dns::Cache* cache() noexcept { return cache_.get(); }
    /// One question, by way of the cache. `then` is called once, at once or later; it is dropped
    /// when the process stops first.
    void ask(const dns::Question& question, std::function<void(const dns::Answer&)> then);

private:
    /// What a waiter asked, until it is told.
    struct Asked {
        HopWaiter* waiter;
        std::uint64_t tag;
        std::uint16_t received_on, forced;
        std::uint64_t lookup = 0;
    };

    void located(std::uint64_t ticket, const dns::Outcome& outcome) noexcept override;
    void answered(std::uint64_t number, const dns::Answer& answer) override;
    void expired() noexcept override;
    void collect() noexcept;
    [[nodiscard]] NextHops hops_of(const dns::Outcome& outcome, std::uint16_t received_on,
                                   std::uint16_t forced) const noexcept;

    DnsOptions options_;
    const Net& net_;
    std::unique_ptr<dns::Cache> cache_;
    dns::ResolverCounts counts_;
    shm::Counter refused_;

    // Per process.
    const Clock* clock_ = nullptr;
    Random random_;
    std::unique_ptr<dns::Client> client_;
    std::optional<dns::Resolver> resolver_;
    std::map<std::uint64_t, Asked> asked_;
    std::map<std::uint64_t, std::function<void(const dns::Answer&)>> questions_;
    std::uint64_t next_ = 1;
    Watch tick_, collect_watch_;
    TimerCall<DnsService> collect_call_{*this, &DnsService::collect};
};

}  // namespace fairlead::server
