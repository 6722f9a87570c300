// The life of a whole transaction: what happens to it, and what is to be done about it.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/steps.h"

#include <algorithm>

#include "modules/tm/itinerary.h"

namespace fairlead::tm {
namespace {

/// What the server machine says to an event, with its state moved on.
Do serve(Cell& c, ServerInviteEvent e) noexcept {
    const auto s = step(c.invite_state(), e);
    c.state = static_cast<std::uint8_t>(s.next);
    return s.actions;
}
Do serve(Cell& c, ServerEvent e) noexcept {
    const auto s = step(c.server_state(), e);
    c.state = static_cast<std::uint8_t>(s.next);
    return s.actions;
}
Do move(Branch& b, ClientInviteEvent e) noexcept {
    const auto s = step(b.invite_state(), e);
    b.state = static_cast<std::uint8_t>(s.next);
    return s.actions;
}
Do move(Branch& b, ClientEvent e) noexcept {
    const auto s = step(b.client_state(), e);
    b.state = static_cast<std::uint8_t>(s.next);
    return s.actions;
}

/// A suspension ends.
void stop_waiting(Cell& c, Outcome outcome) noexcept {
    c.waiting = false;
    c.outcome = outcome;
    c.suspended_until = c.wake_at = kNever;
}
/// … because the transaction is over.
void dissolve(Cell& c, Outcome outcome) noexcept {
    if (!c.waiting) return;
    stop_waiting(c, outcome);
    if (!c.in_choice || c.holder_runs) return;
    c.clear(Cell::choosing);
    c.clear(Cell::again);
}

void terminate(Cell& c) noexcept {
    c.state =
        static_cast<std::uint8_t>(c.is_invite() ? static_cast<int>(ServerInviteState::terminated)
                                                : static_cast<int>(ServerState::terminated));
}

/// Timers D, I, J and K are for what unreliable transports may bring once more (RFC 3261 17): none
/// of them runs when there is no such transport on either side.
std::uint32_t wait_time(const Cell& c, const Policy& policy) noexcept {
    if (!c.is_ours() && !is_reliable(c.upstream.proto)) return policy.wait;
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        if (!is_reliable(b->target.proto)) return policy.wait;
    return 0;
}

/// The end of a request of our own: nobody repeats it, nobody acknowledges our replies to it. What
/// is left is to wait for late replies.
void finish_own(Cell& c, Turn& t) noexcept {
    c.retransmit_at = kNever;
    if (!c.is_invite() || c.status < 300) return;
    c.state = static_cast<std::uint8_t>(ServerInviteState::confirmed);
    c.end_at = c.at(t.now) + wait_time(c, t.policy);  // Timer D
}

/// A final reply goes upstream: the machine's state and the timers that follow.
void finish(Cell& c, int code, bool local, Turn& t) noexcept {
    dissolve(c, Outcome::final);
    const Do todo = c.is_invite() ? serve(c, code < 300 ? ServerInviteEvent::success
                                                        : ServerInviteEvent::failure)
                                  : serve(c, ServerEvent::final);
    if (c.has(Cell::final_sent)) return;
    const Due now = c.at(t.now);
    c.set(Cell::final_sent);
    c.clear(Cell::released);
    if (local) c.set(Cell::local_final);
    c.status = static_cast<std::uint16_t>(code);
    c.retransmit_at = kNever;
    if (has(todo, Do::start_wait)) {
        c.end_at = now + (c.is_invite() ? t.policy.t1_64() : wait_time(c, t.policy));  // L, J
    }
    if (has(todo, Do::start_timeout)) c.end_at = now + t.policy.t1_64();  // Timer H
    // RFC 3261 13.3.1.4: a 2xx made here is repeated on any transport, until its ACK.
    const bool own_success = c.is_invite() && code < 300 && local;
    if ((has(todo, Do::start_retransmit) && !is_reliable(c.upstream.proto)) || own_success) {
        c.interval = c.t1;
        c.retransmit_at = now + c.t1;
    }
    if (c.is_ours()) finish_own(c, t);
}

/// The set of branches may be complete: then one process, and only one, chooses.
void check_complete(Cell& c, Turn& t) noexcept {
    if (c.has(Cell::final_sent) || c.has(Cell::released) || !c.branches) return;
    if (c.waiting && !c.in_choice) return;  // more branches may come
    if (c.open_branches() != 0 && c.asking() == nullptr) return;
    if (c.has(Cell::choosing)) {
        c.set(Cell::again);
        return;
    }
    c.set(Cell::choosing);
    t.actions.add(Act::choose);
}

/// Something else happened than the first reply of a branch.
void forget_latest(Cell& c) noexcept {
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) b->clear(Branch::latest);
}

/// Who observes it is told, and its branch-failure route is to run.
void has_failed(Branch& b) noexcept {
    b.set(Branch::ended_badly);
    if (b.on_branch_failure != RouteId::none) b.set(Branch::asks);
}

void decide(Branch& b, int status, std::uint16_t flags) noexcept {
    b.status = static_cast<std::uint16_t>(status);
    b.flags = static_cast<std::uint16_t>(b.flags | Branch::decided | flags);
    b.retransmit_at = kNever;
    b.final_at = kNever;
    if (b.cancelling == CancelState::wanted) b.cancelling = CancelState::done;
    if (status >= 300 && (flags & (Branch::unsent | Branch::moved)) == 0) has_failed(b);
}

/// Whether its failure matters to nobody when there is another way to go.
bool may_go_on(const Cell& c, const Branch& b, const Turn& t) noexcept {
    if (!b.itinerary || b.cancelling != CancelState::none) return false;
    const bool over = c.has(Cell::cancelled) || c.has(Cell::final_sent) || c.has(Cell::released) ||
                      c.has(Cell::seen_6xx);
    return !over && c.at(t.now) < c.lifetime;
}

void go_on(Branch& b, int status, std::uint16_t flags, Act how, Turn& t) noexcept {
    decide(b, status, static_cast<std::uint16_t>(flags | Branch::moved | Branch::retired));
    t.actions.add(how, &b);
}

/// The place of the branch failed: the next one is tried (RFC 3263 4.3), or it was the last.
void place_failed(Cell& c, Branch& b, int status, std::uint16_t flags, Turn& t) noexcept {
    if (may_go_on(c, b, t) && b.itinerary->has_next())
        return go_on(b, status, flags, Act::try_next, t);
    decide(b, status, flags);
    check_complete(c, t);
}

/// Whether noisy_ctimer=0 lets this INVITE end without a word when its timer fires: with the only
/// callee ringing (or, in the way of later servers, when nobody ever said anything).
bool may_end_silently(const Cell& c, const Branch& b, const Policy& p) noexcept {
    return !p.noisy_ctimer && !c.has(Cell::noisy) && !c.has(Cell::cancelled) &&
           c.branch_count == 1 && b.on_failure == RouteId::none &&
           b.has(Branch::replied) != p.silent_when_unanswered;
}

void send_cancel(Cell& c, Branch& b, std::uint16_t reason, Turn& t) noexcept {
    const Due now = c.at(t.now);
    b.cancelling = CancelState::sent;
    b.retransmit_at = kNever;
    b.cancel_interval = c.t1;
    b.cancel_at = is_reliable(b.target.proto) ? kNever : now + c.t1;
    b.cancel_until = now + t.policy.t1_64();
    // RFC 3261 9.1: without a final reply for 64*T1 the branch counts as cancelled.
    b.final_at = std::min(b.final_at, b.cancel_until);
    t.actions.add(Act::send_cancel, &b, reason);
}

void final_failure(Cell& c, Branch& b, int code, Turn& t) noexcept {
    if (c.has(Cell::final_sent)) return decide(b, code, Branch::replied);
    t.actions.add(Act::keep_reply, &b, static_cast<std::uint16_t>(code));
    if (code == 503) return place_failed(c, b, code, Branch::replied, t);
    decide(b, code, Branch::replied);
    if (code >= 600 && !t.policy.disable_6xx_block && !c.has(Cell::disable_6xx)) {
        c.set(Cell::seen_6xx);
        cancel_open(c, static_cast<std::uint16_t>(code), t, &b);
    }
    check_complete(c, t);
}

void restart_final_timer(Cell& c, Branch& b, int code, int previous, bool first, Turn& t) noexcept {
    const bool progress = code >= 180 && code > previous;
    if (b.cancelling == CancelState::sent) return;
    if (first || progress || t.policy.restart_fr_on_each_reply)
        b.final_at = std::min(c.at(t.now) + c.fr_inv, c.lifetime);  // Timer C
}

void invite_provisional(Cell& c, Branch& b, int code, Turn& t) noexcept {
    if (!has(move(b, ClientInviteEvent::provisional), Do::pass)) return;
    if (b.has(Branch::decided)) {
        if (b.cancelling != CancelState::wanted) return;
        b.set(Branch::replied);
        send_cancel(c, b, b.cancel_code, t);
        b.final_at = kNever;  // nobody waits for it
        return;
    }
    const int previous = b.status;
    const bool first = !b.has(Branch::replied);
    b.set(Branch::replied);
    b.status = static_cast<std::uint16_t>(code);
    b.retransmit_at = kNever;
    if (b.cancelling == CancelState::wanted) return send_cancel(c, b, b.cancel_code, t);
    restart_final_timer(c, b, code, previous, first, t);
    if ((code == 100 && !t.policy.relay_100) || c.has(Cell::final_sent)) return;
    if (has(serve(c, ServerInviteEvent::provisional), Do::send)) {
        c.status = static_cast<std::uint16_t>(code);
        t.actions.add(Act::relay_reply, &b, static_cast<std::uint16_t>(code));
    }
}

void invite_success(Cell& c, Branch& b, int code, Turn& t) noexcept {
    if (!has(move(b, ClientInviteEvent::success), Do::pass)) return;
    decide(b, code, Branch::replied);
    b.clear(Branch::faked);
    b.clear(Branch::timed_out);
    // RFC 3261 16.7 step 10: any 2xx goes up at once, also behind another final reply.
    const bool first = !c.has(Cell::final_sent);
    finish(c, code, false, t);
    t.actions.add(first ? Act::relay_reply : Act::pass_reply, &b, static_cast<std::uint16_t>(code));
    cancel_open(c, 200, t, &b);
}

void invite_reply(Cell& c, Branch& b, int code, Turn& t) noexcept {
    if (code < 200) return invite_provisional(c, b, code, t);
    if (code < 300) return invite_success(c, b, code, t);
    const Do todo = move(b, ClientInviteEvent::failure);
    const bool first = has(todo, Do::pass);
    if (has(todo, Do::ack)) t.actions.add(first ? Act::send_ack : Act::resend_ack, &b);
    if (first && !b.has(Branch::decided)) final_failure(c, b, code, t);
}

void other_provisional(Cell& c, Branch& b, int code, Turn& t) noexcept {
    const Do todo = move(b, ClientEvent::provisional);
    if (!has(todo, Do::pass) || b.has(Branch::decided)) return;
    b.set(Branch::replied);
    b.status = static_cast<std::uint16_t>(code);
    if (has(todo, Do::slow_retransmit) && b.retransmit_at != kNever) {
        b.interval = c.t2;
        b.retransmit_at = c.at(t.now) + c.t2;
    }
    // RFC 4320 4.1: nothing but 100 goes up, and that not before it is of use.
    if ((t.policy.rfc4320 && !c.local) || (code == 100 && !t.policy.relay_100) ||
        c.has(Cell::final_sent))
        return;
    if (has(serve(c, ServerEvent::provisional), Do::send)) {
        c.status = static_cast<std::uint16_t>(code);
        t.actions.add(Act::relay_reply, &b, static_cast<std::uint16_t>(code));
    }
}

void other_reply(Cell& c, Branch& b, int code, Turn& t) noexcept {
    if (code < 200) return other_provisional(c, b, code, t);
    if (!has(move(b, ClientEvent::final), Do::pass) || b.has(Branch::decided)) return;
    if (code >= 300) return final_failure(c, b, code, t);
    decide(b, code, Branch::replied);
    if (c.has(Cell::final_sent)) return;
    finish(c, code, false, t);
    t.actions.add(Act::relay_reply, &b, static_cast<std::uint16_t>(code));
}

void branch_timeout(Cell& c, Branch& b, Turn& t) noexcept {
    forget_latest(c);
    if (c.is_invite()) {
        if (b.invite_state() == ClientInviteState::proceeding) {  // Timer C: RFC 3261 16.8
            if (!may_end_silently(c, b, t.policy)) cancel_branch(c, b, kNoReason, t);
        } else {
            (void)move(b, ClientInviteEvent::timer_b);
        }
    } else {
        (void)move(b, ClientEvent::timer_f);
    }
    constexpr std::uint16_t kHow = Branch::faked | Branch::timed_out;
    if (!b.has(Branch::replied)) return place_failed(c, b, 408, kHow, t);
    decide(b, 408, kHow);
    check_complete(c, t);
}

/// Ends a branch that nobody wants to wait for. Should it ring only now, it gets its CANCEL then
/// (RFC 3261 9.1).
void abandon(Cell& c, Branch& b, Turn& t) noexcept {
    if (!c.is_invite()) (void)move(b, ClientEvent::timer_f);
    cancel_branch(c, b, kNoReason, t);
    const CancelState cancelling = b.cancelling;
    decide(b, 408, Branch::faked | Branch::timed_out);
    b.cancelling = cancelling;
}

/// The time of a step is over (StepsApi).
void step_time(Cell& c, Turn& t) noexcept {
    PendingStep* const step = c.step.get();
    if (step == nullptr || step->until > c.at(t.now)) return;
    step->until = kNever;
    if (c.has(Cell::final_sent) || c.open_branches() == 0) return;
    step->timed_out = true;
    forget_latest(c);
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        if (!b->has(Branch::decided)) abandon(c, *b, t);
    check_complete(c, t);
}

/// How long after this retransmission the next one is due.
std::uint32_t next_interval(const Cell& c, Branch& b, const Policy& policy) noexcept {
    if (policy.second != 0) {
        b.resent = static_cast<std::uint8_t>(std::min(b.resent + 1, 3));
        return b.resent == 1 ? policy.second : b.resent == 2 ? policy.third : c.t2;
    }
    // RFC 3261 17.1.1.2 lets Timer A grow without bound, 17.1.2.2 stops Timer E at T2.
    const std::uint32_t next = 2 * b.interval;
    return !c.is_invite() || policy.cap_invite_interval ? std::min(next, c.t2) : next;
}

void branch_retransmit(Cell& c, Branch& b, Turn& t) noexcept {
    const Do todo =
        c.is_invite() ? move(b, ClientInviteEvent::timer_a) : move(b, ClientEvent::timer_e);
    if (!has(todo, Do::resend)) {
        b.retransmit_at = kNever;
        return;
    }
    t.actions.add(Act::resend_request, &b);
    b.interval = next_interval(c, b, t.policy);
    if (has(todo, Do::slow_retransmit)) b.interval = c.t2;
    b.retransmit_at = c.at(t.now) + b.interval;
}

void cancel_time(Cell& c, Branch& b, Turn& t) noexcept {
    const Due now = c.at(t.now);
    if (b.cancel_until <= now) {
        b.cancelling = CancelState::done;
        b.cancel_at = b.cancel_until = kNever;
    } else if (b.cancel_at <= now) {
        t.actions.add(Act::resend_cancel, &b);
        b.cancel_interval = std::min(b.cancel_interval * 2, c.t2);
        b.cancel_at = now + b.cancel_interval;
    }
}

void server_retransmit(Cell& c, Turn& t) noexcept {
    c.retransmit_at = kNever;
    if (!c.is_invite()) {  // RFC 4320 4.1: the 100 that keeps the client from repeating itself
        if (c.has(Cell::final_sent) || c.server_state() != ServerState::trying) return;
        (void)serve(c, ServerEvent::provisional);
        c.status = 100;
        t.actions.add(Act::send_trying);
        return;
    }
    if (!has(serve(c, ServerInviteEvent::timer_g), Do::resend)) return;
    t.actions.add(Act::resend_reply);
    c.interval = std::min(c.interval * 2, c.t2);
    c.retransmit_at = c.at(t.now) + c.interval;
}

void server_end(Cell& c, Turn& t) noexcept {
    c.end_at = kNever;
    if (!c.has(Cell::final_sent) && !c.has(Cell::released)) return give_up(c, t);
    Do todo = Do::none;
    if (c.has(Cell::released)) {
        terminate(c);
        todo = Do::stop_retransmit;
    } else if (!c.is_invite()) {
        todo = serve(c, ServerEvent::timer_j) | Do::stop_retransmit;
    } else {
        const ServerInviteState s = c.invite_state();
        todo = serve(c, s == ServerInviteState::completed   ? ServerInviteEvent::timer_h
                        : s == ServerInviteState::confirmed ? ServerInviteEvent::timer_i
                                                            : ServerInviteEvent::timer_l);
    }
    if (has(todo, Do::stop_retransmit)) c.retransmit_at = kNever;
}

/// The conditions under which nothing is sent upstream: RFC 4320's, and those of noisy_ctimer=0.
bool is_silent(const Cell& c, const Branch& b, const Policy& p) noexcept {
    if (c.local) return false;
    if (!c.is_invite()) return p.rfc4320 && b.status == 408;  // RFC 4320 4.2
    return b.has(Branch::timed_out) && may_end_silently(c, b, p);
}

void retire(Cell& c, int mode, std::uint16_t step) noexcept {
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        const bool old = b->serial <= step;
        if ((mode == 2 && b->serial == step) || ((mode == 1 || mode == 3) && old))
            b->set(Branch::retired);
    }
}

/// RFC 4320 4.1: 100 is due when the client's Timer E reaches T2.
void arm_trying(Cell& c, Turn& t) noexcept {
    if (!c.is_invite() && t.policy.rfc4320 && !c.is_ours() && c.retransmit_at == kNever &&
        c.server_state() == ServerState::trying)
        c.retransmit_at = c.at(t.now) + 7 * c.t1;
}

void answer(Cell& c, int code, Phrase phrase, Turn& t) noexcept {
    finish(c, code, true, t);
    t.actions.add(Act::reply_local, nullptr, static_cast<std::uint16_t>(code), phrase);
}

/// Nobody resumed it in time.
void expire(Cell& c, Turn& t) noexcept {
    stop_waiting(c, Outcome::expired);
    if (c.in_choice) return t.actions.add(Act::conclude);
    Branch* const blind = c.blind.get();
    if (blind == nullptr) return answer(c, 408, Phrase::standard, t);
    blind->serial = c.serial;
    blind->on_failure = c.on_failure;
    decide(*blind, 408, Branch::faked | Branch::timed_out | Branch::blind);
    c.end_of_branches() = blind;
    c.blind = nullptr;
    check_complete(c, t);
}

void suspension_time(Cell& c, Turn& t) noexcept {
    constexpr Due kWakeAgain = 1000;  // who was woken may have died
    if (!c.waiting || c.holder_runs) return;
    const Due now = c.at(t.now);
    if (c.suspended_until <= now) return expire(c, t);
    if (c.wake_at > now) return;
    t.actions.add(Act::wake);
    c.wake_at = now + kWakeAgain;
}

}  // namespace

void suspend(Cell& c, bool in_choice, Due until, Due wake, Turn& t) noexcept {
    const Due now = c.at(t.now);
    ++c.ticket;
    c.outcome = Outcome::none;
    c.waiting = c.holder_runs = true;
    c.in_choice = in_choice;
    c.suspended_until = until;
    c.wake_at = wake;
    // Its lifetime is for what it does, not for its sleep.
    const Due pause = until > now ? until - now : 0;
    c.lifetime = c.lifetime < kNever - pause ? c.lifetime + pause : kNever - 1;
    arm_trying(c, t);
}

bool take_up(Cell& c) noexcept {
    if (!c.waiting || c.holder_runs) return false;
    stop_waiting(c, Outcome::resumed);
    if (!c.in_choice) c.set(Cell::in_route);
    return true;
}

void withdraw(Cell& c) noexcept {
    if (c.waiting) stop_waiting(c, Outcome::withdrawn);
}

void script_died(Cell& c, bool chose, Turn& t) noexcept {
    c.owner = c.route_owner = kNobody;
    c.clear(Cell::in_route);
    if (c.waiting && c.holder_runs) return holder_ended(c, t);
    // Branches whose own routes have not run go without; when others are open, nothing is over.
    if (chose && !branches_asked(c)) return;
    if (chose) return t.actions.add(Act::conclude);
    give_up(c, t);
}

void holder_ended(Cell& c, Turn& t) noexcept {
    c.holder_runs = false;
    if (!c.waiting) check_complete(c, t);
    suspension_time(c, t);
}

void begin(Cell& c, const Policy& p) noexcept {
    c.t1 = p.t1;
    c.t2 = p.t2;
    c.fr = p.fr;
    c.fr_inv = p.fr_inv;
    c.lifetime = c.is_invite() ? p.max_invite : p.max_other;
}

void request_again(const Cell& c, Turn& t) noexcept {
    const Do todo = c.is_invite() ? step(c.invite_state(), ServerInviteEvent::request).actions
                                  : step(c.server_state(), ServerEvent::request).actions;
    if (!has(todo, Do::resend)) return;
    if (c.reply) {
        t.actions.add(Act::resend_reply);
    } else if (c.has(Cell::trying_sent) && !c.has(Cell::final_sent)) {
        t.actions.add(Act::send_trying);
    }
}

bool ack_received(Cell& c, Turn& t) noexcept {
    if (!c.is_invite()) return false;
    const Do todo = serve(c, ServerInviteEvent::ack);
    if (has(todo, Do::stop_retransmit)) c.retransmit_at = kNever;
    if (has(todo, Do::start_wait)) c.end_at = c.at(t.now) + wait_time(c, t.policy);  // Timer I
    if (has(todo, Do::pass)) return c.has(Cell::local_final);
    return c.has(Cell::final_sent);
}

bool local_reply(Cell& c, int code, Turn& t) noexcept {
    if (c.has(Cell::final_sent)) return false;
    if (code < 200) {
        (void)(c.is_invite() ? serve(c, ServerInviteEvent::provisional)
                             : serve(c, ServerEvent::provisional));
        c.status = static_cast<std::uint16_t>(code);
        return true;
    }
    finish(c, code, true, t);
    cancel_open(c, static_cast<std::uint16_t>(code), t);
    return true;
}

void branch_started(Cell& c, Branch& b, Turn& t) noexcept {
    const Due now = c.at(t.now);
    b.interval = c.t1;
    b.retransmit_at = is_reliable(b.target.proto) ? kNever : now + c.t1;
    b.final_at = std::min(now + c.fr, c.lifetime);
    arm_trying(c, t);
}

void branch_unsent(Cell& c, Branch& b) noexcept {
    (void)(c.is_invite() ? move(b, ClientInviteEvent::transport_error)
                         : move(b, ClientEvent::transport_error));
    decide(b, 503, Branch::faked | Branch::unsent);
}

void reply_received(Cell& c, Branch& b, int code, Turn& t) noexcept {
    forget_latest(c);
    if (!b.has(Branch::replied)) b.set(Branch::latest);
    return c.is_invite() ? invite_reply(c, b, code, t) : other_reply(c, b, code, t);
}

void cancel_answered(Branch& b, int code) noexcept {
    if (code < 200 || b.cancelling != CancelState::sent) return;
    b.cancelling = CancelState::done;
    b.cancel_at = b.cancel_until = kNever;
}

void cancel_branch(Cell& c, Branch& b, std::uint16_t reason, Turn& t) noexcept {
    if (!c.is_invite() || b.has(Branch::decided)) return;
    if (b.cancelling != CancelState::none) return;
    if (b.has(Branch::outside) || b.has(Branch::waits))
        return decide(b, 487, Branch::faked);  // nobody to tell
    if (b.has(Branch::replied) || t.policy.cancel_b_method == 2)
        return send_cancel(c, b, reason, t);
    if (t.policy.cancel_b_method == 0) {
        decide(b, 487, Branch::faked);
    } else {
        // RFC 3261 9.1: a CANCEL may go out only when a provisional reply has come.
        b.cancelling = CancelState::wanted;
        b.cancel_code = reason == kReasonOfCancel ? kNoReason : reason;
    }
}

void cancel_open(Cell& c, std::uint16_t reason, Turn& t, const Branch* except) noexcept {
    if (!c.is_invite()) return;
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        if (b != except) cancel_branch(c, *b, reason, t);
}

bool cancel_received(Cell& c, Turn& t) noexcept {
    if (!c.is_invite()) return false;
    c.set(Cell::cancelled);
    dissolve(c, Outcome::cancelled);
    if (c.has(Cell::final_sent) || c.has(Cell::released)) return false;
    if (c.open_branches() == 0) {
        answer(c, 487, Phrase::request_canceled, t);
        return false;
    }
    cancel_open(c, kReasonOfCancel, t);
    check_complete(c, t);
    return true;
}

void send_failed(Cell& c, Branch& b, Turn& t) noexcept {
    if (b.has(Branch::decided)) return;
    const Do todo = c.is_invite() ? move(b, ClientInviteEvent::transport_error)
                                  : move(b, ClientEvent::transport_error);
    if (!has(todo, Do::end)) return;
    // RFC 3261 18.1.1: what is over TCP for its size only is tried by datagram when there is no
    // connection. It speaks of a refusal (reset, protocol not supported); a peer without TCP that
    // says nothing at all is in the same case, and whatever the reason is, the request never left.
    const bool returns = may_go_on(c, b, t) && b.itinerary->instead && !b.has(Branch::replied);
    if (!returns) return place_failed(c, b, 503, Branch::faked, t);
    b.itinerary->until = b.final_at;
    go_on(b, 503, Branch::faked, Act::try_datagram, t);
}

void no_next(Cell& c, Branch& b, Turn& t) noexcept {
    b.clear(Branch::moved);
    b.clear(Branch::retired);
    has_failed(b);
    check_complete(c, t);
}

void time_passed(Cell& c, Turn& t) noexcept {
    const Due now = c.at(t.now);
    suspension_time(c, t);
    step_time(c, t);
    if (c.end_at <= now) server_end(c, t);
    if (c.retransmit_at <= now) server_retransmit(c, t);
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (b->final_at <= now) {
            branch_timeout(c, *b, t);
        } else if (b->retransmit_at <= now) {
            branch_retransmit(c, *b, t);
        }
        cancel_time(c, *b, t);
    }
}

void release(Cell& c, Turn& t) noexcept {
    dissolve(c, Outcome::final);
    if (!c.has(Cell::final_sent)) {
        c.set(Cell::released);
        c.end_at = c.at(t.now) + t.policy.wait;
    }
    c.retransmit_at = kNever;
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        b->retransmit_at = b->final_at = kNever;
}

void await_reply(Cell& c, Turn& t) noexcept {
    if (c.end_at == kNever) c.end_at = std::min(c.at(t.now) + c.fr, c.lifetime);
}

void give_up(Cell& c, Turn& t) noexcept {
    if (c.has(Cell::final_sent) || c.has(Cell::released) || c.has(Cell::choosing)) return;
    if (c.waiting) return;
    if (c.open_branches() == 0) answer(c, 500, Phrase::server_error, t);
}

bool branches_asked(Cell& c) noexcept {
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) b->clear(Branch::asks);
    if (c.open_branches() == 0 && !c.has(Cell::final_sent) && !c.has(Cell::released)) return true;
    c.clear(Cell::choosing);
    c.clear(Cell::again);
    return false;
}

void drop_step(Cell& c) noexcept {
    retire(c, 2, c.serial);
}

void chosen(Cell& c, Branch* winner, int code, Turn& t, int reply_mode) noexcept {
    if (reply_mode < 0) reply_mode = t.policy.failure_reply_mode;
    c.clear(Cell::choosing);
    c.clear(Cell::again);
    c.clear(Cell::seen_6xx);
    if (c.has(Cell::final_sent) || c.has(Cell::released)) return;
    bool new_leg = false;
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        new_leg = new_leg || (b->serial > c.serial && !b->has(Branch::unsent));
    if (new_leg) {
        retire(c, reply_mode, c.serial);
        c.serial++;
        return check_complete(c, t);
    }
    if (reply_mode == 1) winner = nullptr;
    if (winner == nullptr) return answer(c, 500, Phrase::server_error, t);
    if (is_silent(c, *winner, t.policy)) return release(c, t);
    if (winner->has(Branch::faked) && c.has(Cell::cancelled))
        return answer(c, 487, Phrase::request_terminated, t);
    const bool remap = code == 503 && t.policy.remap_503_500 && !c.local;
    const int sent = remap ? 500 : code;
    const Phrase phrase = remap ? Phrase::service_unavailable : Phrase::standard;
    if (!winner->reply) return answer(c, sent, phrase, t);
    finish(c, sent, false, t);
    t.actions.add(Act::send_kept, winner, static_cast<std::uint16_t>(sent));
}

Due next_due(const Cell& c) noexcept {
    Due first = std::min(c.retransmit_at, c.end_at);
    if (c.waiting && !c.holder_runs) first = std::min({first, c.suspended_until, c.wake_at});
    if (c.step) first = std::min(first, c.step->until);
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        first = std::min({first, b->retransmit_at, b->final_at, b->cancel_at, b->cancel_until});
    return first;
}

bool is_ended(const Cell& c) noexcept {
    if (c.has(Cell::choosing) || c.has(Cell::in_route)) return false;
    const bool over = c.is_invite() ? c.invite_state() == ServerInviteState::terminated
                                    : c.server_state() == ServerState::terminated;
    return over && (c.has(Cell::released) || c.open_branches() == 0);
}

bool is_settled(const Cell& c) noexcept {
    return (c.has(Cell::final_sent) || c.has(Cell::released)) && c.open_branches() == 0 &&
           !c.has(Cell::choosing) && !c.has(Cell::in_route);
}

}  // namespace fairlead::tm
