// Branches: from where the message points to requests that were sent.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/fork.h"

#include <algorithm>
#include <array>
#include <exception>
#include <expected>
#include <optional>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/text.h"
#include "modules/tm/branch_request.h"
#include "modules/tm/cancel.h"
#include "modules/tm/cells.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/late_branch.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/lookup.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/relay_steps.h"
#include "modules/tm/replies.h"
#include "modules/tm/responses.h"
#include "modules/tm/silent_branch.h"
#include "modules/tm/times.h"
#include "modules/tm/trace_notes.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

int number(ScriptError e) noexcept {
    return static_cast<int>(e);
}

/// A time from an AVP: seconds, or a text with its unit; 0 when there is none.
std::uint32_t time_from(const Message& m, const std::string& name) noexcept {
    if (name.empty()) return 0;
    const Value value = m.avps.get(name);
    if (value.is_integer()) {
        const bool fits = value.integer() > 0 && value.integer() <= INT32_MAX / 1000;
        return fits ? static_cast<std::uint32_t>(value.integer() * 1000) : 0;
    }
    const std::string_view s = value.string();
    if (s.empty()) return 0;
    if (const auto seconds = text::parse_uint(s, INT32_MAX / 1000))
        return static_cast<std::uint32_t>(*seconds * 1000);
    const Result<std::uint32_t> time = parse_time(s);
    return time ? *time : 0;
}

/// The routes that are armed for a branch.
struct Routes {
    RouteId on_failure = RouteId::none, on_reply = RouteId::none;
    RouteId on_branch_failure = RouteId::none;
};
Routes armed_in(const Cell& c) noexcept {
    return {c.on_failure, c.on_reply, c.on_branch_failure};
}
void arm(Cell& c, const Routes& r) noexcept {
    c.on_failure = r.on_failure;
    c.on_reply = r.on_reply;
    c.on_branch_failure = r.on_branch_failure;
}

/// A branch that is made but not linked.
struct Draft {
    Target target;
    std::string_view bytes;
    Routes routes;
    std::uint32_t flag_bits, masked_bits;
    bool with_path = false;
    std::string_view ruid{};
    Branch* branch = nullptr;
    Itinerary* itinerary = nullptr;  ///< while it waits, or when there are other places
    std::uint64_t late = 0;  ///< it waits under this number (LateBranches); 0: it is sent at once
    std::size_t item = 0;    ///< its place in the outbox
};

/// As Branch::ruid; null for "" and when memory is full.
char* copy_ruid(Runtime& rt, std::string_view ruid) noexcept {
    if (ruid.empty()) return nullptr;
    ruid = ruid.substr(0, Branch::kMaxRuid);
    char* const out = static_cast<char*>(
        rt.memory().allocate(ruid.size() + 1, rt.tags.buffer, shm::Hold::in_hand));
    if (out == nullptr) return nullptr;
    *out = static_cast<char>(ruid.size());
    std::ranges::copy(ruid, out + 1);
    return out;
}

/// One call of t_relay.
class Fork {
public:
    Fork(Runtime& rt, Message& m, Work& w, const Destination& to, Outgoing& out)
        : rt_(rt), m_(m), w_(w), to_(to), out_(out) {}

    int run() {
        if (!may_fork()) return number(m_.error);
        read_cell();
        if (uri_is_new() && !is_added_already()) add(main_target());
        const std::size_t added = m_.branch_count;
        for (std::size_t i = 0; i < added; ++i) add(m_.branches[i]);
        m_.branch_count = 0;
        m_.uri_consumed = true;
        w_.used_uri = m_.target.uri;
        w_.used_dst = m_.target.dst_uri;
        if (count_ == 0 && tried_ != 0 && rt_.options.failure_exec_mode && await_failure(rt_, w_))
            return 1;
        if (count_ == 0) return failed(tried_ == 0 ? ScriptError::unspecified : error_);
        if (!allocate()) return failed(ScriptError::out_of_memory);
        if (const ScriptError e = link(); e != ScriptError::none) return failed(e);
        out_.send();
        return check_sent();
    }

private:
    int failed(ScriptError e) {
        m_.error = e;
        // Only the first failure of a transaction without branches is answered at the end.
        if (index_ == 0) w_.failed = e;
        return number(e);
    }
    bool may_fork() {
        const BucketGuard guard(*w_.bucket);
        const Cell& c = *w_.cell;
        if (!c.has(Cell::cancelled) && !c.has(Cell::final_sent) && !c.has(Cell::released))
            return true;
        m_.error = c.has(Cell::cancelled) && !w_.from_pick ? ScriptError::cancelled
                                                           : ScriptError::unspecified;
        if (c.has(Cell::cancelled) && c.branch_count == 0) w_.failed = ScriptError::cancelled;
        return false;
    }
    /// What only this process changes while its script runs.
    void read_cell() noexcept {
        const BucketGuard guard(*w_.bucket);
        index_ = w_.cell->branch_count;
        armed_ = armed_in(*w_.cell);
        on_branch_ = w_.cell->on_branch;
        w_.cell->on_branch = RouteId::none;  // for one step
    }
    [[nodiscard]] bool uri_is_new() const noexcept {
        if (!m_.uri_consumed) return true;
        return m_.target.uri != w_.used_uri || m_.target.dst_uri != w_.used_dst;
    }
    /// In failure_route, `seturi(…); append_branch(); t_relay();` means one branch (RFC 3261 16.5:
    /// no target twice).
    [[nodiscard]] bool is_added_already() const noexcept {
        if (!w_.from_pick) return false;
        const auto same = [&](const BranchTarget& b) {
            return b.uri == m_.uri() &&
                   (b.dst_uri == m_.target.dst_uri || m_.target.dst_uri.empty());
        };
        return std::any_of(m_.branches.begin(), m_.branches.begin() + m_.branch_count, same);
    }
    [[nodiscard]] BranchTarget main_target() const noexcept {
        BranchTarget t = m_.target;
        t.uri = m_.uri();
        return t;
    }

    /// The URI that decides, with what the script says of place or transport; "" when the address
    /// is none.
    [[nodiscard]] std::string_view hop_of(const BranchTarget& t) {
        if (!to_.address.empty()) return hop_uri(to_.address, out_.arena());
        const std::string_view hop = t.dst_uri.empty() ? t.uri : t.dst_uri;
        return to_.proto == Proto::none ? hop : hop_uri(hop, to_.proto, out_.arena());
    }
    /// The places, at least one unless there is an error. Nullopt when they are being looked up;
    /// `late` is then the number of what waits.
    [[nodiscard]] std::optional<NextHops> find_hops(const BranchTarget& t, std::uint64_t& late) {
        const HopQuestion question{hop_of(t), m_.received.listener, t.listener,
                                   rt_.core->next_hops().fails_over() ? NextHops::kMost : 1};
        NextHops none;
        none.error = to_.address.empty() ? ScriptError::bad_uri : ScriptError::bad_address;
        if (question.uri.empty()) return none;
        auto hops = rt_.late->find(question, own_branch(), late);
        if (hops) late = 0;
        return hops;
    }
    /// Of the branch that is made next.
    [[nodiscard]] BranchId own_branch() const noexcept {
        return {
            {w_.cell->slot, w_.cell->label, rt_.nonce, static_cast<std::uint32_t>(index_ + count_)},
            static_cast<bool>(w_.cell->local)};
    }

    void add(const BranchTarget& wanted) {
        ++tried_;
        if (index_ + count_ >= rt_.core->globals().max_branches || count_ >= drafts_.size()) {
            LOG(error, "no more than {} branches: {} is left out", rt_.core->globals().max_branches,
                wanted.uri);
            error_ = m_.error = ScriptError::too_many_branches;
            return;
        }
        if (on_branch_ == RouteId::none && rt_.shapers.empty()) return build(wanted);
        const BranchTarget saved = m_.target;
        const sip::Edits edits = m_.edits;
        const Route type = m_.route_type;
        const std::uint32_t flags = m_.flags, mask = rt_.options.branch_flag_mask;
        m_.target = wanted;
        if (run_branch_route() && pass_shapers()) build(main_target());
        m_.flags = (m_.flags & ~mask) | (flags & mask);
        m_.target = saved;
        m_.edits = edits;
        m_.route_type = type;
    }
    /// Other modules have their hand in it (ObserveApi); the transaction is this process's own.
    bool pass_shapers() noexcept {
        const int index = static_cast<int>(index_ + count_);
        try {
            for (Shaper* const s : rt_.shapers)
                if (!s->branch_out(m_, {w_.cell->slot, w_.cell->label}, index)) return false;
        } catch (const std::exception& e) {
            LOG(error, "a module that shapes branches threw: {}", e.what());
        }
        return true;
    }
    bool run_branch_route() {
        if (on_branch_ == RouteId::none) return true;
        m_.route_type = Route::branch;
        const int index = w_.branch_index;
        w_.branch_index = static_cast<int>(index_ + count_);
        const RouteResult result = rt_.core->script().run(on_branch_, m_);
        w_.branch_index = index;
        const BucketGuard guard(*w_.bucket);
        // What was armed for one branch stays with that branch.
        armed_in_branch_ = armed_in(*w_.cell);
        arm(*w_.cell, armed_);
        if (result.dropped) error_ = ScriptError::configuration;
        return !result.dropped;
    }

    void build(const BranchTarget& t) {
        std::uint64_t late = 0;
        const auto hops = find_hops(t, late);
        if (!hops) return draft_late(t, late);
        if (hops->count == 0) {
            error_ = m_.error = hops->error;
            LOG(info, "{} cannot be reached: {}", t.dst_uri.empty() ? t.uri : t.dst_uri,
                error_reply(hops->error).reason);
            return;
        }
        for (std::uint8_t at = 0; at < hops->count; ++at) {
            const BranchRequest request =
                write_branch_request(rt_, m_, t, hops->targets[at], own_branch(), out_);
            if (request.bytes.empty()) {
                error_ = ScriptError::unspecified;
                return;
            }
            if (may_send_branch(rt_, m_, t, request)) return draft(t, request, *hops, at);
            error_ = m_.error = ScriptError::dropped;
        }
    }
    /// Without memory for the other places, and the way back from a stream, there are none.
    void draft(const BranchTarget& t, const BranchRequest& request, const NextHops& hops,
               std::uint8_t at) {
        const bool is_last = at + 1 >= hops.count && !request.instead;
        Itinerary* const itinerary = is_last ? nullptr : make_itinerary(rt_, m_, t);
        if (itinerary != nullptr) {
            itinerary->hops = hops;
            itinerary->at = at;
            itinerary->instead = request.instead;
        }
        draft(t, request, itinerary, 0);
    }
    void draft_late(const BranchTarget& t, std::uint64_t late) {
        Itinerary* const itinerary = make_itinerary(rt_, m_, t);
        if (itinerary == nullptr) {
            rt_.late->drop(late);
            error_ = m_.error = ScriptError::out_of_memory;
            return;
        }
        itinerary->asker = rt_.process();
        draft(t, {}, itinerary, late);
    }
    void draft(const BranchTarget& t, const BranchRequest& request, Itinerary* itinerary,
               std::uint64_t late) {
        const bool in_branch = on_branch_ != RouteId::none;
        drafts_[count_++] = {request.target,
                             request.bytes,
                             in_branch ? armed_in_branch_ : armed_,
                             t.flags,
                             m_.flags & rt_.options.branch_flag_mask,
                             !t.path.empty(),
                             t.ruid,
                             nullptr,
                             itinerary,
                             late};
    }

    /// Blocks for all drafts; what cannot have one is left out.
    bool allocate() {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            Draft d = drafts_[i];
            auto* const b = rt_.memory().make<Branch>(rt_.tags.branch, shm::Hold::in_hand);
            char* const bytes =
                b != nullptr && d.late == 0
                    ? rt_.memory().copy(d.bytes, rt_.tags.buffer, shm::Hold::in_hand)
                    : nullptr;
            const bool whole = b != nullptr && (bytes != nullptr || d.late != 0);
            char* const ruid = whole ? copy_ruid(rt_, d.ruid) : nullptr;
            if (!whole || (ruid == nullptr && !d.ruid.empty())) {
                rt_.memory().free(bytes);
                rt_.memory().free(b);
                rt_.counts.memory_failures.add();
                // The index is in the message: those behind it cannot move up.
                for (std::size_t left = i; left < count_; ++left) forget(drafts_[left]);
                break;
            }
            b->sent.bytes = bytes;
            b->sent.size = static_cast<std::uint32_t>(d.bytes.size());
            b->ruid = ruid;
            d.branch = b;
            drafts_[kept++] = d;
        }
        count_ = kept;
        if (count_ == 0 || to_.step == nullptr) return count_ != 0;
        step_ = make_step(rt_, *to_.step);
        if (step_ == nullptr) forget();
        return step_ != nullptr;
    }
    void forget() noexcept {
        discard_step(rt_, step_);
        for (std::size_t i = 0; i < count_; ++i) forget(drafts_[i]);
    }
    void forget(const Draft& d) noexcept {
        rt_.late->drop(d.late);
        free_itinerary(rt_, d.itinerary);
        if (d.branch == nullptr) return;
        rt_.memory().free(d.branch->sent.bytes.get());
        rt_.memory().free(d.branch->ruid.get());
        rt_.memory().free(d.branch);
    }

    /// What later branches and failure_route start from. Without memory for it they would act on a
    /// request that the script never saw: then nothing is sent.
    bool store(Cell& c) {
        if (!c.has(Cell::choosing)) {  // the first step decides
            const bool changed = !m_.edits.empty() && !w_.stored_edits;
            if (changed && !update_request(rt_, c, m_)) return false;
            w_.stored_edits = true;
        }
        return keep_script_state(rt_, c, m_);
    }
    ScriptError link() {
        BucketGuard guard(*w_.bucket);
        Cell& c = *w_.cell;
        const bool over = c.has(Cell::cancelled) || c.has(Cell::final_sent);
        if (over || !store(c)) {
            guard.unlock();
            forget();
            return over ? ScriptError::cancelled : ScriptError::out_of_memory;
        }
        Actions actions;
        Turn turn{rt_.now(), rt_.policy, actions};
        shm::Ptr<Branch>* last = &c.end_of_branches();
        for (std::size_t i = 0; i < count_; ++i) {
            Draft& d = drafts_[i];
            Branch& b = *d.branch;
            b.target = d.target;
            b.flag_bits = d.flag_bits;
            b.masked_bits = d.masked_bits;
            b.on_failure = d.routes.on_failure;
            b.on_reply = d.routes.on_reply;
            b.on_branch_failure = d.routes.on_branch_failure;
            b.index = c.branch_count++;
            b.serial = static_cast<std::uint16_t>(
                c.serial + (c.has(Cell::choosing) && !w_.in_branch_failure ? 1 : 0));
            if (b.sent) rt_.memory().publish(b.sent.bytes.get());
            if (b.ruid) rt_.memory().publish(b.ruid.get());
            if (d.itinerary != nullptr) {
                b.itinerary = d.itinerary;
                publish_itinerary(rt_, *d.itinerary);
            }
            rt_.memory().publish(&b);
            *last = &b;
            last = &b.next;
            branch_started(c, b, turn);
            if (d.with_path) b.set(Branch::with_path);
            if (d.late != 0) {
                b.set(Branch::waits);
                b.retransmit_at = kNever;
                continue;
            }
            d.item = out_.size();
            out_.add(b.target, d.bytes, failure_of(rt_, c, b));
            note_branch(rt_, c, b, d.bytes);
            note_branch_out(rt_, c, b, d.bytes, out_);
        }
        if (step_ != nullptr) joined_ = begin_step(rt_, c, *step_, to_.step->timeout);
        rest(rt_, c);
        return ScriptError::none;
    }

    /// Its next place is tried at once; should all fail, it is a branch that failed later.
    void failed_at_place(const Draft& d) noexcept {
        send_failed(rt_, *w_.bucket, label_and_branch(w_.cell->label, d.branch->index));
    }
    [[nodiscard]] bool is_on_its_way(const Draft& d) const noexcept {
        return d.late != 0 || out_.result(d.item) == Sent::queued;
    }
    int check_sent() {
        std::size_t sent = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            const Draft& d = drafts_[i];
            const bool moves_on = !is_on_its_way(d) && d.itinerary != nullptr;
            if (moves_on) failed_at_place(d);
            sent += is_on_its_way(d) || moves_on ? 1 : 0;
        }
        if (sent != 0) w_.failed = ScriptError::none;
        if (sent == count_) return 1;
        const BucketGuard guard(*w_.bucket);
        for (std::size_t i = 0; i < count_; ++i)
            if (!is_on_its_way(drafts_[i]) && drafts_[i].itinerary == nullptr)
                branch_unsent(*w_.cell, *drafts_[i].branch);
        if (sent == 0 && step_ != nullptr && !joined_) free_step(rt_, *w_.cell);
        rest(rt_, *w_.cell);
        return sent != 0 ? 1 : failed(ScriptError::send);
    }

    Runtime& rt_;
    Message& m_;
    Work& w_;
    const Destination& to_;
    Outgoing& out_;
    std::array<Draft, kMaxBranches> drafts_;
    std::size_t count_ = 0, tried_ = 0, index_ = 0;
    Routes armed_, armed_in_branch_;
    RouteId on_branch_ = RouteId::none;
    PendingStep* step_ = nullptr;
    bool joined_ = false;  ///< the branches belong to a step that had begun
    ScriptError error_ = ScriptError::unspecified;
};

}  // namespace

void times_from_avps(const Runtime& rt, const Message& m, const Work& w) noexcept {
    const std::uint32_t fr = time_from(m, rt.options.fr_timer_avp);
    const std::uint32_t fr_inv = time_from(m, rt.options.fr_inv_timer_avp);
    if (fr == 0 && fr_inv == 0) return;
    const BucketGuard guard(*w.bucket);
    if (fr != 0) w.cell->fr = fr;
    if (fr_inv == 0) return;
    w.cell->fr_inv = fr_inv;
    w.cell->set(Cell::noisy);
}

int forward(Runtime& rt, Message& m, Work& w, const Destination& to) {
    Outgoing out(rt.outbox, rt.core->net());
    times_from_avps(rt, m, w);
    const int result = Fork(rt, m, w, to, out).run();
    out.send();
    return result;
}

int forward_nonack(Runtime& rt, Message& m, const Destination& to) {
    Work& w = work_for(rt, m);
    if (w.cell == nullptr) {
        m.error = ScriptError::unspecified;
        return -1;
    }
    return forward(rt, m, w, to);
}

int relay(Runtime& rt, Message& m, const Destination& to) {
    Work& w = work_for(rt, m);
    const sip::Method method = m.sip.method();
    if (method == sip::Method::cancel && w.cell == nullptr) return relay_cancel(rt, m, w, to);
    Outgoing out(rt.outbox, rt.core->net());
    if (w.cell == nullptr) {
        const bool trying = rt.options.auto_inv_100 && !w.no_auto_100;
        const int made = new_transaction(rt, m, w, trying, out);
        if (made <= 0) {
            out.send();
            return made == 0 ? 1 : made;  // a retransmission was answered: nothing is left to do
        }
        if (method == sip::Method::ack) {
            out.send();
            return forward_ack(rt, m, to);
        }
    }
    // RFC 3261 16.3 step 3: a hop count that arrived as 0 was used up.
    if (m.sip.max_forwards() == 0U) {
        m.error = ScriptError::too_many_hops;
        w.failed = ScriptError::too_many_hops;
        return number(ScriptError::too_many_hops);
    }
    if (w.made_here && method == sip::Method::invite) add_trying(rt, m, w, out);
    times_from_avps(rt, m, w);
    const int result = Fork(rt, m, w, to, out).run();
    out.send();  // the 100 goes out also when nothing else does
    return result;
}

}  // namespace fairlead::tm
