// t_reply, and the 100 that goes out with the first t_relay.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/replies.h"

#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/redirect.h"
#include "modules/tm/reports.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

}  // namespace

namespace {

/// Of a request of our own: nobody is answered, but who launched it is told.
int end_own(Runtime& rt, Work& w, int code) {
    Outgoing out(rt.outbox, rt.core->net());
    {
        const BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        if (code < 200 || !local_reply(c, code, turn)) return -1;
        note_local(rt, c, {.code = code}, out);
        (void)perform(rt, c, actions, {}, out);
        rest(rt, c);
    }
    w.failed = ScriptError::none;
    out.send();
    return 1;
}

/// From onreply_route the request is not at hand, but stored.
int reply_in_onreply(Runtime& rt, Message& m, Work& w, int code, std::string_view reason) {
    Outgoing out(rt.outbox, rt.core->net());
    {
        const BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        const std::string_view text = make_stored_reply(rt, out, c, code, reason, m.reply_headers);
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        if (text.empty() || c.is_ours() || !local_reply(c, code, turn)) return -1;
        c.set(Cell::last_local);
        time_first_reply(rt, c);
        (void)replace(rt, c.reply, text, rt.tags.buffer);
        out.add(c.upstream, text);
        note(rt, c, nullptr, {.local = true, .by_script = true, .code = code, .reply = text}, out);
        note_reply(rt, c, {.made_here = true, .message = text}, out);
        (void)perform(rt, c, actions, {.may_run_routes = false}, out);
        if (code >= 200) rt.counts.final_sent(code);
        rest(rt, c);
    }
    rt.counts.local_replies.add();
    out.send();
    return 1;
}

}  // namespace

int reply(Runtime& rt, Message& m, Work& w, int code, std::string_view reason,
          std::string_view tag) {
    if (w.cell == nullptr) {
        m.error = ScriptError::unspecified;
        return -1;
    }
    if (w.cell->local) return end_own(rt, w, code);
    if (!m.is_request()) return reply_in_onreply(rt, m, w, code, reason);
    Outgoing out(rt.outbox, rt.core->net());
    const TagText own = to_tag(rt, *w.cell);
    if (tag.empty()) tag = {own.data(), own.size()};
    const std::string_view extra =
        code / 100 == 3 ? redirect_headers(m, rt.options.rich_redirect) : std::string_view();
    const std::string_view text =
        make_reply(rt, out, m, {.code = code, .reason = reason, .to_tag = tag, .headers = extra});
    if (text.empty()) return -1;
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    {
        BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        const int before = c.status;
        if (!local_reply(c, code, turn)) {
            guard.unlock();
            LOG(error, "can't generate {} reply when a final {} was sent out", code, before);
            return -1;
        }
        c.set(Cell::last_local);
        time_first_reply(rt, c);
        // RFC 3261 17.2.1 wants it repeated: without memory for that, it is sent this once.
        (void)replace(rt, c.reply, text, rt.tags.buffer);
        out.add(c.upstream, text);
        note_scripted(rt, c, m, {.local = true, .by_script = true, .code = code, .reply = text},
                      out);
        note_reply(rt, c, {.made_here = true, .message = text}, out);
        (void)perform(rt, c, actions, {}, out);
        if (code >= 200) rt.counts.final_sent(code);
        rest(rt, c);
    }
    rt.counts.local_replies.add();
    w.failed = ScriptError::none;
    out.send();
    return 1;
}

void add_trying(Runtime& rt, Message& m, Work& w, Outgoing& out) {
    if (!rt.options.auto_inv_100 || w.no_auto_100) return;
    const Target upstream = w.cell->upstream;
    if (!w.trying_due) {
        const BucketGuard guard(*w.bucket);
        Cell& c = *w.cell;
        if (c.status != 0 || c.has(Cell::final_sent)) return;
        c.set(Cell::trying_sent);
        c.status = 100;
        time_first_reply(rt, c);
    }
    w.trying_due = false;
    const std::string_view text =
        make_reply(rt, out, m, {.code = 100, .reason = rt.options.auto_inv_100_reason});
    out.add(upstream, text);
    if (rt.observed.bits != 0 || w.cell->attached) {
        const BucketGuard guard(*w.bucket);
        note_pending(rt, *w.cell, text, out);
    }
    rt.counts.local_replies.add();
}

}  // namespace fairlead::tm
