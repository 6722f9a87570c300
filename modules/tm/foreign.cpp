// Acting on transactions of other messages.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/foreign.h"

#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/perform.h"
#include "modules/tm/reports.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

bool can_be_answered(const Cell& c) noexcept {
    return !c.has(Cell::dead) && !c.has(Cell::replica) && !c.has(Cell::final_sent);
}
bool fits(const Cell& c, const CallKey& key) noexcept {
    return can_be_answered(c) && c.cseq == key.cseq && c.call_id() == key.call_id;
}

/// Runs `act` on the first cell that `wanted` takes, under its bucket's lock, which is held for one
/// bucket at a time. `act` says whether it did what it should.
template <class Wanted, class Act>
bool with_cell(Runtime& rt, Wanted wanted, Act act) {
    for (std::uint32_t slot = 0; slot < rt.table.size(); ++slot) {
        Bucket& b = rt.table.bucket(slot);
        const BucketGuard guard(b);
        for (Cell* c = b.first.get(); c != nullptr; c = c->link.get()) {
            if (wanted(*c)) return act(*c);
        }
    }
    return false;
}

bool answer_cell(Runtime& rt, Cell& c, const OwnReply& reply, Outgoing& out) {
    const sip::ReplyPlan plan{.code = reply.code,
                              .reason = reply.reason,
                              .to_tag = reply.to_tag,
                              .headers = reply.headers,
                              .body = reply.body};
    const std::string_view text = make_stored_reply(rt, out, c, plan);
    if (text.empty()) return false;
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    if (!local_reply(c, reply.code, turn)) return false;
    c.set(Cell::last_local);
    (void)replace(rt, c.reply, text, rt.tags.buffer);
    time_first_reply(rt, c);
    out.add(c.upstream, text);
    note(rt, c, nullptr, {.local = true, .by_script = true, .code = reply.code, .reply = text},
         out);
    (void)perform(rt, c, actions, {.may_run_routes = false}, out);
    if (reply.code >= 200) rt.counts.final_sent(reply.code);
    rt.counts.local_replies.add();
    rest(rt, c);
    return true;
}

}  // namespace

bool cancel_branches(Runtime& rt, Message& m, Api::Which which) {
    const Work* const w = work_of(rt, m);
    if (w == nullptr || w->cell == nullptr) return false;
    if (which != Api::Which::all && w->branch == nullptr) return false;
    Outgoing out(rt.outbox, rt.core->net());
    {
        const BucketGuard guard(*w->bucket);
        Cell& c = *w->cell;
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        if (which == Api::Which::current) {
            if (!w->branch->has(Branch::decided)) {
                cancel_branch(c, *w->branch, kNoReason, turn);
            }
        } else {
            cancel_open(c, kNoReason, turn, which == Api::Which::others ? w->branch : nullptr);
        }
        (void)perform(rt, c, actions, {.may_run_routes = false}, out);
        rest(rt, c);
    }
    out.send();
    return true;
}

bool cancel_call(Runtime& rt, const CallKey& key, std::uint32_t flags, std::uint16_t code) {
    Outgoing out(rt.outbox, rt.core->net());
    const bool done = with_cell(
        rt, [&](const Cell& c) { return c.is_invite() && fits(c, key); },
        [&](Cell& c) {
            c.flag_bits |= flags;
            Actions actions;
            Turn turn{rt.now(), rt.policy, actions};
            cancel_open(c, code, turn);
            (void)perform(rt, c, actions, {.may_run_routes = false}, out);
            rest(rt, c);
            return true;
        });
    out.send();
    return done;
}

bool answer_call(Runtime& rt, const CallKey& key, const OwnReply& reply) {
    Outgoing out(rt.outbox, rt.core->net());
    const bool done = with_cell(
        rt, [&](const Cell& c) { return fits(c, key); },
        [&](Cell& c) { return answer_cell(rt, c, reply, out); });
    out.send();
    return done;
}

bool answer(Runtime& rt, std::uint32_t slot, std::uint32_t label, const OwnReply& reply) {
    if (slot >= rt.table.size()) return false;
    Outgoing out(rt.outbox, rt.core->net());
    bool done = false;
    {
        Bucket& b = rt.table.bucket(slot);
        const BucketGuard guard(b);
        Cell* const c = Table::find(b, label);
        done = c != nullptr && can_be_answered(*c) && answer_cell(rt, *c, reply, out);
    }
    out.send();
    return done;
}

}  // namespace fairlead::tm
