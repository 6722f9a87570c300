// Branches that wait for their next hop. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/late_branch.h"

#include "core/api/log.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/next_place.h"
#include "modules/tm/responses.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

/// The branch, while it waits for its places; null otherwise. The lock is held.
Branch* asking_branch(Runtime& rt, const OwnBranch& own) noexcept {
    Cell* const c = Table::find(rt.table.bucket(own.slot), own.label);
    Branch* const b = c != nullptr ? c->branch(own.index) : nullptr;
    const bool asks = b != nullptr && b->has(Branch::waits) && !b->has(Branch::decided) &&
                      b->itinerary && b->itinerary->hops.count == 0;
    return asks ? b : nullptr;
}

}  // namespace

std::optional<NextHops> LateBranches::find(const HopQuestion& question, const OwnBranch& own,
                                           std::uint64_t& tag) noexcept {
    NextHopFinder& finder = rt_.core->next_hops();
    tag = next_++;
    std::uint64_t ticket = 0;
    const auto hops = finder.find(question, *this, tag, ticket);
    if (hops) return hops;
    if (waiting_.size() >= kMost) {
        finder.refuse(ticket);
        NextHops none;
        none.error = ScriptError::bad_address;
        return none;
    }
    waiting_.emplace(tag, Waiting{own, ticket});
    return std::nullopt;
}

void LateBranches::drop(std::uint64_t tag) noexcept {
    const auto at = waiting_.find(tag);
    if (at == waiting_.end()) return;
    rt_.core->next_hops().cancel(at->second.ticket);
    waiting_.erase(at);
}

void LateBranches::found(std::uint64_t tag, const NextHops& hops) noexcept {
    const auto node = waiting_.extract(tag);
    if (!node.empty()) go_on(node.mapped().own, hops);
}

void LateBranches::go_on(const OwnBranch& own, const NextHops& hops) noexcept {
    Arena& arena = rt_.outbox.arena();
    Outgoing keeps(rt_.outbox, rt_.core->net());  // the arena
    std::string_view unknown;
    {
        const BucketGuard guard(rt_.table.bucket(own.slot));
        Branch* const b = asking_branch(rt_, own);
        if (b == nullptr) return;
        b->itinerary->hops = hops;
        b->itinerary->asker = kNobody;
        if (hops.count == 0) unknown = arena.copy(b->itinerary->next_hop());
    }
    if (hops.count != 0) return send_on(rt_, own);
    LOG(info, "{} cannot be reached: {}", unknown, error_reply(hops.error).reason);
    send_failed(rt_, rt_.table.bucket(own.slot), label_and_branch(own.label, own.index));
}

void LateBranches::go_on(const OwnBranch& own) noexcept {
    send_on(rt_, own);
}

void LateBranches::ask_again(const OwnBranch& own) noexcept {
    Outgoing keeps(rt_.outbox, rt_.core->net());
    HopQuestion question;
    question.most = rt_.core->next_hops().fails_over() ? NextHops::kMost : 1;
    {
        const BucketGuard guard(rt_.table.bucket(own.slot));
        Branch* const b = asking_branch(rt_, own);
        if (b == nullptr) return;
        Itinerary& i = *b->itinerary;
        i.asker = rt_.process();
        question.uri = keeps.arena().copy(i.next_hop());
        question.received_on = i.request->received.listener;
        question.forced = i.listener;
    }
    std::uint64_t tag = 0;
    if (const auto hops = find(question, own, tag)) go_on(own, *hops);
}

}  // namespace fairlead::tm
