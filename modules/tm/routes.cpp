// Scripts that run for a transaction.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/routes.h"

#include <optional>

#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/perform.h"
#include "modules/tm/relay_steps.h"
#include "modules/tm/replies.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/reports.h"
#include "modules/tm/stored_request.h"
#include "modules/tm/suspend.h"

namespace fairlead::tm {

using BucketGuard = shm::Guard<Bucket>;

void set_scene(Runtime& rt, Bucket& b, Cell& c, Branch& about, Message& m, Work& w) {
    restore(*copy(*c.request, m.arena), m);
    m.target.uri = m.arena.copy(uri_of(about));
    m.target.flags = about.flag_bits;
    w.cell = &c;
    w.bucket = &b;
    w.branch = &about;
    if (!about.has(Branch::blind)) w.branch_index = about.index;
    w.code = about.status;
    w.from_pick = true;
    w.used_uri = m.target.uri;
    m.uri_consumed = true;
    m.flags = flags_of(rt, c, about);
}

void keep_scene(Runtime& rt, Bucket& b, Cell& c, Message& m) {
    const BucketGuard guard(b);
    keep_flags(rt, c, work_for(rt, m).branch, m);
    (void)keep_script_state(rt, c, m);
}

namespace {

/// Sets the scene for failure_route; `none` when there is no route to run.
RouteId enter(Runtime& rt, Bucket& b, Cell& c, Message& m, Work& w) {
    const BucketGuard guard(b);
    const Pick p = pick(c, rt.policy);
    c.owner = rt.process();
    if (p.branch == nullptr || !c.request) return RouteId::none;
    const RouteId route = p.branch->on_failure;
    p.branch->on_failure = RouteId::none;  // armed for one step
    c.on_failure = RouteId::none;
    if (route != RouteId::none) c.set(Cell::noisy);  // whoever armed it wants to hear of the end
    set_scene(rt, b, c, *p.branch, m, w);
    w.code = p.code;
    if (!rt.options.uri_of_winner) w.used_uri = m.target.uri = m.arena.copy(uri_of(*c.branches));
    return route;
}

/// Sets the scene for the branch-failure route of a branch that asks for it; `none`: none does.
RouteId enter_branch(Runtime& rt, Bucket& b, Cell& c, Message& m, Work& w) {
    const BucketGuard guard(b);
    c.owner = rt.process();
    Branch* const asking = c.asking();
    if (asking == nullptr || !c.request || c.has(Cell::final_sent)) return RouteId::none;
    asking->clear(Branch::asks);
    set_scene(rt, b, c, *asking, m, w);
    w.in_branch_failure = true;
    return asking->on_branch_failure;
}

/// Runs the route of each branch that failed by itself; a new branch is of the same step. False
/// when others are still open, so that there is nothing to choose yet.
bool run_branch_failures(Runtime& rt, Bucket& b, Cell& c) {
    for (bool more = true; more;) {
        Message& m = rt.core->borrow_message();
        Work& w = work_for(rt, m);
        const RouteId route = enter_branch(rt, b, c, m, w);
        more = route != RouteId::none;
        if (more) {
            load_variables(b, c, m);
            m.route_type = Route::failure | Route::branch_failure;  // it has the rights of both
            (void)rt.core->script().run(route, m);
            keep_scene(rt, b, c, m);
        }
        m.slots[rt.slot] = 0;
        rt.core->give_back(m);
    }
    Outgoing out(rt.outbox, rt.core->net());
    bool complete = false;
    {
        const BucketGuard guard(b);
        complete = branches_asked(c);
        if (complete) {
            note_failed(rt, c, out);
        } else {
            c.owner = kNobody;
        }
        rest(rt, c);
    }
    out.send();
    return complete;
}

/// Asks the module that relayed this step what to do; null: nothing, or there is none.
std::optional<bool> ask_step(Runtime& rt, Bucket& b, Cell& c) {
    Message& m = rt.core->borrow_message();
    std::optional<bool> again;
    if (run_step(rt, b, c, m) == StepResult::gone_on) again = end_choice(rt, b, c, m, true);
    m.slots[rt.slot] = 0;
    rt.core->give_back(m);
    return again;
}

/// True when there is another choice to make.
bool run_failure_route(Runtime& rt, Bucket& b, Cell& c) {
    Message& m = rt.core->borrow_message();
    Work& w = work_for(rt, m);
    const RouteId route = enter(rt, b, c, m, w);
    if (route != RouteId::none) {
        load_variables(b, c, m);
        m.route_type = Route::failure;
        (void)rt.core->script().run(route, m);
        keep_scene(rt, b, c, m);
    }
    const bool again = end_choice(rt, b, c, m, route != RouteId::none);
    m.slots[rt.slot] = 0;
    rt.core->give_back(m);
    return again;
}

/// Once in a process: such a script does it with every request.
void warn_forgotten(Runtime& rt) {
    rt.counts.forgotten.add();
    if (rt.warned_forgotten) return;
    rt.warned_forgotten = true;
    LOG(warning,
        "the script made a transaction and neither answered, relayed nor released it "
        "(statistic tm:forgotten counts on)");
}

}  // namespace

std::uint32_t flags_of(const Runtime& rt, const Cell& c, const Branch& b) noexcept {
    const std::uint32_t mask = rt.options.branch_flag_mask;
    return (c.flag_bits & ~mask) | (b.masked_bits & mask);
}

void keep_flags(const Runtime& rt, const Cell& c, Branch* b, Message& m) noexcept {
    const std::uint32_t mask = rt.options.branch_flag_mask;
    if (b != nullptr) b->masked_bits = m.flags & mask;
    m.flags = (m.flags & ~mask) | (c.flag_bits & mask);
}

void load_script_state(Bucket& b, const Cell& c, Message& m) {
    {
        const BucketGuard guard(b);
        m.flags = c.flag_bits;
    }
    load_variables(b, c, m);
}

void load_variables(Bucket& b, const Cell& c, Message& m) {
    const BucketGuard guard(b);
    if (c.avps) (void)m.load_kept(c.avps.view());
}

bool end_choice(Runtime& rt, Bucket& b, Cell& c, Message& m, bool ran) {
    Outgoing out(rt.outbox, rt.core->net());
    bool again = false;
    Wanted wanted;
    {
        const BucketGuard guard(b);
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        if (ran) (void)keep_script_state(rt, c, m);
        c.owner = kNobody;
        if (c.waiting) {
            wanted = leave_suspended(rt, c, m, turn);
        } else {
            const Work* const w = work_of(rt, m);
            const int mode = w != nullptr ? w->drop_replies : kByParameter;
            if (mode == 2) drop_step(c);
            const Pick p = pick(c, rt.policy);
            chosen(c, p.branch, p.code, turn, mode);
        }
        again = perform(rt, c, actions, {}, out);
        rest(rt, c);
    }
    out.send();
    if (wanted.now) (void)resume(rt, wanted.token, wanted.route, nullptr);
    return again;
}

void run_choice(Runtime& rt, Bucket& b, Cell& c) {
    for (bool again = true; again;) {
        bool asked = false;
        {
            const BucketGuard guard(b);
            asked = c.asking() != nullptr;
        }
        if (asked && !run_branch_failures(rt, b, c)) return;
        const std::optional<bool> gone_on = ask_step(rt, b, c);
        again = gone_on ? *gone_on : run_failure_route(rt, b, c);
    }
}

/// The request's script has ended; true when it did nothing with its transaction.
static bool leave(Runtime& rt, Message& m, Work& w) {
    Outgoing out(rt.outbox, rt.core->net());
    bool forgotten = false, choose = false;
    Wanted wanted;
    {
        const BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        c.clear(Cell::in_route);
        c.route_owner = kNobody;
        (void)keep_script_state(rt, c, m);
        const bool idle =
            !c.branches && !c.has(Cell::final_sent) && !c.has(Cell::released) && !c.waiting;
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        if (c.waiting) wanted = leave_suspended(rt, c, m, turn);
        if (w.resumed && !c.waiting) {
            holder_ended(c, turn);
            if (!c.reply || c.branch_count != 0) give_up(c, turn);
        }
        forgotten = idle && !c.reply && !w.resumed;
        if (forgotten) release(c, turn);
        if (idle && !forgotten) await_reply(c, turn);
        choose = perform(rt, c, actions, {}, out);
        rest(rt, c);
    }
    out.send();
    if (choose) run_choice(rt, *w.bucket, *w.cell);
    if (wanted.now) (void)resume(rt, wanted.token, wanted.route, nullptr);
    return forgotten;
}

void script_done(Runtime& rt, Message& m, const RouteResult& result) {
    Work* const w = work_of(rt, m);
    if (w == nullptr) return;
    if (w->cell != nullptr && w->made_here) {
        if (result.threw) w->failed = ScriptError::unspecified;
        if (w->failed != ScriptError::none && !w->no_error_reply) {
            const ErrorReply error = error_reply(w->failed);
            const auto n = fmt::format_int(-static_cast<int>(w->failed));
            const std::string_view reason =
                m.arena.concat({error.reason, " (", {n.data(), n.size()}, "/TM)"});
            bool open = false;
            {
                const BucketGuard guard(*w->bucket);
                open = w->cell->has(Cell::final_sent) || w->cell->has(Cell::choosing) ||
                       w->cell->waiting || w->cell->open_branches() != 0;
            }
            if (!open) (void)reply(rt, m, *w, error.code, reason);
        }
        const bool forgotten = leave(rt, m, *w);
        if (forgotten) warn_forgotten(rt);
    }
    unbind(rt, *w);
    m.slots[rt.slot] = 0;
}

}  // namespace fairlead::tm
