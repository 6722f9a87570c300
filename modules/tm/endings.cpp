// The script functions about how a transaction ends, and about what it keeps of the message.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

constexpr int kDroppedCode = 500;

void let_go(Runtime& rt, Cell& c) {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    release(c, turn);
    rest(rt, c);
}

}  // namespace

Verdict Tm::t_release(Message& m) {
    const Work& w = work_for(rt_, m);
    if (w.cell == nullptr) return Verdict::no;
    const BucketGuard guard(*w.bucket);
    let_go(rt_, *w.cell);
    return Verdict::yes;
}

Verdict Tm::t_drop(Message& m, std::optional<int> code) {
    Work& w = work_for(rt_, m);
    if (w.cell == nullptr) {
        LOG(error, "t_drop() without a transaction");
        return Verdict::no;
    }
    const int status = code.value_or(kDroppedCode);
    if (status < 200 || status > 999) {
        LOG(error, "t_drop(): {} is no final status", status);
        return Verdict::no;
    }
    w.failed = ScriptError::none;  // nothing goes upstream, whatever was tried before
    const BucketGuard guard(*w.bucket);
    Cell& c = *w.cell;
    if (c.has(Cell::final_sent)) return Verdict::no;
    c.status = static_cast<std::uint16_t>(status);
    let_go(rt_, c);
    return Verdict::yes;
}

Verdict Tm::t_drop_replies(Message& m, std::optional<std::string_view> mode) {
    Work& w = work_for(rt_, m);
    switch (mode.value_or("").empty() ? 'a' : mode->front()) {
        case 'n': w.drop_replies = 0; return Verdict::yes;
        case 'l': w.drop_replies = 2; return Verdict::yes;
        case 'a': w.drop_replies = 1; return Verdict::yes;
        default: LOG(error, "t_drop_replies() takes n, l or a, not \"{}\"", *mode);
    }
    return Verdict::no;
}

Verdict Tm::t_save_lumps(Message& m) {
    Work& w = work_for(rt_, m);
    if (w.cell == nullptr) {
        LOG(error, "t_save_lumps() without a transaction");
        return Verdict::no;
    }
    const BucketGuard guard(*w.bucket);
    if (!w.cell->request || !update_request(rt_, *w.cell, m)) return Verdict::no;
    w.stored_edits = true;
    return Verdict::yes;
}

Verdict Tm::t_flush_flags(Message& m) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return Verdict::no;
    const BucketGuard guard(*w->bucket);
    w->cell->flag_bits = m.flags;
    return Verdict::yes;
}

Verdict Tm::t_flush_xflags(Message& m) {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return Verdict::no;
    const BucketGuard guard(*w->bucket);
    const std::uint32_t flags = w->cell->flag_bits;
    const bool kept = keep_script_state(rt_, *w->cell, m);  // they are among the variables
    w->cell->flag_bits = flags;
    return Verdict::of(kept);
}

Verdict Tm::t_is_retr_async_reply(Message& m) {
    const Work* const w = work_of(rt_, m);
    return Verdict::of(w != nullptr && w->repeats_held);
}

Verdict Tm::t_set_disable_internal_reply(Message& m, int on) {
    work_for(rt_, m).no_error_reply = on != 0;
    return Verdict::yes;
}

Verdict Tm::without_effect(Message&) {
    return Verdict::yes;
}
Verdict Tm::without_effect_of(Message&, int) {
    return Verdict::yes;
}

}  // namespace fairlead::tm
