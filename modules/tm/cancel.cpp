// The client's CANCEL.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/cancel.h"

#include "core/api/next_hop.h"
#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/lookup.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/replies.h"
#include "modules/tm/routes.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

bool has_invite(Runtime& rt, const RequestKey& key, Bucket& b) noexcept {
    const BucketGuard guard(b);
    const Cell* const c = Table::find(b, key, sip::Method::invite);
    return c != nullptr && has_right_tag(rt, *c, key);
}

int stateless(Runtime& rt, Message& m) {
    const ScriptError error = rt.core->forward(m);
    if (error == ScriptError::none) return 1;
    m.error = error;
    return static_cast<int>(error);
}

int unmatched(Runtime& rt, Message& m, Work& w, const Destination& to) {
    if (rt.options.unmatched_cancel == 2) return 1;
    if (rt.options.unmatched_cancel == 1) return stateless(rt, m);
    Outgoing out(rt.outbox, rt.core->net());
    const int made = new_transaction(rt, m, w, false, out);
    out.send();
    if (made <= 0) return made == 0 ? 1 : made;
    return forward_nonack(rt, m, to);
}

/// The Reason lines, for the CANCELs that we send (RFC 3326 2).
std::string_view reasons(Message& m) {
    std::string_view lines;
    for (const sip::Header& h : m.sip.headers())
        if (h.type == sip::HeaderType::reason)
            lines = m.arena.concat({lines, m.sip.bytes().substr(h.name_offset, h.line_length)});
    return lines;
}

}  // namespace

int forward_ack(Runtime& rt, Message& m, const Destination& to) {
    if (to.address.empty()) return stateless(rt, m);
    const std::string_view hop = hop_uri(to.address, m.arena);
    if (hop.empty()) {
        m.error = ScriptError::bad_address;
        return static_cast<int>(m.error);
    }
    const BranchTarget before = m.target;
    m.target.dst_uri = hop;
    const int result = stateless(rt, m);
    m.target = before;
    return result;
}

int relay_cancel(Runtime& rt, Message& m, Work& w, const Destination& to) {
    const auto key = request_key(m.sip, rt.options.matching);
    if (!key) {
        m.error = ScriptError::bad_tuple;
        return static_cast<int>(ScriptError::bad_tuple);
    }
    Bucket& b = rt.table.bucket(key->hash);
    if (!has_invite(rt, *key, b)) return unmatched(rt, m, w, to);

    Outgoing out(rt.outbox, rt.core->net());
    const int made = new_transaction(rt, m, w, false, out);
    if (made == 0) {  // answered again
        out.send();
        return 1;
    }
    bool pending = false, choose = false, guarded = false;
    TagText tag{};
    Cell* invite = nullptr;
    const std::string_view lines = reasons(m);
    {
        const BucketGuard guard(b);
        invite = Table::find(b, *key, sip::Method::invite);
        if (invite != nullptr) {
            Actions actions;
            Turn turn{rt.now(), rt.policy, actions};
            tag = to_tag(rt, *invite);
            note_moment(rt, *invite, {.moment = Moment::e2e_cancel_in, .message = m.sip.bytes()},
                        out);
            pending = cancel_received(*invite, turn);
            guarded = rt.core->hazards().protect(rt.process(), invite);
            const Hand hand{.reasons = lines, .may_run_routes = guarded};
            choose = perform(rt, *invite, actions, hand, out);
            rest(rt, *invite);
        }
    }
    out.send();
    // RFC 3261 9.2: the answer to the CANCEL has the To-tag of the INVITE's.
    const int answered =
        made < 0 ? made
                 : reply(rt, m, w, 200, pending ? "canceling" : "ok -- no more pending branches",
                         {tag.data(), tag.size()});
    if (choose) run_choice(rt, b, *invite);
    if (guarded) rt.core->hazards().release(rt.process(), invite);
    return answered;
}

}  // namespace fairlead::tm
