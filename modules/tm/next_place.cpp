// Branches that go to a place that was found later, or tried later. SPDX-License-Identifier:
// Apache-2.0
#include "modules/tm/next_place.h"

#include <algorithm>
#include <optional>

#include "modules/tm/branch_request.h"
#include "modules/tm/cells.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/responses.h"
#include "modules/tm/routes.h"
#include "modules/tm/trace_notes.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

/// Below max_branches the numbers are those of scripts, one of which may be making branches now.
std::optional<std::uint8_t> free_index(const Runtime& rt, const Cell& c) noexcept {
    auto index = static_cast<unsigned>(rt.core->globals().max_branches);
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        if (b->index < kOutsideIndex) index = std::max(index, b->index + 1U);
    if (index >= kOutsideIndex) return std::nullopt;
    return static_cast<std::uint8_t>(index);
}

/// What the branch needs to be sent, loaded into `m`; nullopt when it does not wait.
struct Ready {
    BranchId own;
    Target target;
};
std::optional<Ready> load(Runtime& rt, const OwnBranch& own, Message& m) {
    Bucket& bucket = rt.table.bucket(own.slot);
    const BucketGuard guard(bucket);
    const Cell* const c = Table::find(bucket, own.label);
    const Branch* const b = c != nullptr ? c->branch(own.index) : nullptr;
    if (b == nullptr || !b->has(Branch::waits) || b->has(Branch::decided) || !b->itinerary)
        return std::nullopt;
    const Itinerary& i = *b->itinerary;
    if (i.at >= i.hops.count) return std::nullopt;
    load_itinerary(i, m);
    if (i.by_datagram) m.udp_mtu_try_proto = Proto::udp;  // no stream instead
    m.flags = flags_of(rt, *c, *b);
    return Ready{{own, static_cast<bool>(c->local)}, i.hops.targets[i.at]};
}

/// Its timers start. Under the bucket's lock.
void begin_attempt(const Runtime& rt, Cell& c, Branch& b) noexcept {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    branch_started(c, b, turn);
    b.final_at = std::min(b.final_at, b.itinerary->until);
}

/// False when the branch is open no longer, or when memory is full, which its timer then ends.
bool start(Runtime& rt, const OwnBranch& own, const BranchRequest& request, Outgoing& out) {
    char* const bytes = rt.memory().copy(request.bytes, rt.tags.buffer, shm::Hold::in_hand);
    if (bytes == nullptr) {
        rt.counts.memory_failures.add();
        return false;
    }
    Bucket& bucket = rt.table.bucket(own.slot);
    {
        const BucketGuard guard(bucket);
        Cell* const c = Table::find(bucket, own.label);
        Branch* const b = c != nullptr ? c->branch(own.index) : nullptr;
        if (b != nullptr && b->has(Branch::waits) && !b->has(Branch::decided)) {
            b->clear(Branch::waits);
            b->target = request.target;
            b->sent.bytes = bytes;
            b->sent.size = static_cast<std::uint32_t>(request.bytes.size());
            rt.memory().publish(bytes);
            b->itinerary->instead = request.instead;
            begin_attempt(rt, *c, *b);
            out.add(b->target, request.bytes, failure_of(rt, *c, *b));
            note_branch(rt, *c, *b, request.bytes);
            note_branch_out(rt, *c, *b, request.bytes, out);
            rest(rt, *c);
            return true;
        }
    }
    rt.memory().free(bytes);
    return false;
}

/// Where the branch goes that takes over.
void advance(const Runtime& rt, Itinerary& i, Act how) noexcept {
    i.instead = false;
    i.by_datagram = how == Act::try_datagram;
    if (i.by_datagram) return rt.counts.udp_returns.add();
    i.until = kNever;
    ++i.at;
    rt.counts.failovers.add();
}

/// False when it could not be sent.
bool send(Runtime& rt, Message& m, const OwnBranch& own) {
    const auto ready = load(rt, own, m);
    if (!ready) return true;
    Outgoing out(rt.outbox, rt.core->net());
    const BranchRequest request =
        write_branch_request(rt, m, m.target, ready->target, ready->own, out);
    if (request.bytes.empty() || !may_send_branch(rt, m, m.target, request)) return false;
    if (!start(rt, own, request, out)) return true;
    out.send();
    return out.result(0) == Sent::queued;
}

}  // namespace

bool link_next(Runtime& rt, Cell& c, Branch& failed, Act how, Outgoing& out) noexcept {
    const auto index = free_index(rt, c);
    auto* const b = index ? rt.memory().make<Branch>(rt.tags.branch, shm::Hold::in_hand) : nullptr;
    if (b == nullptr) {
        if (index) rt.counts.memory_failures.add();
        return false;
    }
    b->index = *index;
    b->serial = failed.serial;
    b->flag_bits = failed.flag_bits;
    b->masked_bits = failed.masked_bits;
    b->on_failure = failed.on_failure;
    b->on_reply = failed.on_reply;
    b->on_branch_failure = failed.on_branch_failure;
    if (failed.has(Branch::with_path)) b->set(Branch::with_path);
    b->set(Branch::waits);
    b->ruid = failed.ruid;
    b->itinerary = failed.itinerary;
    failed.ruid = nullptr;
    failed.itinerary = nullptr;
    drop(rt, failed.reply);
    Itinerary& i = *b->itinerary;
    advance(rt, i, how);
    b->target = i.hops.targets[i.at];
    rt.memory().publish(b);
    c.end_of_branches() = b;
    begin_attempt(rt, c, *b);
    b->retransmit_at = kNever;
    Event event;
    event.send_on = out.arena().make<OwnBranch>(
        OwnBranch{c.slot, c.label, rt.nonce, static_cast<std::uint32_t>(b->index)});
    out.add_event(event);
    return true;
}

void send_on(Runtime& rt, const OwnBranch& own) noexcept {
    Message& m = rt.core->borrow_message();
    const bool sent = send(rt, m, own);
    m.slots[rt.slot] = 0;
    rt.core->give_back(m);
    // As a branch that could not be sent (RFC 3261 16.9).
    if (!sent) send_failed(rt, rt.table.bucket(own.slot), label_and_branch(own.label, own.index));
}

}  // namespace fairlead::tm
