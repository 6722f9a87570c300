// Copies of a request that nobody upstream hears of.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/replicate.h"

#include "core/api/log.h"
#include "modules/tm/cells.h"
#include "modules/tm/perform.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

bool is_replica(const Cell& c, const RequestKey& key, sip::Method method) noexcept {
    return c.has(Cell::replica) && !c.has(Cell::dead) && c.method == method && same_via(c, key);
}

/// Puts the message back as it was, however the replication ends.
class Untouched {
public:
    explicit Untouched(Message& m)
        : m_(m), target_(m.target), edits_(m.edits), consumed_(m.uri_consumed) {
        m.uri_consumed = false;
    }
    Untouched(const Untouched&) = delete;
    Untouched& operator=(const Untouched&) = delete;
    ~Untouched() {
        m_.target = target_;
        m_.edits = edits_;
        m_.uri_consumed = consumed_;
        m_.branch_count = 0;
    }

private:
    Message& m_;
    BranchTarget target_;
    sip::Edits edits_;
    bool consumed_;
};

/// A replica goes where the script says; a Route set would lead the next server astray.
void remove_routes(Message& m) {
    for (const sip::Header& h : m.sip.headers())
        if (h.type == sip::HeaderType::route && !m.edits.is_removed(h)) (void)m.edits.remove(h);
}

int cancel_replicas(Runtime& rt, const RequestKey& key, Bucket& b) {
    Outgoing out(rt.outbox, rt.core->net());
    bool found = false;
    {
        const BucketGuard guard(b);
        for (Cell* c = b.first.get(); c != nullptr; c = c->link.get()) {
            if (!is_replica(*c, key, sip::Method::invite) || c->has(Cell::final_sent)) continue;
            found = true;
            Actions actions;
            Turn turn{rt.now(), rt.policy, actions};
            cancel_open(*c, kNoReason, turn);
            (void)perform(rt, *c, actions, {.may_run_routes = false}, out);
            rest(rt, *c);
        }
    }
    out.send();
    return found ? 1 : -1;
}

/// The replica's cell, bound to `w`; null without memory.
Cell* make_replica(Runtime& rt, Message& m, const RequestKey& key, Bucket& b, Work& w) {
    const BucketGuard guard(b);
    Cell* const c = make_cell(rt, b, key, m);
    if (c == nullptr) return nullptr;
    c->set(Cell::replica);
    if (bind(rt, w, b, *c)) return c;
    collect(rt, b, *c);
    return nullptr;
}

}  // namespace

int replicate(Runtime& rt, Message& m, std::string_view uri, const Destination& to) {
    const auto key = m.is_request() ? request_key(m.sip, rt.options.matching) : std::nullopt;
    if (!key) {
        m.error = ScriptError::bad_tuple;
        return static_cast<int>(m.error);
    }
    if (key->method == sip::Method::ack) return -1;
    Bucket& b = rt.table.bucket(key->hash);
    if (key->method == sip::Method::cancel) return cancel_replicas(rt, *key, b);

    Work& script = work_for(rt, m);
    if (!script.replicated) {  // else the script replicates to several places, one by one
        const BucketGuard guard(b);
        for (const Cell* c = b.first.get(); c != nullptr; c = c->link.get())
            if (is_replica(*c, *key, key->method)) return 1;  // a retransmission
    }
    script.replicated = true;
    const Untouched untouched(m);
    if (!uri.empty() || !to.address.empty()) remove_routes(m);
    if (!uri.empty()) m.target.dst_uri = m.arena.copy(uri);
    Work own;
    Cell* const c = make_replica(rt, m, *key, b, own);
    if (c == nullptr) {
        m.error = ScriptError::out_of_memory;
        return static_cast<int>(m.error);
    }
    const int result = forward(rt, m, own, to);
    unbind(rt, own);
    if (result < 0) {
        const BucketGuard guard(b);
        collect(rt, b, *c);
    }
    return result;
}

}  // namespace fairlead::tm
