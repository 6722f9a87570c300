// Requests that wait for the address of their next hop. SPDX-License-Identifier: Apache-2.0
#include "core/server/late_forward.h"

namespace fairlead::server {

void LateForwards::count_in(shm::Counters& counters) {
    unresolved_ = counters.add("core", "forwards_unresolved",
                               "Requests dropped because their next hop was not found.");
}

NextHops LateForwards::find(NextHopFinder& finder, const Message& m) {
    const HopQuestion question{m.next_hop(), m.received.listener, m.target.listener,
                               finder.fails_over() ? NextHops::kMost : 1};
    const std::uint64_t tag = next_++;
    std::uint64_t ticket = 0;
    const auto hops = finder.find(question, *this, tag, ticket);
    if (hops) return *hops;
    if (waiting_.size() >= kMost) {
        finder.refuse(ticket);
        NextHops none;
        none.error = ScriptError::bad_address;
        return none;
    }
    Message& kept = pool_.take();
    copy_request(m, kept);
    waiting_.emplace(tag, &kept);
    return {};
}

void LateForwards::found(std::uint64_t tag, const NextHops& hops) noexcept {
    const auto at = waiting_.find(tag);
    if (at == waiting_.end()) return;
    Message& m = *at->second;
    waiting_.erase(at);
    if (hops.count != 0)
        sender_.send_late(m, hops);
    else
        unresolved_.add();
    pool_.give_back(m);
}

void LateForwards::clear() noexcept {
    for (const auto& [tag, m] : waiting_) pool_.give_back(*m);
    waiting_.clear();
}

}  // namespace fairlead::server
