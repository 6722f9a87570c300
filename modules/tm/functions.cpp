// The script functions that make, relay, answer and end transactions.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/contacts.h"
#include "modules/tm/lookup.h"
#include "modules/tm/replies.h"
#include "modules/tm/reports.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

}  // namespace

Verdict Tm::t_newtran(Message& m) {
    Work& w = work_for(rt_, m);
    if (w.cell != nullptr) {
        const BucketGuard guard(*w.bucket);
        w.cell->flag_bits = m.flags;
        return Verdict(ScriptError::script);
    }
    Outgoing out(rt_.outbox, rt_.core->net());
    const int made = tm::new_transaction(rt_, m, w, false, out);
    out.send();
    return Verdict(made);
}

Verdict Tm::t_lookup_request(Message& m) {
    return Verdict(lookup_request(rt_, m, work_for(rt_, m)));
}

Verdict Tm::t_lookup_cancel(Message& m, std::optional<int> copy_flags) {
    if (m.sip.method() != sip::Method::cancel) {
        LOG(warning, "t_lookup_cancel() is for CANCEL, this is {}", m.sip.method_text());
        return Verdict::no;
    }
    return Verdict(lookup_cancel(rt_, m, copy_flags.value_or(0) != 0));
}

Verdict Tm::t_check_trans(Message& m) {
    if (!m.is_request()) {
        return m.route_type == Route::core_reply ? Verdict(check_reply(rt_, m)) : Verdict::yes;
    }
    if (m.route_type != Route::request) return Verdict::yes;
    return Verdict(check_request(rt_, m, work_for(rt_, m), check_trans_exits));
}

int Tm::code_of(const Value& code) const noexcept {
    if (code.is_integer() && code.integer() >= 100 && code.integer() <= 999)
        return static_cast<int>(code.integer());
    LOG(error, "the reply code is no status code: replying {}", rt_.options.default_code);
    return rt_.options.default_code;
}

Verdict Tm::t_reply(Message& m, Value code, std::string_view reason) {
    Work& w = work_for(rt_, m);
    if (reason.empty()) reason = rt_.options.default_reason;
    return Verdict(tm::reply(rt_, m, w, code_of(code), reason));
}

Verdict Tm::t_send_reply(Message& m, Value code, std::string_view reason) {
    Work& w = work_for(rt_, m);
    if (w.cell == nullptr) {
        const Verdict made = t_newtran(m);
        if (made.code <= 0) return made;
        if (w.cell == nullptr) return Verdict::no;  // an ACK
    }
    return t_reply(m, code, reason);
}

Verdict Tm::t_retransmit_reply(Message& m) {
    return Verdict(retransmit_reply(rt_, work_for(rt_, m)));
}

Verdict Tm::t_on_failure(Message& m, FailureRoute route) {
    Work& w = work_for(rt_, m);
    w.on_failure = route.id;
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    w.cell->on_failure = route.id;
    if (m.route_type == Route::tm_reply && w.branch != nullptr) w.branch->on_failure = route.id;
    return Verdict::yes;
}

Verdict Tm::t_on_reply(Message& m, ReplyRoute route) {
    Work& w = work_for(rt_, m);
    w.on_reply = route.id;
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    w.cell->on_reply = route.id;
    if (m.route_type == Route::tm_reply && w.branch != nullptr) w.branch->on_reply = route.id;
    return Verdict::yes;
}

Verdict Tm::t_on_branch(Message& m, BranchRoute route) {
    Work& w = work_for(rt_, m);
    w.on_branch = route.id;
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    w.cell->on_branch = route.id;
    return Verdict::yes;
}

Verdict Tm::t_on_branch_failure(Message& m, BranchFailureRoute route) {
    Work& w = work_for(rt_, m);
    w.on_branch_failure = route.id;
    if (w.cell == nullptr) return Verdict::yes;
    const BucketGuard guard(*w.bucket);
    w.cell->on_branch_failure = route.id;
    if (m.route_type == Route::tm_reply && w.branch != nullptr)
        w.branch->on_branch_failure = route.id;
    return Verdict::yes;
}

Verdict Tm::t_reuse_branch(Message& m) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr || w->branch == nullptr || !w->in_branch_failure) {
        LOG(error, "t_reuse_branch() is for event_route[tm:branch-failure:…]");
        return Verdict::no;
    }
    const BucketGuard guard(*w->bucket);
    const Branch& b = *w->branch;
    m.target = {};
    m.target.uri = m.arena.copy(uri_of(b));
    m.target.flags = b.flag_bits;
    m.target.ruid = m.arena.copy(b.ruid_text());
    m.target.listener = b.target.listener;
    m.target.dst_uri =
        m.arena.concat({"sip:", b.target.address.text(), ";transport=", name(b.target.proto)});
    if (b.has(Branch::with_path) && !rt_.scratch.parse(b.sent.view()))
        m.target.path = m.arena.copy(rt_.scratch.text(sip::HeaderType::route));
    m.uri_consumed = false;
    return Verdict::yes;
}

Verdict Tm::t_load_contacts(Message& m, std::optional<int> mode) {
    const bool at_random = mode.value_or(0) == 1;
    return Verdict(load_contacts(rt_, m, at_random ? ContactOrder::at_random : ContactOrder::by_q));
}
Verdict Tm::t_next_contacts(Message& m) {
    return Verdict(next_contacts(rt_, m));
}
Verdict Tm::t_next_contact_flow(Message& m) {
    return Verdict(next_contact_flow(rt_, m));
}

Verdict Tm::t_is_set(Message& m, std::string_view what) {
    const Work& w = work_for(rt_, m);
    RouteId failure = w.on_failure, on_reply = w.on_reply, branch = w.on_branch;
    if (w.cell != nullptr) {
        const BucketGuard guard(*w.bucket);
        failure = w.cell->on_failure;
        on_reply = w.cell->on_reply;
        branch = w.cell->on_branch;
    }
    const char which = what.empty() ? ' ' : what.front();
    const RouteId asked = which == 'f'   ? failure
                          : which == 'o' ? on_reply
                          : which == 'b' ? branch
                                         : RouteId::none;
    return Verdict::of(asked != RouteId::none);
}

}  // namespace fairlead::tm
