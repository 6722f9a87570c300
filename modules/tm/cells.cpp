// The memory of transactions.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/cells.h"

#include <algorithm>
#include <cstring>

#include "core/api/route_target.h"
#include "modules/tm/held_replies.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/observe.h"
#include "modules/tm/relay_steps.h"
#include "modules/tm/stored_request.h"
#include "modules/tm/suspend.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {
namespace {

constexpr Ms kTryAgain{100};
/// A timer that is armed too early costs one firing, moving it costs the wheel's lock each time:
/// it is moved back only when that saves more than a few firings.
constexpr Due kWorthMoving = 2000;

/// The keys as they lie in the cell's block of their own.
char* copy_keys(Runtime& rt, const RequestKey& key, std::string_view method) noexcept {
    const std::string_view parts[] = {key.branch, key.host, key.call_id, key.from_tag, method};
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    auto* const block =
        static_cast<char*>(rt.memory().allocate(size, rt.tags.keys, shm::Hold::in_hand));
    if (block == nullptr) return nullptr;
    char* at = block;
    for (const std::string_view part : parts) {
        if (!part.empty()) std::memcpy(at, part.data(), part.size());
        at += part.size();
    }
    return block;
}

void fill_keys(Cell& c, const RequestKey& key, std::string_view method) noexcept {
    c.via_hash = key.via_hash;
    c.cseq = key.cseq;
    c.port = key.port;
    c.method = key.method;
    c.branch_size = static_cast<std::uint16_t>(key.branch.size());
    c.host_size = static_cast<std::uint16_t>(key.host.size());
    c.call_id_size = static_cast<std::uint16_t>(key.call_id.size());
    c.from_tag_size = static_cast<std::uint16_t>(key.from_tag.size());
    c.method_size = static_cast<std::uint8_t>(method.size());
}

void free_branches(Runtime& rt, Cell& c) noexcept {
    while (Branch* const b = c.branches.get()) {
        drop(rt, b->sent);
        drop(rt, b->cancel);
        drop(rt, b->reply);
        rt.memory().free(b->ruid.get());
        free_itinerary(rt, b->itinerary.get());
        free_held(rt, *b);
        c.branches = b->next;
        rt.memory().free(b);
    }
}

void free_request(Runtime& rt, Cell& c) noexcept {
    StoredRequest* const request = c.request.get();
    c.request = nullptr;
    rt.memory().free(request);
}

/// What a branch of a settled transaction still needs: the ACK of a negative reply, and a CANCEL
/// that is not answered yet.
void slim(Runtime& rt, const Cell& c, Branch& b) noexcept {
    const bool acks = c.is_invite() && b.invite_state() == ClientInviteState::completed;
    // cancel_b_method=0 gives a branch up that may answer yet.
    const bool may_ack = c.is_invite() && (b.invite_state() == ClientInviteState::proceeding ||
                                           b.invite_state() == ClientInviteState::calling);
    if (!acks && !may_ack) drop(rt, b.sent);
    if (b.cancelling != CancelState::sent) drop(rt, b.cancel);
    drop(rt, b.reply);
    free_itinerary(rt, b.itinerary.get());
    b.itinerary = nullptr;
}

void set_timer(Runtime& rt, Cell& c, Due due, Due now) noexcept {
    c.armed_at = due;
    rt.core->timers().set(c, Ms(due > now ? due - now : 0), rt.timer);
}

}  // namespace

Cell* make_cell(Runtime& rt, Bucket& b, const RequestKey& key, const Message& m) noexcept {
    shm::Segment& memory = rt.memory();
    const std::string_view method =
        key.method == sip::Method::other ? key.method_text : std::string_view();
    auto* const c = memory.make<Cell>(rt.tags.transaction, shm::Hold::in_hand);
    char* const keys = c != nullptr ? copy_keys(rt, key, method) : nullptr;
    StoredRequest* const request =
        keys != nullptr ? store_request(memory, rt.tags.request, m) : nullptr;
    if (request == nullptr) {
        memory.free(keys);
        memory.free(c);
        rt.counts.memory_failures.add();
        return nullptr;
    }
    c->keys = keys;
    c->request = request;
    fill_keys(*c, key, method);
    c->slot = rt.table.slot_of(key.hash);
    c->label = b.next_label++;
    c->created = rt.now();
    c->created_ns = static_cast<std::uint32_t>(m.arrived_ns % 1'000'000);
    c->upstream = reply_target(m);
    c->flag_bits = m.flags;
    begin(*c, rt.policy);
    // From here on the table is the holder. A process that dies between these lines and link()
    // loses a block; the other order could free one that is linked.
    memory.publish(keys);
    memory.publish(request);
    memory.publish(c);
    Table::link(b, *c);
    rt.counts.created.add();
    return c;
}

Cell* make_local_cell(Runtime& rt, Bucket& b, const RequestKey& key, std::uint32_t label,
                      LocalRequest& local) noexcept {
    shm::Segment& memory = rt.memory();
    const std::string_view method =
        key.method == sip::Method::other ? key.method_text : std::string_view();
    auto* const c = memory.make<Cell>(rt.tags.transaction, shm::Hold::in_hand);
    char* const keys = c != nullptr ? copy_keys(rt, key, method) : nullptr;
    if (keys == nullptr) {
        memory.free(c);
        rt.counts.memory_failures.add();
        return nullptr;
    }
    c->keys = keys;
    c->local = &local;
    fill_keys(*c, key, method);
    c->slot = rt.table.slot_of(key.hash);
    c->label = label;
    c->created = rt.now();
    begin(*c, rt.policy);
    memory.publish(keys);
    memory.publish(&local);
    memory.publish(c);
    Table::link(b, *c);
    rt.counts.created.add();
    rt.counts.uac_transactions.add();
    return c;
}

void publish(Runtime& rt, const Buffer& buffer) noexcept {
    if (buffer) rt.memory().publish(buffer.bytes.get());
}

bool replace(Runtime& rt, Buffer& buffer, std::string_view bytes, shm::Tag tag,
             shm::Hold hold) noexcept {
    char* const copy = rt.memory().copy(bytes, tag, shm::Hold::in_hand);
    drop(rt, buffer);
    if (copy == nullptr) {
        if (!bytes.empty()) rt.counts.memory_failures.add();
        return bytes.empty();
    }
    if (hold == shm::Hold::published) rt.memory().publish(copy);
    buffer.size = static_cast<std::uint32_t>(bytes.size());
    buffer.bytes = copy;
    return true;
}

void drop(Runtime& rt, Buffer& buffer) noexcept {
    char* const bytes = buffer.bytes.get();
    if (bytes == nullptr) return;
    buffer.bytes = nullptr;
    buffer.size = 0;
    rt.memory().free(bytes);
}

bool update_request(Runtime& rt, Cell& c, const Message& m) noexcept {
    StoredRequest* const request = store_request(rt.memory(), rt.tags.request, m);
    if (request == nullptr) {
        rt.counts.memory_failures.add();
        return false;
    }
    rt.memory().publish(request);
    free_request(rt, c);
    c.request = request;
    return true;
}

bool keep_script_state(Runtime& rt, Cell& c, const Message& m) {
    c.flag_bits = m.flags;
    const std::size_t size = m.kept_size();
    if (size == 0) {
        drop(rt, c.avps);
        return true;
    }
    char* const bytes = m.arena.allocate(size);
    m.keep(bytes);
    const std::string_view stored(bytes, size);
    if (stored == c.avps.view()) return true;
    // Without memory the older ones stay.
    char* const copy = rt.memory().copy(stored, rt.tags.avps);
    if (copy == nullptr) {
        rt.counts.memory_failures.add();
        return false;
    }
    drop(rt, c.avps);
    c.avps.size = static_cast<std::uint32_t>(size);
    c.avps.bytes = copy;
    return true;
}

void rest(Runtime& rt, Cell& c) noexcept {
    const Due now = c.at(rt.now());
    if (c.suspension && !c.waiting) free_suspension(rt, c);
    if (c.step && (c.has(Cell::final_sent) || c.has(Cell::released) || c.has(Cell::cancelled)))
        free_step(rt, c);
    Due due = next_due(c);
    if (is_settled(c)) {
        if (c.request) {
            free_request(rt, c);
            if (!c.local) rt.counts.waiting.add();
        }
        for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) slim(rt, c, *b);
        // Nothing repeats a negative reply that was acknowledged.
        if (c.is_invite() && c.invite_state() == ServerInviteState::confirmed) drop(rt, c.reply);
    }
    if (is_ended(c)) due = now;
    if (due == kNever) return;
    if (c.is_armed() && c.armed_at <= due && due - c.armed_at < kWorthMoving) return;
    set_timer(rt, c, due, now);
}

void collect(Runtime& rt, Bucket& b, Cell& c, Outgoing* out) noexcept {
    c.set(Cell::dead);
    if (rt.core->hazards().in_use(&c, sizeof c)) {
        rt.counts.delayed_free.add();
        c.armed_at = c.at(rt.now() + kTryAgain);
        rt.core->timers().set(c, kTryAgain, rt.timer);
        return;
    }
    rt.core->timers().cancel(c);
    Table::unlink(b, c);
    if (!c.request && !c.local) rt.counts.done_waiting.add();
    free_branches(rt, c);
    free_request(rt, c);
    free_suspension(rt, c);
    free_step(rt, c);
    if (out != nullptr) note_moment(rt, c, {.moment = Moment::destroyed}, *out);
    free_attached(rt, c);
    rt.memory().free(c.local.get());
    drop(rt, c.reply);
    drop(rt, c.avps);
    rt.memory().free(c.keys.get());
    rt.memory().free(&c);
    rt.counts.freed.add();
}

}  // namespace fairlead::tm
