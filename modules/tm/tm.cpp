// Transactions: start-up, hooks, timers and what other modules see.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/tm.h"

#include <charconv>
#include <system_error>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tm/cells.h"
#include "modules/tm/foreign.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/lookup.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/recovery.h"
#include "modules/tm/replies.h"
#include "modules/tm/reports.h"
#include "modules/tm/responses.h"
#include "modules/tm/routes.h"
#include "modules/tm/suspend.h"
#include "modules/tm/trace_notes.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {

Result<void> Tm::set_timer_units(const Value& text) {
    if (text.string() == "s")
        times.units = TimerUnits::seconds;
    else if (text.string() == "ms")
        times.units = TimerUnits::milliseconds;
    else if (text.string() == "auto")
        times.units = TimerUnits::automatic;
    else
        return fail("timer_units is \"s\", \"ms\" or \"auto\"");
    return {};
}

Result<void> Tm::set_branch_flag_mask(const Value& value) {
    std::string_view digits = value.string();
    int base = 10;
    if (digits.starts_with("0x")) {
        digits.remove_prefix(2);
        base = 16;
    } else if (digits.starts_with('b')) {
        digits.remove_prefix(1);
        base = 2;
    }
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), branch_flag_mask, base);
    if (error != std::errc() || end != digits.data() + digits.size())
        return fail("branch_flag_mask is 32 bits: \"0xff000000\", \"b1100\" or \"12\"");
    return {};
}

std::string Tm::avp_name(std::string_view text) {
    text = text::trim(text);
    if (text.starts_with("$avp(") && text.ends_with(')')) text = text.substr(5, text.size() - 6);
    if (text.starts_with("s:")) text.remove_prefix(2);
    return std::string(text);
}

Policy Tm::policy(const Times& time) const noexcept {
    const auto ms = [](int n) { return static_cast<std::uint32_t>(n); };
    return {.t1 = time.t1,
            .t2 = time.t2,
            .second = time.second,
            .third = time.third,
            .fr = time.fr,
            .fr_inv = time.fr_inv,
            .wait = time.wait,
            .max_invite = ms(max_inv_lifetime),
            .max_other = ms(max_noninv_lifetime),
            .cap_invite_interval = retr_invite_cap,
            .rfc4320 = rfc4320,
            .restart_fr_on_each_reply = restart_fr_on_each_reply,
            .relay_100 = relay_100,
            .noisy_ctimer = noisy_ctimer,
            .silent_when_unanswered = silent_when_unanswered,
            .remap_503_500 = remap_503_500,
            .aggregate_challenges = aggregate_challenges,
            .disable_6xx_block = disable_6xx_block,
            .local_cancel_reason = local_cancel_reason,
            .e2e_cancel_reason = e2e_cancel_reason,
            .cancel_b_method = cancel_b_method,
            .failure_reply_mode = failure_reply_mode,
            .faked_reply_prio = faked_reply_prio};
}

Result<void> Tm::prepare(Core& core) {
    rt_.core = &core;
    rt_.late = &late_;
    rt_.sends = &sends_.emplace(core.net());
    const Result<Times> time = resolve(times);
    if (!time) return std::unexpected(time.error());
    for (const std::string& line : time->guessed) LOG(info, "{}", line);
    rt_.policy = policy(*time);
    rt_.options = {.auto_inv_100 = auto_inv_100,
                   .auto_inv_100_reason = auto_inv_100_reason,
                   .unmatched_cancel = unmatched_cancel,
                   .default_code = default_code,
                   .default_reason = default_reason,
                   .reply_matching = reply_matching,
                   .forward_stray_replies = forward_stray_replies,
                   .max_transactions = max_transactions,
                   .matching = {via1_matching, ruri_matching, ack_tag_matching, cancel_tag_matching,
                                callid_cseq_matching},
                   .fr_timer_avp = fr_timer_avp,
                   .fr_inv_timer_avp = fr_inv_timer_avp,
                   .ac_extra_hdrs = ac_extra_hdrs,
                   .rich_redirect = rich_redirect,
                   .branch_flag_mask = branch_flag_mask,
                   .contacts_avp = contacts_avp,
                   .contact_flows_avp = contact_flows_avp,
                   .failure_exec_mode = failure_exec_mode,
                   .uri_of_winner = failure_uri_of_winner,
                   .enable_uac_fr = enable_uac_fr,
                   .reply_relay_mode = reply_relay_mode,
                   .xavp_contact = xavp_contact,
                   .local_ack_mode = local_ack_mode};
    if (contacts_avp.empty() != contact_flows_avp.empty())
        return fail("contacts_avp and contact_flows_avp go together");
    rt_.counts = counts;
    rt_.first_reply = core.histograms().add("core", "first_reply",
                                            "From a request's arrival to the first reply to it.");
    unix_tx_ = time->unix_tx;
    if (!writes.init(core)) return fail("no shared memory for what waits to be written");
    rt_.local_response = core.script().find(Route::event, "tm:local-response");
    if (!on_sl_reply.empty()) {
        stray_route_ = core.script().find(Route::tm_reply, on_sl_reply);
        if (stray_route_ == RouteId::none)
            return fail("on_sl_reply: there is no onreply_route[" + on_sl_reply + "]");
    }
    shm::Segment& memory = core.memory();
    rt_.tags = {memory.tag("tm", "transaction"), memory.tag("tm", "keys"),
                memory.tag("tm", "request"),     memory.tag("tm", "branch"),
                memory.tag("tm", "buffer"),      memory.tag("tm", "avps"),
                memory.tag("tm", "local"),       memory.tag("tm", "suspension"),
                memory.tag("tm", "step"),        memory.tag("tm", "observer"),
                memory.tag("tm", "itinerary")};
    rt_.outbox.set_sink(*this);
    answers_.prepare(*this);
    rt_.timer = core.timers().add("tm", *this);
    rt_.send_failure = core.on_send_failure(*this);
    rt_.uac_mail = core.on_mail(*this);
    rt_.local_request = core.script().find(Route::event, "tm:local-request");
    rt_.slot = core.message_slot();
    const std::uint64_t seed = core.random().next();
    rt_.nonce = static_cast<std::uint32_t>(seed);
    if (!rt_.table.init(memory, static_cast<std::size_t>(hash_size), seed))
        return fail("no shared memory for the table of transactions: raise shm_mem_size (-m)");
    return {};
}

Result<void> Tm::start(const Process& process) {
    rt_.incarnation = static_cast<std::uint32_t>(rt_.core->random().next());
    if (!process.reborn) return {};
    writes.recover();
    const std::size_t touched = recover(rt_);
    LOG(notice, "took over {} transactions of the process that died", touched);
    return {};
}

Next Tm::reply_arrived(Message& m) {
    const Next next = tm::reply_arrived(rt_, m);
    return next == Next::go_on ? without_transaction(m) : next;
}

Next Tm::without_transaction(Message& m) {
    if (stray_route_ == RouteId::none) return Next::go_on;
    const Route before = m.route_type;
    m.route_type = Route::core_reply;
    const RouteResult result = rt_.core->script().run(stray_route_, m);
    m.route_type = before;
    return result.dropped || result.code == 0 ? Next::consumed : Next::go_on;
}

void Tm::message_done(Message& m, const RouteResult& result) {
    script_done(rt_, m, result);
}

void Tm::fired(shm::TimerEntry& entry) noexcept {
    Cell& c = static_cast<Cell&>(entry);
    Bucket& b = rt_.table.bucket(c.slot);
    Outgoing out(rt_.outbox, rt_.core->net());
    bool choose = false;
    {
        const shm::Guard<Bucket> guard(b);
        if (!shm::TimerWheel::claim(entry)) return;
        c.armed_at = kNever;
        if (!c.has(Cell::dead) && !is_ended(c)) {
            Actions actions;
            Turn turn{rt_.now(), rt_.policy, actions};
            note_timers(rt_, c);
            time_passed(c, turn);
            choose = perform(rt_, c, actions, {}, out);
        }
        if (c.has(Cell::dead) || is_ended(c)) {
            // The timer service protects the entry for this call; nothing here needs it any more,
            // and its own release() of an entry that it does not hold does nothing.
            rt_.core->hazards().release(rt_.process(), &entry);
            collect(rt_, b, c, &out);
        } else {
            rest(rt_, c);
        }
    }
    out.send();
    if (choose) run_choice(rt_, b, c);
}

void Tm::failed(void* object, std::uint32_t index) noexcept {
    send_failed(rt_, *static_cast<Bucket*>(object), index);
}

int Tm::relay(Runtime& rt, Message& m, const Destination& to) {
    return tm::relay(rt, m, to);
}

void Tm::tell(const Event& event) noexcept {
    if (event.wake != nullptr) return wake(rt_, *event.wake);
    if (event.news != nullptr) return deliver(rt_, *event.news);
    if (event.notice != nullptr) return tm::tell(rt_, *event.notice);
    if (event.send_on != nullptr) return late_.go_on(*event.send_on);
    if (event.ask_again != nullptr) return late_.ask_again(*event.ask_again);
    tm::tell(rt_, event);
}

void Tm::mail(std::string_view bytes) noexcept {
    take_news(rt_, bytes);
}

// ---- Api ----------------------------------------------------------------------------------------

bool Tm::has_transaction(const Message& m) const noexcept {
    const Work* const w = work_of(rt_, m);
    return w != nullptr && (w->cell != nullptr || w->answered);
}

int Tm::new_transaction(Message& m) {
    return t_newtran(m).code;
}

int Tm::reply(Message& m, int code, std::string_view reason) {
    Work* const w = work_of(rt_, m);
    return w != nullptr ? tm::reply(rt_, m, *w, code, reason) : -1;
}

int Tm::relay(Message& m) {
    return tm::relay(rt_, m, {});
}

std::string_view Tm::reply_to_tag(const Message& m) const noexcept {
    const Work* const w = work_of(rt_, m);
    if (w == nullptr || w->cell == nullptr) return {};
    const TagText tag = to_tag(rt_, *w->cell);
    return m.arena.copy({tag.data(), tag.size()});
}

void Tm::watch(Watcher& watcher, std::uint32_t flags, bool provisional) {
    rt_.watchers.push_back({&watcher, flags, provisional});
    rt_.watched_flags |= flags;
    if (provisional) rt_.watched_provisional |= flags;
}

bool Tm::cancel_branches(Message& m, Which which) {
    return tm::cancel_branches(rt_, m, which);
}

bool Tm::cancel_call(std::string_view call_id, std::uint32_t cseq, std::uint32_t flags,
                     std::uint16_t code) {
    return tm::cancel_call(rt_, {call_id, cseq}, flags, code);
}

bool Tm::reply_to_call(std::string_view call_id, std::uint32_t cseq, int code,
                       std::string_view reason) {
    return tm::answer_call(rt_, {call_id, cseq}, {.code = code, .reason = reason});
}
bool Tm::answer_call(std::string_view call_id, std::uint32_t cseq, const OwnReply& reply) {
    return tm::answer_call(rt_, {call_id, cseq}, reply);
}
bool Tm::answer(std::uint32_t slot, std::uint32_t label, const OwnReply& reply) {
    return tm::answer(rt_, slot, label, reply);
}

}  // namespace fairlead::tm
