// What happens to transactions, for who observes them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/observe.h"

#include <array>
#include <exception>

#include "core/api/log.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;
constexpr std::size_t kMost = ObserveApi::kMostAttached;

void call(const Runtime& rt, ObserverId id, const Notice& notice) noexcept {
    const auto index = static_cast<std::size_t>(id);
    if (index >= rt.observers.size()) return;
    try {
        rt.observers[index].observer->noticed(notice);
    } catch (const std::exception& e) {
        LOG(error, "an observer of transactions threw: {}", e.what());
    }
}

}  // namespace

void note_moment(const Runtime& rt, const Cell& c, const Notice& notice, Outgoing& out) {
    if (!is_observed(rt, c, notice.moment)) return;
    std::array<NoticeCall::To, kMost> to{};
    std::size_t count = 0;
    for (const Attached* a = c.attached.get(); a != nullptr && count < to.size(); a = a->next.get())
        if (a->moments.has(notice.moment)) to[count++] = {a->observer, a->param};
    NoticeCall made{.notice = notice, .flags = c.flag_bits};
    if (count != 0) made.to = std::span(*out.arena().make<decltype(to)>(to)).first(count);
    made.notice.id = {c.slot, c.label};
    made.notice.message = out.arena().copy(notice.message);
    Event event;
    event.notice = out.arena().make<NoticeCall>(made);
    out.add_event(event);
}

void note_failed_branches(const Runtime& rt, Cell& c, Outgoing& out) {
    if (!is_observed(rt, c, Moment::branch_failed)) return;
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (!b->has(Branch::ended_badly)) continue;
        b->clear(Branch::ended_badly);
        note_moment(rt, c,
                    {.moment = Moment::branch_failed,
                     .code = b->status,
                     .branch = b->index,
                     .made_here = b->has(Branch::faked)},
                    out);
    }
}

void note_sent(const Runtime& rt, const Cell& c, const Branch* b, std::string_view bytes,
               Outgoing& out, bool again) {
    Notice sent{.moment = b != nullptr ? Moment::request_sent : Moment::response_sent,
                .branch = b != nullptr ? b->index : -1,
                .again = again,
                .message = bytes};
    if (!is_observed(rt, c, sent.moment)) return;
    sent.code = status_of(bytes);
    note_moment(rt, c, sent, out);
}

void note_branch_out(const Runtime& rt, const Cell& c, const Branch& b, std::string_view bytes,
                     Outgoing& out) {
    Notice notice{.branch = b.index, .message = bytes};
    for (const Moment moment : {Moment::request_built, Moment::request_out, Moment::request_sent}) {
        notice.moment = moment;
        note_moment(rt, c, notice, out);
    }
}

void note_pending(const Runtime& rt, const Cell& c, std::string_view bytes, Outgoing& out) {
    Notice notice{.code = 100, .made_here = true, .message = bytes};
    for (const Moment moment : {Moment::request_pending, Moment::response_sent}) {
        notice.moment = moment;
        note_moment(rt, c, notice, out);
    }
}

void note_reply(const Runtime& rt, const Cell& c, Notice notice, Outgoing& out) {
    notice.code = status_of(notice.message);
    const auto note = [&](Moment moment) {
        notice.moment = moment;
        note_moment(rt, c, notice, out);
    };
    if (notice.branch >= 0) note(Moment::response_forwarded);
    if (!notice.again) note(Moment::response_out);
    note(Moment::response_sent);
}

void note_e2e_ack(const Runtime& rt, Cell& c, std::string_view to_tag, std::string_view bytes,
                  Outgoing& out) {
    std::uint32_t hash = 2166136261U;
    for (const char ch : to_tag) hash = (hash ^ static_cast<std::uint8_t>(ch)) * 16777619U;
    const bool again = c.acked_tag == hash;
    c.acked_tag = hash;
    note_moment(rt, c,
                {.moment = again ? Moment::e2e_ack_again : Moment::e2e_ack_in,
                 .again = again,
                 .message = bytes},
                out);
}

int status_of(std::string_view message) noexcept {
    constexpr std::string_view kVersion = "SIP/2.0 ";
    if (!message.starts_with(kVersion) || message.size() < kVersion.size() + 3) return 0;
    int code = 0;
    for (const char digit : message.substr(kVersion.size(), 3)) code = code * 10 + (digit - '0');
    return code;
}

void tell(const Runtime& rt, const NoticeCall& made) noexcept {
    for (const NoticeCall::To& to : made.to) {
        Notice notice = made.notice;
        notice.param = to.param;
        call(rt, to.observer, notice);
    }
    for (std::size_t i = rt.observers.size(); i-- != 0;) {
        const Observing& o = rt.observers[i];
        const bool concerned = o.flags == 0 || (o.flags & made.flags) != 0;
        if (concerned && o.moments.has(made.notice.moment))
            call(rt, static_cast<ObserverId>(i), made.notice);
    }
}

void free_attached(Runtime& rt, Cell& c) noexcept {
    while (Attached* const a = c.attached.get()) {
        c.attached = a->next;
        rt.memory().free(a);
    }
}

// ---- ObserveApi ---------------------------------------------------------------------------------

ObserverId Tm::observe(Observer& observer, Moments moments, std::uint32_t flags) {
    rt_.observers.push_back({&observer, moments, flags});
    rt_.observed.bits |= moments.bits;
    return static_cast<ObserverId>(rt_.observers.size() - 1);
}

void Tm::shape(Shaper& shaper) {
    rt_.shapers.push_back(&shaper);
}

bool Tm::attach(TransactionId id, ObserverId observer, Moments moments, std::uint64_t param) {
    if (id.slot >= rt_.table.size()) return false;
    auto* const made = rt_.memory().make<Attached>(rt_.tags.attached, shm::Hold::in_hand);
    if (made == nullptr) {
        rt_.counts.memory_failures.add();
        return false;
    }
    made->param = param;
    made->moments = moments;
    made->observer = observer;
    {
        Bucket& b = rt_.table.bucket(id.slot);
        const BucketGuard guard(b);
        Cell* const c = Table::find(b, id.label);
        std::size_t count = 0;
        const Attached* a = c != nullptr ? c->attached.get() : nullptr;
        for (; a != nullptr; a = a->next.get()) ++count;
        if (c != nullptr && count < kMost) {
            made->next = c->attached;
            rt_.memory().publish(made);
            c->attached = made;
            c->observed.bits |= moments.bits;
            return true;
        }
    }
    rt_.memory().free(made);
    return false;
}

bool Tm::id_of(const Message& m, TransactionId& id) const noexcept {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return false;
    id = {w->cell->slot, w->cell->label};
    return true;
}

int Tm::variables_of(TransactionId id, Message& into) {
    if (id.slot >= rt_.table.size()) return 0;
    std::string_view kept;
    int status = 0;
    {
        Bucket& b = rt_.table.bucket(id.slot);
        const shm::Guard<Bucket> guard(b);
        const Cell* const c = Table::find(b, id.label);
        if (c == nullptr) return 0;
        status = c->status;
        kept = into.arena.copy(c->avps.view());
    }
    if (!kept.empty()) (void)into.load_kept(kept);
    return status;
}

}  // namespace fairlead::tm
