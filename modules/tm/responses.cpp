// Replies that come from downstream.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/responses.h"

#include <cassert>

#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/fork.h"
#include "modules/tm/held_replies.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/routes.h"
#include "modules/tm/suspend.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

/// The reply as it goes upstream; "" for one that does not.
std::string_view relayed(const Runtime& rt, Outgoing& out, const Message& m) {
    if (m.sip.status() == 100 && !rt.policy.relay_100) return {};
    if (m.sip.second_via_text().empty()) return {};
    std::size_t room = m.sip.bytes().size() + 64;
    for (const sip::Edit& e : m.edits.list()) room += e.text.size();
    sip::Writer text = out.writer(room);
    return sip::write_relayed_reply(text, m.sip, m.edits.list()) ? text.text() : std::string_view();
}

/// RFC 3261 17.1.3 matches by branch and CSeq method alone; that Call-ID, CSeq number and From tag
/// agree too keeps out whoever knows only the branch.
bool belongs(const Runtime& rt, const Cell& c, const sip::Message& m) noexcept {
    const sip::CSeq* const cseq = m.cseq();
    if (cseq == nullptr) return false;
    if (!rt.options.reply_matching) return true;
    const sip::NameAddr* const from = m.from();
    return cseq->number == c.cseq && m.call_id() == c.call_id() && from != nullptr &&
           from->tag == c.from_tag();
}

/// One reply on its way through.
class Arrival {
public:
    Arrival(Runtime& rt, Message& m, const OwnBranch& own)
        : rt_(rt), m_(m), own_(own), bucket_(rt.table.bucket(own.slot)) {}

    Next run() {
        Outgoing out(rt_.outbox, rt_.core->net());
        const std::string_view text = relayed(rt_, out, m_);
        {
            const BucketGuard guard(bucket_);
            if (!find()) return cell_ == nullptr ? stray() : Next::consumed;
            note_moment(rt_, *cell_,
                        {.moment = cell_->local ? Moment::local_response_in : Moment::response_in,
                         .code = m_.sip.status(),
                         .branch = branch_->index,
                         .message = m_.sip.bytes()},
                        out);
            if (answers_cancel_) {
                cancel_answered(*branch_, m_.sip.status());
                rest(rt_, *cell_);
            } else {
                begin(text, out);
            }
        }
        if (on_reply_ != RouteId::none) run_route(out);
        finish(out);
        return Next::consumed;
    }
    /// `m` is empty: it becomes the reply that was held.
    Resumed go_on(std::uint32_t ticket, RouteId route) {
        Outgoing out(rt_.outbox, rt_.core->net());
        {
            const BucketGuard guard(bucket_);
            cell_ = Table::find(bucket_, own_.label);
            branch_ = cell_ != nullptr ? held_at(*cell_, ticket) : nullptr;
            if (branch_ == nullptr) return Resumed::stale;
            HeldReply& held = *branch_->held;
            if (held.holder != kNobody) {
                if (held.wanted) return Resumed::stale;
                held.wanted = true;
                held.wanted_route = route;
                return Resumed::resumed;
            }
            protect();
            // Without room for one more protected object it waits on.
            if (!protected_) return Resumed::stale;
            restore(*copy(*held.reply, m_.arena), m_);
            free_held(rt_, *branch_);
            on_reply_ = route;
        }
        was_held_ = true;
        m_.is_owned = true;
        m_.route_type = Route::tm_reply;
        run_route(out);
        finish(out);
        return Resumed::resumed;
    }

private:
    bool find() noexcept {
        cell_ = Table::find(bucket_, own_.label);
        if (cell_ == nullptr) return false;
        branch_ = cell_->branch(own_.index);
        if (branch_ == nullptr || !belongs(rt_, *cell_, m_.sip)) return false;
        const bool own_method =
            m_.sip.method() == cell_->method &&
            (cell_->method != sip::Method::other || m_.sip.method_text() == cell_->method_text());
        answers_cancel_ = !own_method && m_.sip.method() == sip::Method::cancel;
        // RFC 3261 16.7 step 3: what has no other Via must not be forwarded. The client transaction
        // takes it all the same: a failure is acknowledged (17.1.1.3), and ends its branch.
        const bool ends_here = m_.sip.status() < 300 && m_.sip.second_via_text().empty();
        if (own_method && !cell_->local && ends_here) return false;
        rt_.counts.received_replies.add();
        return own_method || answers_cancel_;
    }
    /// It answers what this server sent for a transaction that has ended: RFC 6026 7.3 and RFC 4320
    /// 4.2 want it dropped.
    [[nodiscard]] Next stray() const noexcept {
        rt_.counts.stray_replies.add();
        return rt_.options.forward_stray_replies ? Next::go_on : Next::consumed;
    }
    void protect() noexcept {
        protected_ = rt_.core->hazards().protect(rt_.process(), cell_);
        if (!protected_) on_reply_ = RouteId::none;
    }
    void begin(std::string_view text, Outgoing& out) noexcept {
        on_reply_ = branch_->on_reply;
        // A route runs, or may run for the set of branches that this reply completes: nobody may
        // free the transaction meanwhile.
        if (on_reply_ != RouteId::none || m_.sip.status() >= 300) protect();
        if (on_reply_ == RouteId::none) step(text, out);
    }
    void step(std::string_view text, Outgoing& out) noexcept {
        Actions actions;
        Turn turn{rt_.now(), rt_.policy, actions};
        reply_received(*cell_, *branch_, m_.sip.status(), turn);
        choose_ = perform(rt_, *cell_, actions,
                          {.reply = &m_.sip,
                           .relayed = text,
                           .from = &m_.received,
                           .dropped = dropped_,
                           .replaces = was_held_ && !rt_.options.reply_relay_mode,
                           .may_run_routes = protected_},
                          out);
        forget_other_ways();
        rest(rt_, *cell_);
    }
    /// What answers is the right place, unless there is another and it may still say 503.
    void forget_other_ways() noexcept {
        Itinerary* const i = branch_->itinerary.get();
        if (i == nullptr || i->has_next() || branch_->has(Branch::waits)) return;
        branch_->itinerary = nullptr;
        free_itinerary(rt_, i);
    }
    void finish(Outgoing& out) {
        out.send();
        if (choose_) run_choice(rt_, bucket_, *cell_);
        if (held_.now) (void)resume_reply(rt_, held_.token, held_.route);
        if (protected_) rt_.core->hazards().release(rt_.process(), cell_);
    }
    /// Its route suspended it, or an equal one that still waits: it does not go on. Under the lock.
    bool stays(const Work& w) {
        if (w.holds && branch_->held) {
            const bool now = holder_left(rt_, *branch_, m_);
            held_ = {now,
                     {cell_->slot, cell_->label, branch_->held->ticket},
                     branch_->held->wanted_route};
        }
        return w.holds || w.repeats_held;
    }
    void run_route(Outgoing& out) {
        load_variables(bucket_, *cell_, m_);
        Work& w = work_for(rt_, m_);
        w.cell = cell_;
        w.bucket = &bucket_;
        w.branch = branch_;
        w.branch_index = branch_->index;
        w.code = m_.sip.status();
        m_.target.flags = branch_->flag_bits;
        {
            const BucketGuard guard(bucket_);
            m_.flags = flags_of(rt_, *cell_, *branch_);
            w.repeats_held = branch_->held && branch_->held->status == m_.sip.status();
        }
        w.from_pick = true;  // protected here
        const Route before = m_.route_type;
        m_.route_type = Route::tm_reply;
        const RouteResult result =
            on_reply_ != RouteId::none ? rt_.core->script().run(on_reply_, m_) : RouteResult{};
        m_.route_type = before;
        times_from_avps(rt_, m_, w);  // may say how long this branch may ring from now on
        m_.slots[rt_.slot] = 0;
        // Only a provisional reply can be dropped: a final one ends the transaction upstream.
        dropped_ = result.dropped && m_.sip.status() < 200;
        const std::string_view text = dropped_ ? std::string_view() : relayed(rt_, out, m_);
        const BucketGuard guard(bucket_);
        branch_->flag_bits = m_.target.flags;
        keep_flags(rt_, *cell_, branch_, m_);
        (void)keep_script_state(rt_, *cell_, m_);
        if (!stays(w)) return step(text, out);
        rest(rt_, *cell_);
    }

    Runtime& rt_;
    Message& m_;
    const OwnBranch own_;
    Bucket& bucket_;
    Cell* cell_ = nullptr;
    Branch* branch_ = nullptr;
    RouteId on_reply_ = RouteId::none;
    Wanted held_;           ///< to go on as soon as this script is done
    bool dropped_ = false;  ///< by its route
    bool answers_cancel_ = false, protected_ = false, choose_ = false, was_held_ = false;
};

}  // namespace

Next reply_arrived(Runtime& rt, Message& m) {
    const sip::Via* const via = m.sip.via();
    const auto own = via != nullptr ? parse_branch(via->branch) : std::nullopt;
    if (!own || own->nonce != rt.nonce || own->slot >= rt.table.size()) return Next::go_on;
    return Arrival(rt, m, *own).run();
}

Resumed resume_reply(Runtime& rt, const SuspendToken& token, RouteId route) {
    Message& m = rt.core->borrow_message();
    const Resumed result =
        Arrival(rt, m, {token.slot, token.label, rt.nonce, 0}).go_on(token.ticket, route);
    rt.core->give_back(m);
    return result;
}

void send_failed(Runtime& rt, Bucket& b, std::uint32_t which) noexcept {
    constexpr std::uint32_t kLabelBits = UINT32_MAX >> kBranchBits;
    constexpr std::uint32_t kBranch = (1U << kBranchBits) - 1;
    Outgoing out(rt.outbox, rt.core->net());
    Cell* found = nullptr;
    bool choose = false, guarded = false;
    {
        const BucketGuard guard(b);
        for (Cell* c = b.first.get(); c != nullptr && found == nullptr; c = c->link.get())
            if ((c->label & kLabelBits) == which >> kBranchBits && !c->has(Cell::dead)) found = c;
        Branch* const branch = found != nullptr ? found->branch(which & kBranch) : nullptr;
        if (branch == nullptr) return;
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        send_failed(*found, *branch, turn);
        guarded = rt.core->hazards().protect(rt.process(), found);
        choose = perform(rt, *found, actions, {.may_run_routes = guarded}, out);
        rest(rt, *found);
    }
    out.send();
    if (choose) run_choice(rt, b, *found);
    if (guarded) rt.core->hazards().release(rt.process(), found);
}

}  // namespace fairlead::tm
