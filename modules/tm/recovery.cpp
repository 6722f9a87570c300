// What a process left behind when it died in the middle of its work.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/recovery.h"

#include "modules/tm/cells.h"
#include "modules/tm/held_replies.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/perform.h"
#include "modules/tm/suspend.h"

namespace fairlead::tm {
namespace {

void tell(const OwnBranch* Event::* what, const OwnBranch& own, Outgoing& out) {
    Event event;
    event.*what = out.arena().make<OwnBranch>(own);
    out.add_event(event);
}

/// Branches that the dead process was about to send, or whose next hop it looked up.
void go_on(const Runtime& rt, const Cell& c, Outgoing& out) {
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (!b->has(Branch::waits) || b->has(Branch::decided) || !b->itinerary) continue;
        const OwnBranch own{c.slot, c.label, rt.nonce, b->index};
        // Another process may be about to send it: the second of the two finds it sent.
        if (b->itinerary->hops.count != 0)
            tell(&Event::send_on, own, out);
        else if (b->itinerary->asker == rt.process())
            tell(&Event::ask_again, own, out);
    }
}

/// A script of the dead process ran for it: it does not any more.
bool take_over(Runtime& rt, Cell& c, Outgoing& out) {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    holder_died(rt, c);
    const bool chose = c.owner == rt.process() && c.has(Cell::choosing);
    const bool routed = c.route_owner == rt.process() && c.has(Cell::in_route);
    if (chose || routed) {
        // A script that had suspended it leaves it waiting, for who has its token; who wanted it at
        // once is lost with that script.
        if (c.waiting && c.suspension && c.suspension->wanted) c.suspended_until = c.at(rt.now());
        // failure_route died: the winner goes up as if there had been none.
        for (Branch* b = c.branches.get(); chose && b != nullptr; b = b->next.get())
            b->on_failure = RouteId::none;
        script_died(c, chose, turn);
        (void)perform(rt, c, actions, {.may_run_routes = false}, out);
    } else if (!c.is_armed() && !c.waiting && !c.has(Cell::in_route) && !c.has(Cell::choosing) &&
               next_due(c) == kNever && !is_ended(c)) {
        release(c, turn);  // it died between making the cell and saying whose it is
    } else if (c.is_armed()) {
        return false;
    }
    rest(rt, c);
    return true;
}

}  // namespace

std::size_t recover(Runtime& rt) {
    std::size_t touched = 0;
    for (std::uint32_t slot = 0; slot < rt.table.size(); ++slot) {
        Bucket& b = rt.table.bucket(slot);
        if (!b.first) continue;
        Outgoing out(rt.outbox, rt.core->net());
        {
            const shm::Guard<Bucket> guard(b);
            for (Cell* c = b.first.get(); c != nullptr; c = c->link.get())
                if (!c->has(Cell::dead) || !c->is_armed()) {
                    touched += take_over(rt, *c, out) ? 1 : 0;
                    go_on(rt, *c, out);
                }
        }
        out.send();
    }
    rt.counts.recovered.add(static_cast<std::int64_t>(touched));
    return touched;
}

}  // namespace fairlead::tm
