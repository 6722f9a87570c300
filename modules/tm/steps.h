// The life of a whole transaction: what happens to it, and what is to be done about it. Pure: no
// I/O, no clock, no script, no allocation. The lock of the cell's bucket is held.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "modules/tm/policy.h"
#include "modules/tm/transaction.h"

namespace fairlead::tm {

enum class Act : std::uint8_t {
    resend_reply,    ///< the last reply upstream, again
    send_trying,     ///< 100 upstream
    relay_reply,     ///< the reply at hand goes upstream and becomes the last reply
    pass_reply,      ///< … goes upstream; the last reply stays
    keep_reply,      ///< the reply at hand waits at the branch for the pick
    resend_request,  ///< a branch's request, again
    send_ack,        ///< the ACK for the reply at hand; it replaces the branch's request
    resend_ack,
    send_cancel,  ///< make and send the branch's CANCEL; `code` is its Reason (see below)
    resend_cancel,
    reply_local,   ///< a final reply made here: `code`, `phrase`
    send_kept,     ///< the reply kept at the branch goes upstream with status `code`
    wake,          ///< a suspension wants to go on
    try_next,      ///< the branch failed and has other places: link_next(), or else no_next()
    try_datagram,  ///< … and is to go to the same place by datagram: likewise
    conclude,      ///< failure_route will not go on: pick() without it, then chosen()
    choose         ///< all branches are done: pick(), failure_route, then chosen()
};
/// Reason phrases that are ours; `standard` is the one of the code.
enum class Phrase : std::uint8_t {
    standard,
    request_canceled,
    request_terminated,
    service_unavailable,
    server_error
};

/// Action::code of send_cancel: no Reason header, or those of the CANCEL that came.
inline constexpr std::uint16_t kNoReason = 0, kReasonOfCancel = 1;

/// Without initialisers, so that a list costs nothing to make.
struct Action {
    Branch* branch;
    std::uint16_t code;
    Act act;
    Phrase phrase;
};

/// At most four for each branch and four for the server side.
class Actions {
public:
    Actions() noexcept {}  // NOLINT: the list stays as it is
    void add(Act act, Branch* branch = nullptr, std::uint16_t code = 0,
             Phrase phrase = Phrase::standard) noexcept {
        if (size_ < list_.size()) list_[size_++] = {branch, code, act, phrase};
    }
    [[nodiscard]] std::span<const Action> list() const noexcept { return {list_.data(), size_}; }
    [[nodiscard]] bool contains(Act act) const noexcept {
        for (const Action& a : list())
            if (a.act == act) return true;
        return false;
    }
    void clear() noexcept { size_ = 0; }

private:
    std::array<Action, 144> list_;
    std::size_t size_ = 0;
};

/// What every step needs besides the transaction.
struct Turn {
    Ms now;
    const Policy& policy;
    Actions& actions;
};

/// A new cell's times; `reliable` transport needs no retransmission.
void begin(Cell& c, const Policy& policy) noexcept;

/// The request came again.
void request_again(const Cell& c, Turn& t) noexcept;
/// An ACK that matches by branch. True when it was for a reply of this server (and is consumed).
bool ack_received(Cell& c, Turn& t) noexcept;
/// A reply made here is to be sent. False when a final one went out before; else the caller sends
/// it and the open branches are cancelled if it is final.
bool local_reply(Cell& c, int code, Turn& t) noexcept;
/// A branch was linked and is about to be sent.
void branch_started(Cell& c, Branch& b, Turn& t) noexcept;
/// A new branch could not be sent; no pick follows, the caller decides.
void branch_unsent(Cell& c, Branch& b) noexcept;
/// A reply came for a branch.
void reply_received(Cell& c, Branch& b, int code, Turn& t) noexcept;
/// A reply to the CANCEL of a branch.
void cancel_answered(Branch& b, int code) noexcept;
/// The client's CANCEL. True when branches were pending.
bool cancel_received(Cell& c, Turn& t) noexcept;
/// Cancels every open branch.
void cancel_open(Cell& c, std::uint16_t reason, Turn& t, const Branch* except = nullptr) noexcept;
void cancel_branch(Cell& c, Branch& b, std::uint16_t reason, Turn& t) noexcept;
/// What was sent for a branch turned out not to have left.
void send_failed(Cell& c, Branch& b, Turn& t) noexcept;
/// The branch of a try_next or try_datagram stays alone with its failure.
void no_next(Cell& c, Branch& b, Turn& t) noexcept;
/// Everything that is due at `now`.
void time_passed(Cell& c, Turn& t) noexcept;
/// t_release: no more retransmission; gone after the wait time.
void release(Cell& c, Turn& t) noexcept;

/// The script has ended behind a provisional reply of its own: someone else will answer, or
/// give_up() does when fr_timer has passed.
void await_reply(Cell& c, Turn& t) noexcept;

/// Nobody will answer any more: a script died, or forgot to. 500 unless a final reply went out or
/// branches are open.
void give_up(Cell& c, Turn& t) noexcept;

/// The script that runs is to go on later, its failure_route when `in_choice`; c.blind was made
/// when memory allowed. `wake` may be kNever.
void suspend(Cell& c, bool in_choice, Due until, Due wake, Turn& t) noexcept;
/// Somebody resumes it: true when its script goes on now, in the process that the caller notes.
bool take_up(Cell& c) noexcept;
/// t_cancel_suspend: the script goes on as if it had not asked.
void withdraw(Cell& c) noexcept;
/// The process of a script died inside it: one that suspended it is taken as ended; of any other,
/// what it was to decide is decided without it.
void script_died(Cell& c, bool chose, Turn& t) noexcept;
/// The script that suspended it, or was resumed, has come to its end.
void holder_ended(Cell& c, Turn& t) noexcept;

/// The end of the choice that `choose` began; `code` is the winner's status, `winner` its branch
/// (null: nothing to send but `code`). Sends it, or goes on when failure_route made new branches.
/// `reply_mode` is a failure_reply_mode other than the parameter's; below 0: that.
void chosen(Cell& c, Branch* winner, int code, Turn& t, int reply_mode = -1) noexcept;
/// Replies of the serial step at hand take no part in the pick any more (t_drop_replies).
void drop_step(Cell& c) noexcept;

/// The branch-failure routes of all branches that asked for one have run, or cannot run. True when
/// the branches are complete and the choice goes on; else it has ended for now.
[[nodiscard]] bool branches_asked(Cell& c) noexcept;

/// The earliest time at which something is due; kNever when nothing is.
[[nodiscard]] Due next_due(const Cell& c) noexcept;
/// Nothing will happen to it any more.
[[nodiscard]] bool is_ended(const Cell& c) noexcept;
/// A final reply went up, no branch is open, no script runs: the request's bytes are not needed.
[[nodiscard]] bool is_settled(const Cell& c) noexcept;

}  // namespace fairlead::tm
