// DNS as the server uses it. SPDX-License-Identifier: Apache-2.0
#include "core/server/dns_service.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/api/route_target.h"
#include "core/api/text.h"
#include "core/base/log.h"
#include "core/server/settings.h"

namespace fairlead::server {
namespace {

constexpr Ms kTick{25};

void set_preferences(dns::LocatePolicy& policy, const Settings& s) noexcept {
    const auto set = [&](Proto proto, std::int64_t preference) {
        policy.transports[static_cast<std::size_t>(proto)].preference =
            static_cast<int>(preference);
    };
    set(Proto::udp, s.dns_udp_pref);
    set(Proto::tcp, s.dns_tcp_pref);
    set(Proto::tls, s.dns_tls_pref);
}

/// RFC 6761 6.4: nobody has a name below "invalid", so nobody is asked. Where an address must be
/// written and is not known, such a name stands (RFC 7118).
bool is_invalid(std::string_view host) noexcept {
    constexpr std::string_view kDomain = "invalid";
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() < kDomain.size()) return false;
    const std::string_view above = host.substr(0, host.size() - kDomain.size());
    return text::ci_equal(host.substr(above.size()), kDomain) &&
           (above.empty() || above.ends_with('.'));
}

/// dns_cache_flags: 1 only IPv4, 2 only IPv6, 4 IPv6 before IPv4.
void set_families(dns::LocatePolicy& policy, const Settings& s,
                  std::span<const Listener> listeners) noexcept {
    constexpr int kOnlyIpv4 = 1, kOnlyIpv6 = 2, kIpv6First = 4;
    const auto has = [&](std::uint8_t version) {
        return std::ranges::any_of(listeners,
                                   [&](const Listener& l) { return l.address.version == version; });
    };
    policy.ipv4 = has(4) && s.dns_cache_flags != kOnlyIpv6;
    // Without IPv4 there is nothing that IPv6 could be tried after.
    policy.ipv6 = has(6) && s.dns_cache_flags != kOnlyIpv4 && (s.dns_try_ipv6 || !policy.ipv4);
    policy.prefer_ipv6 = s.dns_cache_flags == kIpv6First;
}

/// Without dns_retr_time and dns_retr_no all tries fit into the deadline: 1 + 2 of its quarters.
dns::ClientOptions client_options(const Settings& s) {
    constexpr std::int64_t kQuarter = 4;
    dns::ClientOptions o;
    o.servers = s.dns_servers;
    o.retry_time = s.dns_retr_time > 0 ? Ms(s.dns_retr_time * 1000)
                                       : Ms(std::max<std::int64_t>(s.dns_timeout_ms / kQuarter, 1));
    if (s.dns_retr_no > 0) o.tries = static_cast<int>(s.dns_retr_no);
    if (s.dns_servers_no > 0) o.most_servers = static_cast<std::size_t>(s.dns_servers_no);
    o.use_search_list = s.dns_use_search_list;
    return o;
}

}  // namespace

DnsOptions dns_options(const Settings& s, std::span<const Listener> listeners) {
    const auto seconds = [](std::int64_t n) {
        return static_cast<std::uint32_t>(std::min<std::int64_t>(n, dns::kMaxTtl));
    };
    DnsOptions o;
    o.on = s.use_dns;
    o.fails_over = s.use_dns_failover;
    o.has_cache = s.dns_cache_init;
    o.collect = Ms(s.dns_cache_gc_interval * 1000);
    o.cache = {.most_bytes = static_cast<std::size_t>(s.dns_cache_kb) * 1024,
               .min_ttl = seconds(s.dns_cache_min_ttl),
               .max_ttl = seconds(s.dns_cache_max_ttl),
               .negative_ttl = seconds(s.dns_cache_negative_ttl),
               .stale_ttl = seconds(s.dns_cache_stale_ttl),
               .delete_unexpired = s.dns_cache_delete_nonexpired};
    o.client = client_options(s);
    o.resolver.deadline = Ms(s.dns_timeout_ms);
    o.resolver.slow = Ms(s.dns_slow_query_ms);
    o.resolver.use_cache = s.use_dns_cache;
    for (const Listener& l : listeners)
        o.policy.transports[static_cast<std::size_t>(l.proto)].supported = true;
    set_preferences(o.policy, s);
    set_families(o.policy, s, listeners);
    o.policy.try_naptr = s.dns_try_naptr;
    o.policy.naptr_ignore_order = s.dns_naptr_ignore_rfc;
    o.policy.balance = s.dns_srv_lb;
    return o;
}

DnsService::DnsService(const DnsOptions& options, const Net& net) noexcept
    : options_(options), net_(net) {}

Result<void> DnsService::prepare(shm::Segment& segment, shm::Counters& counters) {
    counts_ = dns::ResolverCounts::add_to(counters);
    refused_ = counters.add("dns", "waits_refused",
                            "Messages not sent because too many waited for their next hop.");
    if (!options_.has_cache) return {};
    cache_ = TRY(dns::Cache::create(segment, options_.cache));
    cache_->count_in(counters);
    return {};
}

void DnsService::start(Loop& loop, bool collects) {
    clock_ = &loop.clock();
    if (cache_ != nullptr && collects) collect_watch_ = loop.every(options_.collect, collect_call_);
    if (!options_.on) return;
    random_.reseed_from_kernel();
    auto client = dns::Client::create(loop, options_.client);
    if (!client) {
        LOG(error, "names of DNS cannot be looked up: {}", client.error().str());
        return;
    }
    client_ = std::move(*client);
    resolver_.emplace(*client_, cache_.get(), options_.policy, options_.resolver, *clock_, random_);
    resolver_->count_in(counts_);
    tick_ = loop.every(kTick, *this);
    tick_.pause();
}

void DnsService::stop() noexcept {
    tick_.reset();
    collect_watch_.reset();
    client_.reset();  // before the resolver, which it tells
    resolver_.reset();
    asked_.clear();
    questions_.clear();
}

void DnsService::expired() noexcept {
    resolver_->tick();
    if (!resolver_->is_busy()) tick_.pause();
}

void DnsService::collect() noexcept {
    cache_->collect(clock_->now());
}

NextHops DnsService::hops_of(const dns::Outcome& outcome, std::uint16_t received_on,
                             std::uint16_t forced) const noexcept {
    NextHops hops;
    hops.error = outcome.why == dns::Unlocated::no_such_protocol ? ScriptError::bad_protocol
                                                                 : ScriptError::bad_address;
    for (const dns::Hop& hop : outcome.targets) {
        if (hops.count == NextHops::kMost) break;
        const Listener* const from = net_.choose(hop.proto, hop.address, received_on, forced);
        if (from == nullptr) {
            if (hops.count == 0) hops.error = ScriptError::no_socket;
            continue;
        }
        hops.targets[hops.count++] = {
            .address = hop.address, .proto = hop.proto, .listener = from->index};
    }
    if (hops.count != 0) hops.error = ScriptError::none;
    return hops;
}

void DnsService::ask(const dns::Question& question, std::function<void(const dns::Answer&)> then) {
    if (!resolver_) return then({});
    const std::uint64_t number = next_++;
    const auto& kept = questions_.emplace(number, std::move(then)).first->second;
    const auto answer = resolver_->ask(question, *this, number);
    if (!answer) return;
    kept(*answer);
    questions_.erase(number);
}

void DnsService::answered(std::uint64_t number, const dns::Answer& answer) {
    const auto asked = questions_.extract(number);
    if (!asked.empty()) asked.mapped()(answer);
}

std::optional<NextHops> DnsService::find(const HopQuestion& question, HopWaiter& waiter,
                                         std::uint64_t tag, std::uint64_t& ticket) noexcept {
    NextHops hops;
    // First what needs no DNS: a literal, and names of the hosts file, which have no services.
    const auto target = resolve(net_, question.uri, question.received_on, question.forced);
    if (target) {
        hops.targets[hops.count++] = *target;
        return hops;
    }
    hops.error = target.error();
    const auto hop = next_hop_of(question.uri);
    if (!hop || !resolver_ || hops.error != ScriptError::bad_address) return hops;
    if (is_invalid(hop->host)) return hops;
    ticket = next_++;
    Asked asked{&waiter, tag, question.received_on, question.forced};
    const auto outcome = resolver_->locate({.host = std::string(hop->host),
                                            .port = hop->port,
                                            .proto = hop->proto,
                                            .secure = hop->secure,
                                            .targets = std::min(question.most, NextHops::kMost)},
                                           *this, ticket, asked.lookup);
    if (outcome) return hops_of(*outcome, question.received_on, question.forced);
    asked_.emplace(ticket, asked);
    tick_.resume();
    return std::nullopt;
}

void DnsService::cancel(std::uint64_t ticket) noexcept {
    const auto found = asked_.find(ticket);
    if (found == asked_.end()) return;
    if (resolver_) resolver_->cancel(found->second.lookup);
    asked_.erase(found);
}

void DnsService::refuse(std::uint64_t ticket) noexcept {
    refused_.add();
    cancel(ticket);
}

void DnsService::located(std::uint64_t ticket, const dns::Outcome& outcome) noexcept {
    const auto found = asked_.find(ticket);
    if (found == asked_.end()) return;
    const Asked asked = found->second;
    asked_.erase(found);
    asked.waiter->found(asked.tag, hops_of(outcome, asked.received_on, asked.forced));
}

}  // namespace fairlead::server
