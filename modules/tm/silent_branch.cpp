// Branches without a request.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/silent_branch.h"

#include "modules/tm/cells.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

bool is_over(const Cell& c) noexcept {
    return c.has(Cell::final_sent) || c.has(Cell::released);
}

/// Links a branch that is open and was never sent; null without memory.
Branch* add(Runtime& rt, Cell& c, const Work& w, std::uint8_t index) noexcept {
    auto* const b = rt.memory().make<Branch>(rt.tags.branch, shm::Hold::in_hand);
    if (b == nullptr) {
        rt.counts.memory_failures.add();
        return nullptr;
    }
    b->index = index;
    b->on_failure = c.on_failure;
    b->serial = static_cast<std::uint16_t>(c.serial +
                                           (c.has(Cell::choosing) && !w.in_branch_failure ? 1 : 0));
    b->set(Branch::outside);
    rt.memory().publish(b);
    c.end_of_branches() = b;
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    branch_started(c, *b, turn);
    b->retransmit_at = kNever;
    return b;
}

}  // namespace

bool await_outside(Runtime& rt, const Work& w) noexcept {
    const BucketGuard guard(*w.bucket);
    Cell& c = *w.cell;
    c.set(Cell::noisy);
    if (c.branch(kOutsideIndex) != nullptr) return true;
    if (is_over(c) || add(rt, c, w, kOutsideIndex) == nullptr) return false;
    rest(rt, c);
    return true;
}

bool await_failure(Runtime& rt, const Work& w) noexcept {
    const BucketGuard guard(*w.bucket);
    Cell& c = *w.cell;
    if (is_over(c) || c.branch_count >= kOutsideIndex) return false;
    Branch* const b = add(rt, c, w, c.branch_count);
    if (b == nullptr) return false;
    c.branch_count++;
    b->final_at = c.at(rt.now());
    rest(rt, c);
    return true;
}

}  // namespace fairlead::tm
