// Carrying out what the steps of a transaction ask for.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/perform.h"

#include "core/api/text.h"
#include "modules/tm/cells.h"
#include "modules/tm/local_reply.h"
#include "modules/tm/next_place.h"
#include "modules/tm/observe.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/reports.h"
#include "modules/tm/responses.h"
#include "modules/tm/suspend.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {
namespace {

std::string_view text_of(Phrase phrase, int code) noexcept {
    switch (phrase) {
        case Phrase::request_canceled: return "Request canceled";
        case Phrase::request_terminated: return "Request Terminated";
        case Phrase::service_unavailable: return "Service Unavailable";
        case Phrase::server_error: return "I'm terribly sorry, server error occurred (1/TM)";
        case Phrase::standard: break;
    }
    return sip::default_reason(code);
}

/// The Reason lines of a CANCEL that we send (RFC 3326).
std::string_view reason_lines(Runtime& rt, const Cell& c, std::uint16_t code, const Hand& hand,
                              Outgoing& out) noexcept {
    if (code == kNoReason) return {};
    if (code == kReasonOfCancel)
        return rt.policy.e2e_cancel_reason && !c.has(Cell::no_e2e_reason) ? hand.reasons
                                                                          : std::string_view();
    if (!rt.policy.local_cancel_reason) return {};
    sip::Writer text = out.writer(80);
    text.put("Reason: SIP;cause=").put_uint(code);
    if (code == 200) text.put(";text=\"Call completed elsewhere\"");
    text.put("\r\n");
    return text.text();
}

/// Whether it is for the client's side only.
constexpr bool goes_up(Act act) noexcept {
    switch (act) {
        case Act::resend_reply:
        case Act::send_trying:
        case Act::relay_reply:
        case Act::pass_reply:
        case Act::keep_reply:
        case Act::reply_local:
        case Act::send_kept: return true;
        default: return false;
    }
}

/// Performs one step's actions; holds what they share.
class Performer {
public:
    Performer(Runtime& rt, Cell& c, const Hand& hand, Outgoing& out) noexcept
        : rt_(rt), c_(c), hand_(hand), out_(out) {}

    void act(const Action& a) {
        if (c_.has(Cell::replica) && goes_up(a.act)) return;
        switch (a.act) {
            case Act::resend_reply: return repeat_reply();
            case Act::send_trying: return trying();
            case Act::relay_reply: return relay(a, true);
            case Act::pass_reply: return relay(a, hand_.replaces);
            case Act::keep_reply: return keep(*a.branch);
            case Act::resend_request:
            case Act::resend_ack: return repeat(*a.branch, a.branch->sent);
            case Act::resend_cancel: return repeat(*a.branch, a.branch->cancel);
            case Act::send_ack: return ack(*a.branch);
            case Act::send_cancel: return cancel(*a.branch, a.code);
            case Act::reply_local: return local(a);
            case Act::send_kept: return kept(*a.branch, a.code);
            case Act::wake: return note_wake(c_, out_);
            case Act::try_next:
            case Act::try_datagram:
            case Act::conclude:
            case Act::choose: return;  // perform() sees to it
        }
    }

private:
    void repeat_reply() {
        out_.add_copy(c_.upstream, c_.reply.view());
        note_sent(rt_, c_, nullptr, c_.reply.view(), out_, true);
        rt_.counts.retransmissions_sent.add();
    }
    void repeat(const Branch& b, const Buffer& bytes) {
        out_.add_copy(b.target, bytes.view(), failure_of(rt_, c_, b));
        note_sent(rt_, c_, &b, bytes.view(), out_, true);
        rt_.counts.retransmissions_sent.add();
    }
    void trying() {
        c_.set(Cell::trying_sent);
        time_first_reply(rt_, c_);
        const std::string_view text =
            make_stored_reply(rt_, out_, c_, 100, rt_.options.auto_inv_100_reason);
        out_.add(c_.upstream, text);
        note_pending(rt_, c_, text, out_);
        rt_.counts.local_replies.add();
    }
    void relay(const Action& a, bool store) {
        if (c_.local && hand_.dropped) return;
        if (c_.local) return own_reply(*a.branch, a.code, hand_.reply);
        time_first_reply(rt_, c_);
        out_.add(c_.upstream, hand_.relayed);
        note_reply(rt_, c_, {.branch = a.branch->index, .again = !store, .message = hand_.relayed},
                   out_);
        rt_.counts.relayed_replies.add();
        if (hand_.reply != nullptr && store) {
            note(rt_, c_, a.branch, {.code = hand_.reply->status(), .reply = hand_.relayed}, out_);
        }
        if (!store) return;
        c_.clear(Cell::last_local);
        // Without memory the reply is not repeated by us; the callee repeats a 2xx, and the
        // caller's retransmission is absorbed.
        (void)replace(rt_, c_.reply, hand_.relayed, rt_.tags.buffer);
        if (a.code >= 200) rt_.counts.final_sent(a.code);
    }
    void keep(Branch& b) {
        // Without memory the pick still knows the status; a local reply takes its place.
        const std::string_view kept =
            c_.local && hand_.reply != nullptr ? hand_.reply->bytes() : hand_.relayed;
        (void)replace(rt_, b.reply, kept, rt_.tags.buffer);
        rt_.counts.absorbed_replies.add();
    }
    void ack(Branch& b) {
        if (!b.sent || hand_.reply == nullptr || rt_.scratch.parse(b.sent.view())) return;
        sip::Writer text = out_.writer(b.sent.size + hand_.reply->bytes().size());
        const std::string_view to = hand_.reply->text(sip::HeaderType::to);
        if (!sip::write_negative_ack(text, rt_.scratch, to, kept_headers({}))) return;
        out_.add(b.target, text.text());
        note_sent(rt_, c_, &b, text.text(), out_);
        (void)replace(rt_, b.sent, text.text(), rt_.tags.buffer);
    }
    void cancel(Branch& b, std::uint16_t code) {
        if (!b.sent || rt_.scratch.parse(b.sent.view())) return;
        const std::string_view reasons = kept_headers(reason_lines(rt_, c_, code, hand_, out_));
        sip::Writer text = out_.writer(b.sent.size + reasons.size() + 64);
        if (!sip::write_cancel(text, rt_.scratch, reasons)) return;
        out_.add(b.target, text.text());
        note_sent(rt_, c_, &b, text.text(), out_);
        (void)replace(rt_, b.cancel, text.text(), rt_.tags.buffer);
    }
    /// `lines` and, of the INVITE in rt.scratch, the fields that ac_extra_hdrs names.
    [[nodiscard]] std::string_view kept_headers(std::string_view lines) {
        const std::string_view prefix = rt_.options.ac_extra_hdrs;
        if (prefix.empty()) return lines;
        for (const sip::Header& h : rt_.scratch.headers()) {
            const std::string_view line = rt_.scratch.bytes().substr(h.name_offset, h.line_length);
            if (h.type == sip::HeaderType::other &&
                text::ci_equal(line.substr(0, prefix.size()), prefix))
                lines = out_.arena().concat({lines, line});
        }
        return lines;
    }
    void local(const Action& a) {
        if (c_.local) return note_local(rt_, c_, {.code = a.code}, out_);
        const std::string_view text =
            make_stored_reply(rt_, out_, c_, a.code, text_of(a.phrase, a.code));
        time_first_reply(rt_, c_);
        out_.add(c_.upstream, text);
        note_reply(rt_, c_, {.made_here = true, .message = text}, out_);
        c_.set(Cell::last_local);
        (void)replace(rt_, c_.reply, text, rt_.tags.buffer);
        note(rt_, c_, a.branch, {.local = true, .code = a.code, .reply = text}, out_);
        rt_.counts.local_replies.add();
        rt_.counts.final_sent(a.code);
    }
    void kept(Branch& b, int code) {
        if (c_.local) {
            note_local(rt_, c_, {.code = code, .reply = b.reply.view()}, out_);
            return rt_.counts.final_sent(code);
        }
        const bool challenge =
            rt_.policy.aggregate_challenges && challenges() > 1 && (code == 401 || code == 407);
        note(rt_, c_, &b, {.code = code, .reply = b.reply.view()}, out_);
        std::string_view text;
        time_first_reply(rt_, c_);
        if (challenge || code != b.status) text = rewrite_kept(rt_, out_, c_, b, code, challenge);
        note_reply(rt_, c_, {.branch = b.index, .message = text.empty() ? b.reply.view() : text},
                   out_);
        if (text.empty()) {
            out_.add_copy(c_.upstream, b.reply.view());
            drop(rt_, c_.reply);
            c_.reply = b.reply;  // no copy: the branch needs it no more
            b.reply = {};
        } else {
            out_.add(c_.upstream, text);
            (void)replace(rt_, c_.reply, text, rt_.tags.buffer);
        }
        c_.clear(Cell::last_local);
        rt_.counts.relayed_replies.add();
        rt_.counts.final_sent(code);
    }
    /// A reply to a request of our own, on its way to who asked.
    void own_reply(const Branch& b, int code, const sip::Message* reply) {
        LocalNews news{.code = code, .target = b.target};
        if (reply != nullptr) {
            news.reply = reply->bytes();
            if (rt_.options.local_ack_mode == 2 && hand_.from != nullptr) {
                news.target.address = hand_.from->source;
                news.target.proto = hand_.from->proto;
                news.target.listener = hand_.from->listener;
                news.target.connection = hand_.from->connection;
            }
            const bool success = c_.is_invite() && code >= 200 && code < 300;
            news.acknowledge = success && !c_.local->dont_ack;
            if (success && reply->to() != nullptr && !is_new_tag(*c_.local, reply->to()->tag))
                news.code = 0;  // told before: it is acknowledged once more
        }
        if (news.code >= 200) rt_.counts.final_sent(news.code);
        note_local(rt_, c_, news, out_);
    }
    [[nodiscard]] int challenges() const noexcept {
        int n = 0;
        for (const Branch* b = c_.branches.get(); b != nullptr; b = b->next.get())
            if (!b->has(Branch::retired) && b->reply) n += b->status == 401 || b->status == 407;
        return n;
    }

    Runtime& rt_;
    Cell& c_;
    const Hand& hand_;
    Outgoing& out_;
};

constexpr bool moves(Act act) noexcept {
    return act == Act::try_next || act == Act::try_datagram;
}

/// Branches that go on to their next places are followed by others; the failure of those that
/// cannot may complete the set. True when it does.
bool move_on(Runtime& rt, Cell& c, const Actions& actions, Outgoing& out) noexcept {
    Actions failures;
    Turn turn{rt.now(), rt.policy, failures};
    for (const Action& a : actions.list())
        if (moves(a.act) && !link_next(rt, c, *a.branch, a.act, out)) no_next(c, *a.branch, turn);
    note_failed_branches(rt, c, out);
    return failures.contains(Act::choose);
}

/// The choice ends without failure_route.
bool end(const Runtime& rt, Cell& c, const Pick& p, Performer& performer) {
    Actions actions;
    Turn turn{rt.now(), rt.policy, actions};
    chosen(c, p.branch, p.code, turn);
    for (const Action& a : actions.list()) performer.act(a);
    return false;
}

}  // namespace

SendFailure failure_of(const Runtime& rt, const Cell& c, const Branch& b) noexcept {
    // The bucket lives for ever, a cell does not: label and branch find it again, if it is there.
    return {rt.send_failure, label_and_branch(c.label, b.index), &rt.table.bucket(c.slot)};
}

void note_failed(Runtime& rt, const Cell& c, Outgoing& out) noexcept {
    const Pick p = pick(c, rt.policy);
    if (p.code < 300 || c.has(Cell::replica)) return;
    note_moment(rt, c,
                {.moment = Moment::failed,
                 .code = p.code,
                 .branch = p.branch != nullptr ? p.branch->index : -1,
                 .made_here = p.branch == nullptr || !p.branch->reply,
                 .message = p.branch != nullptr ? p.branch->reply.view() : std::string_view()},
                out);
    const Report failed{.what = Report::What::failed,
                        .local = p.branch == nullptr || !p.branch->reply,
                        .code = p.code,
                        .reply = p.branch != nullptr ? p.branch->reply.view() : std::string_view()};
    note(rt, c, p.branch, failed, out);
}

bool perform(Runtime& rt, Cell& c, const Actions& actions, const Hand& hand,
             Outgoing& out) noexcept {
    Performer performer(rt, c, hand, out);
    bool choose = false, conclude = false, any_moves = false;
    note_failed_branches(rt, c, out);
    for (const Action& a : actions.list()) {
        performer.act(a);
        choose = choose || a.act == Act::choose;
        conclude = conclude || a.act == Act::conclude;
        any_moves = any_moves || moves(a.act);
    }
    if (any_moves && move_on(rt, c, actions, out)) choose = true;
    if (!choose && !conclude) return false;
    if (conclude) return end(rt, c, pick(c, rt.policy), performer);
    if (c.asking() != nullptr) {
        if (hand.may_run_routes) {
            c.owner = rt.process();
            return true;
        }
        if (!branches_asked(c)) return false;
    }
    const Pick p = pick(c, rt.policy);
    note_failed(rt, c, out);
    const bool asks_step = c.step && !c.has(Cell::cancelled);
    if (hand.may_run_routes && p.branch != nullptr &&
        (asks_step || p.branch->on_failure != RouteId::none)) {
        c.owner = rt.process();  // whoever finds it without a living owner goes on for it
        return true;
    }
    return end(rt, c, p, performer);
}

}  // namespace fairlead::tm
