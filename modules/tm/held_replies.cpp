// Replies that their onreply_route has suspended. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/held_replies.h"

#include "modules/tm/cells.h"

namespace fairlead::tm {

using BucketGuard = shm::Guard<Bucket>;

std::expected<SuspendToken, ScriptError> hold_reply(Runtime& rt, const Message& m, Work& w) {
    if (w.cell == nullptr || w.branch == nullptr) return std::unexpected(ScriptError::script);
    auto* const held = rt.memory().make<HeldReply>(rt.tags.suspension, shm::Hold::in_hand);
    StoredRequest* const reply =
        held != nullptr ? store_request(rt.memory(), rt.tags.suspension, m) : nullptr;
    if (reply == nullptr) {
        rt.memory().free(held);
        rt.counts.memory_failures.add();
        return std::unexpected(ScriptError::out_of_memory);
    }
    {
        const BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        Branch& b = *w.branch;
        if (!b.held && !c.waiting) {
            rt.memory().publish(reply);
            held->reply = reply;
            held->ticket = ++c.ticket;
            held->status = static_cast<std::uint16_t>(m.sip.status());
            held->holder = rt.process();
            rt.memory().publish(held);
            b.held = held;
            b.retransmit_at = kNever;  // the callee has the request
            w.holds = true;
            rt.counts.suspended.add();
            rest(rt, c);
            return SuspendToken{c.slot, c.label, held->ticket};
        }
    }
    rt.memory().free(reply);
    rt.memory().free(held);
    return std::unexpected(ScriptError::script);
}

bool let_go(Runtime& rt, Work& w, const SuspendToken& token) {
    if (!w.holds) return false;
    const BucketGuard guard(*w.bucket);
    if (!w.branch->held || w.branch->held->ticket != token.ticket || w.branch->held->wanted)
        return false;
    free_held(rt, *w.branch);
    w.holds = false;
    return true;
}

Branch* held_at(const Cell& c, std::uint32_t ticket) noexcept {
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        if (b->held && (ticket == 0 || b->held->ticket == ticket)) return b;
    return nullptr;
}

bool holder_left(Runtime& rt, Branch& b, const Message& m) noexcept {
    HeldReply& held = *b.held;
    held.holder = kNobody;
    // Without memory it goes on with what it had when it was suspended.
    StoredRequest* const again = store_request(rt.memory(), rt.tags.suspension, m);
    if (again == nullptr) {
        rt.counts.memory_failures.add();
        return held.wanted;
    }
    StoredRequest* const before = held.reply.get();
    rt.memory().publish(again);
    held.reply = again;
    rt.memory().free(before);
    return held.wanted;
}

void holder_died(Runtime& rt, Cell& c) noexcept {
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (!b->held || b->held->holder != rt.process()) continue;
        b->held->holder = kNobody;
        if (b->held->wanted) free_held(rt, *b);
    }
}

void free_held(Runtime& rt, Branch& b) noexcept {
    HeldReply* const held = b.held.get();
    if (held == nullptr) return;
    b.held = nullptr;
    rt.memory().free(held->reply.get());
    rt.memory().free(held);
    rt.counts.unsuspended.add();
}

}  // namespace fairlead::tm
