// Finding and making the transaction of a request.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/lookup.h"

#include <exception>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;
constexpr std::string_view kRetryAfter = "Retry-After: 10\r\n";

int number(ScriptError e) noexcept {
    return static_cast<int>(e);
}

/// New work is refused (RFC 3261 21.5.4) while what is under way goes on.
int refuse(Runtime& rt, Message& m, Work& w, Outgoing& out) {
    rt.counts.refused.add();
    w.answered = true;
    m.error = ScriptError::out_of_memory;
    const TagText tag = to_tag(rt, Cell{});
    out.add(reply_target(m), make_reply(rt, out, m,
                                        {.code = 503,
                                         .reason = "Service Unavailable",
                                         .to_tag = {tag.data(), tag.size()},
                                         .headers = kRetryAfter}));
    rt.counts.local_replies.add();
    return number(ScriptError::out_of_memory);
}

bool is_full(const Runtime& rt) noexcept {
    if (rt.memory().under_pressure()) return true;
    if (rt.options.max_transactions <= 0) return false;
    const shm::Counters& counters = rt.core->counters();
    return counters.sum(rt.counts.created) - counters.sum(rt.counts.freed) >=
           rt.options.max_transactions;
}

/// An ACK that matches an INVITE by its branch: it acknowledges a negative reply, or a reply that
/// was made here.
int take_ack(Runtime& rt, const RequestKey& key, Bucket& b, const Message& m, Work& w,
             Outgoing& out) {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    const BucketGuard guard(b);
    Cell* c = Table::find(b, key, sip::Method::invite);
    if (c != nullptr && key.by_call && c->status / 100 == 2) c = nullptr;  // it is no 2xx's
    if (c != nullptr && !has_right_tag(rt, *c, key)) return 1;
    if (c == nullptr) {  // a 2xx of our own is acknowledged with a branch of its own
        c = Table::find_accepted(b, key);
        if (c == nullptr) return 1;
        if (!c->has(Cell::local_final)) {
            if (!w.acked) note_e2e_ack(rt, *c, key.to_tag, m.sip.bytes(), out);
            w.acked = true;
            return 1;
        }
        const TagText tag = to_tag(rt, *c);
        if (key.to_tag != std::string_view(tag.data(), tag.size())) return 1;
    }
    if (!ack_received(*c, turn)) return 1;
    if (c->status >= 300)
        note_moment(rt, *c, {.moment = Moment::ack_in, .message = m.sip.bytes()}, out);
    rest(rt, *c);
    return 0;
}

void apply(const Work& w, Cell& c) noexcept {
    c.on_failure = w.on_failure;
    c.on_reply = w.on_reply;
    c.on_branch = w.on_branch;
    c.on_branch_failure = w.on_branch_failure;
    c.flags |= w.cell_flags;
    if (w.fr != 0) c.fr = w.fr;
    if (w.fr_inv != 0) c.fr_inv = w.fr_inv;
    if (w.t1 != 0) c.t1 = w.t1;
    if (w.t2 != 0) c.t2 = w.t2;
    if (const std::uint32_t most = c.is_invite() ? w.max_invite : w.max_other; most != 0)
        c.lifetime = most;
}

void shape_request(Shaper& shaper, Message& m, TransactionId id) noexcept {
    try {
        shaper.request_in(m, id);
    } catch (const std::exception& e) {
        LOG(error, "a module that shapes transactions threw: {}", e.what());
    }
}

/// The request is here again: what was answered is answered once more.
void repeat(Runtime& rt, Cell& c, const Message& m, Outgoing& out) {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    rt.counts.retransmissions_received.add();
    request_again(c, turn);
    note_moment(rt, c, {.moment = Moment::request_again, .again = true, .message = m.sip.bytes()},
                out);
    (void)perform(rt, c, actions, {}, out);
}

}  // namespace

bool has_right_tag(Runtime& rt, const Cell& invite, const RequestKey& key) noexcept {
    if (!key.branch.empty()) return true;
    const bool is_ack = key.method == sip::Method::ack;
    if (is_ack && rt.options.matching.ack_tag) {
        if (!invite.reply || rt.scratch.parse(invite.reply.view())) return false;
    } else if (!is_ack && rt.options.matching.cancel_tag && invite.request) {
        attach(*invite.request, rt.scratch);
    } else {
        return true;
    }
    const sip::NameAddr* const to = rt.scratch.to();
    return to != nullptr && to->tag == key.to_tag;
}

int new_transaction(Runtime& rt, Message& m, Work& w, bool trying, Outgoing& out) {
    const auto key = request_key(m.sip, rt.options.matching);
    if (!key) {
        m.error = ScriptError::bad_tuple;
        return number(ScriptError::bad_tuple);
    }
    Bucket& b = rt.table.bucket(key->hash);
    if (key->method == sip::Method::ack) return take_ack(rt, *key, b, m, w, out);
    if (w.answered) {  // with 503, a moment ago
        m.error = ScriptError::out_of_memory;
        return number(m.error);
    }
    BucketGuard guard(b);
    if (Cell* const old = Table::find(b, *key, key->method)) {
        repeat(rt, *old, m, out);
        return 0;
    }
    // A CANCEL ends work, so it is never too much.
    const bool full = key->method != sip::Method::cancel && is_full(rt);
    Cell* const c = full ? nullptr : make_cell(rt, b, *key, m);
    if (c == nullptr) {
        guard.unlock();
        return refuse(rt, m, w, out);
    }
    if (!bind(rt, w, b, *c)) {
        collect(rt, b, *c);
        guard.unlock();
        return refuse(rt, m, w, out);
    }
    w.made_here = true;
    m.is_owned = true;  // script_done() answers when the script throws
    c->route_owner = rt.process();
    c->set(Cell::in_route);
    apply(w, *c);
    rt.counts.uas_transactions.add();
    if (c->is_invite()) {
        // RFC 3261 9.2 lets a CANCEL overtake its INVITE; one that was relayed waits for it here.
        if (Table::find(b, *key, sip::Method::cancel) != nullptr) c->set(Cell::cancelled);
        if (trying) {
            c->set(Cell::trying_sent);
            c->status = 100;
            w.trying_due = true;
            time_first_reply(rt, *c);
        }
    }
    note_moment(rt, *c, {.moment = Moment::request_in, .message = m.sip.bytes()}, out);
    guard.unlock();
    for (Shaper* const shaper : rt.shapers) shape_request(*shaper, m, {c->slot, c->label});
    return 1;
}

int lookup_request(Runtime& rt, Message& m, Work& w) {
    if (w.cell != nullptr) return 1;
    const auto key = request_key(m.sip, rt.options.matching);
    if (!key) return -1;
    Bucket& b = rt.table.bucket(key->hash);
    const BucketGuard guard(b);
    const bool is_ack = key->method == sip::Method::ack;
    Cell* const c = Table::find(b, *key, is_ack ? sip::Method::invite : key->method);
    if (c == nullptr || (is_ack && (c->status < 300 || !has_right_tag(rt, *c, *key)))) return -1;
    return bind(rt, w, b, *c) ? 1 : -1;
}

int lookup_cancel(Runtime& rt, Message& m, bool copy_flags) {
    const auto key = request_key(m.sip, rt.options.matching);
    if (!key || key->method != sip::Method::cancel) return -1;
    Bucket& b = rt.table.bucket(key->hash);
    const BucketGuard guard(b);
    const Cell* const c = Table::find(b, *key, sip::Method::invite);
    if (c == nullptr || !has_right_tag(rt, *c, *key)) return -1;
    if (copy_flags) m.flags = c->flag_bits;
    return 1;
}

int check_request(Runtime& rt, Message& m, Work& w, bool deal) {
    if (w.cell != nullptr) return 1;
    const auto key = request_key(m.sip, rt.options.matching);
    if (!key) return -1;
    Bucket& b = rt.table.bucket(key->hash);
    if (key->method == sip::Method::cancel) return lookup_cancel(rt, m, false);
    if (!deal) {
        const BucketGuard guard(b);
        const bool is_ack = key->method == sip::Method::ack;
        const sip::Method method = is_ack ? sip::Method::invite : key->method;
        const bool known = Table::find(b, *key, method) != nullptr ||
                           (is_ack && Table::find_accepted(b, *key) != nullptr);
        return known ? 1 : -1;
    }
    Outgoing out(rt.outbox, rt.core->net());
    if (key->method == sip::Method::ack) {
        const bool taken = take_ack(rt, *key, b, m, w, out) == 0;
        out.send();
        if (taken) return 0;
        const BucketGuard guard(b);
        return Table::find_accepted(b, *key) != nullptr ? 1 : -1;
    }
    {
        const BucketGuard guard(b);
        Cell* const c = Table::find(b, *key, key->method);
        if (c == nullptr) return -1;
        repeat(rt, *c, m, out);
    }
    out.send();
    return 0;
}

int check_reply(Runtime& rt, const Message& m) {
    const sip::Via* const via = m.sip.via();
    const auto own = via != nullptr ? parse_branch(via->branch) : std::nullopt;
    if (!own || own->nonce != rt.nonce || own->slot >= rt.table.size()) return -1;
    Bucket& b = rt.table.bucket(own->slot);
    const BucketGuard guard(b);
    const Cell* const c = Table::find(b, own->label);
    return c != nullptr && c->branch(own->index) != nullptr ? 1 : -1;
}

int retransmit_reply(Runtime& rt, Work& w) {
    if (w.cell == nullptr) return -1;
    Outgoing out(rt.outbox, rt.core->net());
    {
        const BucketGuard guard(*w.bucket);
        if (!w.cell->reply && !w.cell->has(Cell::trying_sent)) return -1;
        if (w.cell->reply) {
            out.add_copy(w.cell->upstream, w.cell->reply.view());
            note_sent(rt, *w.cell, nullptr, w.cell->reply.view(), out, true);
        } else {
            out.add(w.cell->upstream,
                    make_stored_reply(rt, out, *w.cell, 100, rt.options.auto_inv_100_reason));
        }
    }
    out.send();
    return 1;
}

}  // namespace fairlead::tm
