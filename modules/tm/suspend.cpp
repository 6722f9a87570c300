// Suspended transactions: suspending, waking and going on. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/suspend.h"

#include <algorithm>
#include <exception>

#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/held_replies.h"
#include "modules/tm/lookup.h"
#include "modules/tm/perform.h"
#include "modules/tm/replies.h"
#include "modules/tm/responses.h"
#include "modules/tm/routes.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;
constexpr Ms kLongest{Ms::rep{24} * 24 * 3600 * 1000};  // half of what Due can count
constexpr Due kAgain = 10;  // ms until a wake-up that was refused is tried again

Due after(const Cell& c, Ms now, Ms delay) noexcept {
    const Ms bounded = std::clamp(delay, Ms(0), kLongest);
    return c.at(now) + static_cast<Due>(bounded.count());
}

/// The message's own transaction, made when there is none; `none`: there is one to suspend.
std::expected<void, ScriptError> find_cell(Runtime& rt, Message& m, Work& w) {
    if (w.cell == nullptr && m.route_type == Route::request && m.is_request()) {
        Outgoing out(rt.outbox, rt.core->net());
        const int made = new_transaction(rt, m, w, false, out);
        out.send();
        if (made == 0) return std::unexpected(ScriptError::none);
        if (made < 0) return std::unexpected(static_cast<ScriptError>(made));
    }
    const bool in_request = w.made_here && m.route_type == Route::request;
    const bool in_failure = w.from_pick && !w.in_step && m.route_type == Route::failure;
    if (w.cell == nullptr || (!in_request && !in_failure))
        return std::unexpected(ScriptError::script);
    return {};
}

/// Blocks for a suspension, in the hand of this process.
struct Blocks {
    Suspension* suspension = nullptr;
    Branch* blind = nullptr;
};

bool fill(Runtime& rt, Blocks& b, const Message& m, const Work& w, const Suspend& how,
          std::string_view way) {
    b.suspension = rt.memory().make<Suspension>(rt.tags.suspension, shm::Hold::in_hand);
    b.blind = rt.memory().make<Branch>(rt.tags.branch, shm::Hold::in_hand);
    if (b.suspension == nullptr || b.blind == nullptr) return false;
    Suspension& s = *b.suspension;
    s.waker = how.waker;
    s.param = how.param;
    b.blind->index = UINT8_MAX;
    constexpr shm::Hold kHold = shm::Hold::in_hand;  // should this process die, all of it is freed
    return store_state(rt, s, m, w, kHold) &&
           replace(rt, s.luggage, how.luggage, rt.tags.suspension, kHold) &&
           replace(rt, s.way, way, rt.tags.suspension, kHold);
}

void publish(Runtime& rt, Suspension& s) noexcept {
    if (s.request) rt.memory().publish(s.request.get());
    publish(rt, s.state);
    publish(rt, s.luggage);
    publish(rt, s.way);
    rt.memory().publish(&s);
}

void free_blocks(Runtime& rt, Suspension* s, Branch* blind) noexcept {
    rt.memory().free(blind);
    if (s == nullptr) return;
    rt.memory().free(s->request.get());
    drop(rt, s->state);
    drop(rt, s->luggage);
    drop(rt, s->way);
    rt.memory().free(s);
}

std::expected<SuspendToken, ScriptError> begin_waiting(Runtime& rt, Message& m, Work& w,
                                                       const Suspend& how, Blocks& blocks) {
    const BucketGuard guard(*w.bucket);
    Cell& c = *w.cell;
    if (c.has(Cell::cancelled)) return std::unexpected(ScriptError::cancelled);
    if (c.has(Cell::final_sent) || c.has(Cell::released))
        return std::unexpected(ScriptError::unspecified);
    if (c.waiting) return std::unexpected(ScriptError::script);
    if (c.suspension || c.blind) free_suspension(rt, c);
    (void)keep_script_state(rt, c, m);
    publish(rt, *blocks.suspension);
    rt.memory().publish(blocks.blind);
    c.suspension = blocks.suspension;
    c.blind = blocks.blind;
    blocks = {};
    const Ms now = rt.now();
    const bool wakes = how.wake >= Ms(0);
    const Ms most = how.until > Ms(0) ? how.until : Ms(c.fr) + (wakes ? how.wake : Ms(0));
    Actions actions;
    Turn turn{now, rt.policy, actions};
    suspend(c, w.from_pick, after(c, now, most), wakes ? after(c, now, how.wake) : kNever, turn);
    rt.counts.suspended.add();
    rest(rt, c);
    return SuspendToken{c.slot, c.label, c.ticket};
}

Resumed answer_of(const Cell& c) noexcept {
    switch (c.outcome) {
        case Outcome::final: return Resumed::final;
        case Outcome::cancelled: return Resumed::cancelled;
        case Outcome::expired: return Resumed::expired;
        default: return Resumed::stale;
    }
}

/// A script that goes on: what it needs, copied into the message's arena under the lock.
struct Scene {
    Cell* cell = nullptr;
    Bucket* bucket = nullptr;
    const StoredRequest* request = nullptr;
    std::string_view state, luggage, way;
    bool in_choice = false;
    bool is_reply = false;  ///< the token is that of a held reply: all else is empty
};

std::optional<Resumed> take_up(Runtime& rt, const SuspendToken& t, RouteId route, Message& m,
                               Scene& scene) {
    Bucket& b = rt.table.bucket(t.slot);
    const BucketGuard guard(b);
    Cell* const c = Table::find(b, t.label);
    if (c == nullptr || t.ticket == 0) return Resumed::stale;
    scene.is_reply = held_at(*c, t.ticket) != nullptr;
    if (scene.is_reply || c->ticket != t.ticket) return Resumed::stale;
    if (!c->waiting) return answer_of(*c);
    Suspension& s = *c->suspension;
    if (c->holder_runs) {
        if (s.wanted) return Resumed::stale;
        s.wanted = true;
        s.wanted_route = route;
        return Resumed::resumed;
    }
    const StoredRequest* const request = s.request ? s.request.get() : c->request.get();
    // Without room for one more protected object it waits on: it is woken again, or expires.
    if (request == nullptr || !rt.core->hazards().protect(rt.process(), c)) return Resumed::stale;
    scene = {.cell = c,
             .bucket = &b,
             .request = copy(*request, m.arena),
             .state = m.arena.copy(s.state.view()),
             .luggage = m.arena.copy(s.luggage.view()),
             .way = m.arena.copy(s.way.view()),
             .in_choice = c->in_choice};
    (void)take_up(*c);
    (c->in_choice ? c->owner : c->route_owner) = rt.process();
    rest(rt, *c);
    return std::nullopt;
}

void unpack(Unpacker* unpacker, Message& m, std::string_view luggage) noexcept {
    if (unpacker == nullptr) return;
    try {
        unpacker->unpack(m, luggage);
    } catch (const std::exception& e) {
        LOG(error, "what a suspended script had with it could not be unpacked: {}", e.what());
    }
}

/// Runs what follows and ends the script as its first part would have ended.
void go_on(Runtime& rt, Message& m, const Scene& scene, RouteId route, Unpacker* unpacker) {
    restore(*scene.request, m);
    Work& w = work_for(rt, m);
    w.cell = scene.cell;
    w.bucket = scene.bucket;
    w.resumed = true;
    w.made_here = !scene.in_choice;
    w.from_pick = scene.in_choice;
    m.is_owned = true;
    {
        const BucketGuard guard(*scene.bucket);
        load_state(scene.state, m, w);
    }
    load_script_state(*scene.bucket, *scene.cell, m);
    m.route_type = scene.in_choice ? Route::failure : Route::request;
    unpack(unpacker, m, scene.luggage);
    Script& script = rt.core->script();
    const RouteResult result =
        route != RouteId::none ? script.run(route, m) : script.resume(scene.way, m);
    if (!scene.in_choice) return script_done(rt, m, result);
    if (end_choice(rt, *scene.bucket, *scene.cell, m, true))
        run_choice(rt, *scene.bucket, *scene.cell);
    rt.core->hazards().release(rt.process(), scene.cell);
    m.slots[rt.slot] = 0;
}

}  // namespace

std::expected<SuspendToken, ScriptError> suspend(Runtime& rt, Message& m, const Suspend& how) {
    if (m.route_type == Route::tm_reply) {
        // A reply waits for who has its token; it does not wake by itself, and has no way back.
        const bool plain = !how.keep_way && how.luggage.empty() && how.wake < Ms(0);
        return plain
                   ? hold_reply(rt, m, work_for(rt, m))
                   : std::expected<SuspendToken, ScriptError>(std::unexpected(ScriptError::script));
    }
    std::string_view way;
    if (how.keep_way) {
        way = rt.core->script().way_back(m);
        if (way.empty()) return std::unexpected(ScriptError::script);
    }
    Work& w = work_for(rt, m);
    if (const auto found = find_cell(rt, m, w); !found) return std::unexpected(found.error());
    if (m.route_type == Route::request && m.sip.method() == sip::Method::invite) {
        Outgoing out(rt.outbox, rt.core->net());
        add_trying(rt, m, w, out);
        out.send();
    }
    Blocks blocks;
    auto result = fill(rt, blocks, m, w, how, way) ? begin_waiting(rt, m, w, how, blocks)
                                                   : std::unexpected(ScriptError::out_of_memory);
    free_blocks(rt, blocks.suspension, blocks.blind);
    if (!result && result.error() == ScriptError::out_of_memory) rt.counts.memory_failures.add();
    return result;
}

Resumed resume(Runtime& rt, const SuspendToken& token, RouteId route, Unpacker* unpacker) {
    if (token.slot >= rt.table.size()) return Resumed::stale;
    Message& m = rt.core->borrow_message();
    Scene scene;
    const auto answer = take_up(rt, token, route, m, scene);
    if (!answer) go_on(rt, m, scene, route, unpacker);
    rt.core->give_back(m);
    return scene.is_reply ? resume_reply(rt, token, route) : answer.value_or(Resumed::resumed);
}

void wake(Runtime& rt, const WakeCall& call) noexcept {
    const auto index = static_cast<std::size_t>(call.waker);
    bool done = false;
    try {
        done = index < rt.wakers.size() && rt.wakers[index]->wake(call.token, call.param);
    } catch (const std::exception& e) {
        LOG(error, "a waker of suspended transactions threw: {}", e.what());
    }
    if (done) return;
    Bucket& b = rt.table.bucket(call.token.slot);
    const BucketGuard guard(b);
    Cell* const c = Table::find(b, call.token.label);
    if (c == nullptr || !c->waiting || c->ticket != call.token.ticket) return;
    c->wake_at = c->at(rt.now()) + kAgain;
    rest(rt, *c);
}

Wanted leave_suspended(Runtime& rt, Cell& c, const Message& m, Turn& turn) {
    const Work* const w = work_of(rt, m);
    Suspension& s = *c.suspension;
    // Without memory it goes on with what it had when it was suspended.
    if (w != nullptr && !store_state(rt, s, m, *w)) rt.counts.memory_failures.add();
    const Wanted wanted{s.wanted, {c.slot, c.label, c.ticket}, s.wanted_route};
    s.wanted = false;
    holder_ended(c, turn);
    return wanted;
}

void note_wake(const Cell& c, Outgoing& out) {
    if (!c.suspension || !c.waiting) return;
    Event event;
    event.wake = out.arena().make<WakeCall>(
        WakeCall{{c.slot, c.label, c.ticket}, c.suspension->waker, c.suspension->param});
    out.add_event(event);
}

void free_suspension(Runtime& rt, Cell& c) noexcept {
    Suspension* const s = c.suspension.get();
    Branch* const blind = c.blind.get();
    if (s != nullptr) rt.counts.unsuspended.add();
    c.suspension = nullptr;
    c.blind = nullptr;
    free_blocks(rt, s, blind);
}

// ---- SuspendApi ---------------------------------------------------------------------------------

WakerId Tm::on_wake(Waker& waker) {
    rt_.wakers.push_back(&waker);
    return static_cast<WakerId>(rt_.wakers.size() - 1);
}

std::expected<SuspendToken, ScriptError> Tm::suspend(Message& m, const Suspend& how) {
    return tm::suspend(rt_, m, how);
}

bool Tm::cancel_suspend(Message& m, const SuspendToken& token) {
    Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return false;
    if (w->holds) return let_go(rt_, *w, token);
    const BucketGuard guard(*w->bucket);
    Cell& c = *w->cell;
    const bool own = c.waiting && c.holder_runs && token == SuspendToken{c.slot, c.label, c.ticket};
    if (own && !c.suspension->wanted) {
        withdraw(c);
        rest(rt_, c);
        return true;
    }
    return false;
}

Resumed Tm::resume(const SuspendToken& token, RouteId route, Unpacker* unpacker) {
    return tm::resume(rt_, token, route, unpacker);
}

SuspendToken Tm::waiting(std::uint32_t slot, std::uint32_t label) {
    if (slot >= rt_.table.size()) return {};
    Bucket& b = rt_.table.bucket(slot);
    const BucketGuard guard(b);
    const Cell* const c = Table::find(b, label);
    if (c == nullptr) return {};
    if (c->waiting) return {slot, label, c->ticket};
    const Branch* const at = held_at(*c, 0);
    return at != nullptr ? SuspendToken{slot, label, at->held->ticket} : SuspendToken{};
}

std::int64_t Tm::suspended() const noexcept {
    const shm::Counters& counters = rt_.core->counters();
    return counters.sum(rt_.counts.suspended) - counters.sum(rt_.counts.unsuspended);
}

}  // namespace fairlead::tm
