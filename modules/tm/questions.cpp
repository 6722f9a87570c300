// The script functions that ask about a transaction or tune it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/api/log.h"
#include "core/api/regex.h"
#include "modules/tm/cells.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

/// Routes about a branch that failed.
constexpr Route kOfBranch = Route::failure | Route::branch_failure;

/// Running timers follow a new final-response time (INVITE branches that ring follow fr_inv).
void retime(Runtime& rt, Cell& c) noexcept {
    const Due now = c.at(rt.now());
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (b->final_at == kNever || b->cancelling == CancelState::sent) continue;
        const bool rings = c.is_invite() && b->has(Branch::replied);
        b->final_at = std::min(now + (rings ? c.fr_inv : c.fr), c.lifetime);
    }
    rest(rt, c);
}

}  // namespace

template <class F>
bool Tm::any_branch(Message& m, F wanted) {
    const Work& w = work_for(rt_, m);
    if (w.cell == nullptr) return false;
    const BucketGuard guard(*w.bucket);
    for (const Branch* b = w.cell->branches.get(); b != nullptr; b = b->next.get())
        if (wanted(*b)) return true;
    return false;
}

int Tm::status_of(const Message& m) {
    if (!m.is_request()) return m.sip.status();
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return 0;
    if (any_of(m.route_type, kOfBranch)) return w->code;
    const BucketGuard guard(*w->bucket);
    if (m.route_type == Route::branch) {
        const Branch* const b = w->cell->branch(static_cast<std::size_t>(w->branch_index));
        return b != nullptr ? b->status : 0;
    }
    return w->cell->status;
}

Verdict Tm::t_check_status(Message& m, const Regex& code) {
    const Work* const w = work_of(rt_, m);
    if (m.is_request() && (w == nullptr || w->cell == nullptr)) return Verdict::no;
    const auto text = fmt::format_int(status_of(m));
    return Verdict::of(code.matches({text.data(), text.size()}));
}

Verdict Tm::t_grep_status(Message& m, int code) {
    return Verdict::of(any_branch(m, [=](const Branch& b) { return b.status == code; }));
}

Verdict Tm::t_get_status_code(Message& m) {
    const int code = status_of(m);
    return code >= 100 ? Verdict(code) : Verdict::no;
}

Verdict Tm::t_is_canceled(Message& m) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return Verdict::no;
    const BucketGuard guard(*w->bucket);
    return Verdict::of(w->cell->has(Cell::cancelled));
}

Verdict Tm::t_branch_timeout(Message& m) {
    const Work* const w = work_of(rt_, m);
    return Verdict::of(w != nullptr && w->branch != nullptr && w->branch->has(Branch::timed_out));
}

Verdict Tm::t_branch_replied(Message& m) {
    const Work* const w = work_of(rt_, m);
    return Verdict::of(w != nullptr && w->branch != nullptr && w->branch->replied_before());
}

Verdict Tm::t_any_timeout(Message& m) {
    return Verdict::of(any_branch(m, [](const Branch& b) { return b.has(Branch::timed_out); }));
}

Verdict Tm::t_any_replied(Message& m) {
    return Verdict::of(any_branch(m, [](const Branch& b) { return b.replied_before(); }));
}

Verdict Tm::t_local_replied(Message& m, std::string_view which) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) {
        LOG(error, "t_local_replied() without a transaction");
        return Verdict::no;
    }
    const BucketGuard guard(*w->bucket);
    const Cell& c = *w->cell;
    bool received = false;
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get())
        received = received || (b->serial == c.serial && b->has(Branch::replied));
    const bool faked = w->branch != nullptr && w->branch->has(Branch::faked);
    const bool last = c.has(Cell::last_local) || (any_of(m.route_type, kOfBranch) && faked);
    return Verdict::of(last && (which != "all" || !received));
}

Verdict Tm::t_is_expired(Message& m) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return Verdict::no;
    const BucketGuard guard(*w->bucket);
    return Verdict::of(w->cell->at(rt_.now()) >= w->cell->lifetime);
}

Verdict Tm::t_set_fr(Message& m, int fr_inv, std::optional<int> fr) {
    if (fr_inv < 0 || fr.value_or(0) < 0) return Verdict::no;
    Work& w = work_for(rt_, m);
    if (fr_inv > 0) w.fr_inv = static_cast<std::uint32_t>(fr_inv);
    if (fr.value_or(0) > 0) w.fr = static_cast<std::uint32_t>(*fr);
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    if (fr_inv > 0) w.cell->fr_inv = w.fr_inv;
    if (fr.value_or(0) > 0) w.cell->fr = w.fr;
    retime(rt_, *w.cell);
    return Verdict::yes;
}

Verdict Tm::t_reset_fr(Message& m) {
    return t_set_fr(m, static_cast<int>(rt_.policy.fr_inv), static_cast<int>(rt_.policy.fr));
}

Verdict Tm::t_set_retr(Message& m, int t1, int t2) {
    if (t1 < 0 || t2 < 0) return Verdict::no;
    Work& w = work_for(rt_, m);
    if (t1 > 0) w.t1 = static_cast<std::uint32_t>(t1);
    if (t2 > 0) w.t2 = static_cast<std::uint32_t>(t2);
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    if (t1 > 0) w.cell->t1 = w.t1;
    if (t2 > 0) w.cell->t2 = w.t2;
    return Verdict::yes;
}

Verdict Tm::t_reset_retr(Message& m) {
    return t_set_retr(m, static_cast<int>(rt_.policy.t1), static_cast<int>(rt_.policy.t2));
}

Verdict Tm::t_set_max_lifetime(Message& m, int invite, int other) {
    if (invite < 0 || other < 0) return Verdict::no;
    Work& w = work_for(rt_, m);
    if (invite > 0) w.max_invite = static_cast<std::uint32_t>(invite);
    if (other > 0) w.max_other = static_cast<std::uint32_t>(other);
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    const std::uint32_t most = w.cell->is_invite() ? w.max_invite : w.max_other;
    if (most == 0) return Verdict::yes;
    w.cell->lifetime = most;
    for (Branch* b = w.cell->branches.get(); b != nullptr; b = b->next.get())
        if (b->final_at != kNever) b->final_at = std::min(b->final_at, most);
    rest(rt_, *w.cell);
    return Verdict::yes;
}

Verdict Tm::t_reset_max_lifetime(Message& m) {
    return t_set_max_lifetime(m, static_cast<int>(rt_.policy.max_invite),
                              static_cast<int>(rt_.policy.max_other));
}

Verdict Tm::t_set_auto_inv_100(Message& m, int on) {
    work_for(rt_, m).no_auto_100 = on == 0;
    return Verdict::yes;
}

Verdict Tm::set_flag(Message& m, Cell::Flag flag, bool on) {
    Work& w = work_for(rt_, m);
    w.cell_flags = on ? w.cell_flags | flag : w.cell_flags & ~static_cast<std::uint32_t>(flag);
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    on ? w.cell->set(flag) : w.cell->clear(flag);
    return Verdict::yes;
}

Verdict Tm::t_set_disable_6xx(Message& m, int on) {
    return set_flag(m, Cell::disable_6xx, on != 0);
}

Verdict Tm::t_set_no_e2e_cancel_reason(Message& m, int on) {
    return set_flag(m, Cell::no_e2e_reason, on != 0);
}

}  // namespace fairlead::tm
