// What the parts of tm share in a process: services, table, parameters, counters, scratch space.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/api/core.h"
#include "core/module.h"
#include "modules/tm/match.h"
#include "modules/tm/outbox.h"
#include "modules/tm/policy.h"
#include "modules/tm/statistics.h"
#include "modules/tm/steps.h"
#include "modules/tm/table.h"

namespace fairlead {
class LateSends;
}

namespace fairlead::tm {

/// Parameters that concern the server's own messages and limits, not the steps of a transaction.
struct Options {
    bool auto_inv_100 = true;
    std::string auto_inv_100_reason = "trying -- your call is important to us";
    int unmatched_cancel = 0;
    int default_code = 500;
    std::string default_reason = "Server Internal Error";
    bool reply_matching = true;
    bool forward_stray_replies = false;
    int max_transactions = 0;  ///< 0: as many as memory holds
    Matching matching;
    std::string fr_timer_avp, fr_inv_timer_avp;  ///< names; "" for none
    std::string ac_extra_hdrs;  ///< CANCEL and negative ACK keep fields whose name begins so
    int rich_redirect = 0;      ///< what a redirection's Contact tells: 1 branch flags, 2 Path
    std::uint32_t branch_flag_mask = 0;           ///< message flags that belong to branches
    std::string contacts_avp, contact_flows_avp;  ///< names of XAVPs; "" for none
    bool failure_exec_mode = false;  ///< what could not be sent at all counts as a branch
    bool uri_of_winner = true;       ///< failure_route's Request-URI
    bool enable_uac_fr = false;      ///< requests of our own have routes for failures and replies
    bool reply_relay_mode = true;    ///< a 2xx that waited suspended replaces no other final reply
    std::string xavp_contact;        ///< attributes of contacts; "" for none
    int local_ack_mode = 0;          ///< where the ACK of a 2xx goes: 1 as the INVITE, 2 back
};

struct Tags {
    shm::Tag transaction, keys, request, branch, buffer, avps, local, suspension, step, attached,
        itinerary;
};

/// Another module that is told of transactions with one of `flags`.
struct Watching {
    Watcher* watcher = nullptr;
    std::uint32_t flags = 0;
    bool provisional = false;
};

/// Another module that is told of moments of transactions with one of `flags`; of all when 0.
struct Observing {
    Observer* observer = nullptr;
    Moments moments;
    std::uint32_t flags = 0;
};

class LateBranches;

/// Constant after prepare(), except for `outbox` and `scratch`, which belong to the process.
struct Runtime {
    Core* core = nullptr;
    Table table;
    Policy policy;
    Options options;
    Counts counts;
    Tags tags;
    shm::HandlerId timer{}, send_failure{};
    std::size_t slot = 0;     ///< in Message::slots
    std::uint32_t nonce = 0;  ///< of this start of the server
    Outbox outbox;
    sip::Message scratch;  ///< for reading stored messages under a lock
    bool warned_forgotten = false;
    std::vector<UacListener*> listeners;  ///< by UacCallback
    std::vector<Waker*> wakers;           ///< by WakerId
    std::vector<StepHandler*> steps;      ///< by StepId
    std::vector<Observing> observers;     ///< by ObserverId
    Moments observed;                     ///< of all of them
    std::vector<Shaper*> shapers;
    LateBranches* late = nullptr;  ///< of the process
    LateSends* sends = nullptr;    ///< likewise
    MailId uac_mail{};
    RouteId local_response = RouteId::none;          ///< event_route[tm:local-response]
    RouteId local_request = RouteId::none;           ///< event_route[tm:local-request]
    std::uint32_t incarnation = 0;                   ///< of this process
    std::map<std::uint64_t, std::string> uac_parts;  ///< replies that come in several records
    std::vector<Watching> watchers;
    std::uint32_t watched_flags = 0, watched_provisional = 0;  ///< of all watchers

    shm::Histogram first_reply;  ///< the core's

    [[nodiscard]] Ms now() const noexcept { return core->clock().now(); }
    [[nodiscard]] std::uint16_t process() const noexcept { return core->process().slot; }
    [[nodiscard]] shm::Segment& memory() const noexcept { return core->memory(); }
};

/// A reply to the request of `c`, whose bucket is locked, is about to leave.
inline void time_first_reply(const Runtime& rt, Cell& c) noexcept {
    if (c.has(Cell::timed) || c.is_ours()) return;
    c.set(Cell::timed);
    constexpr std::int64_t kMs = 1'000'000;
    rt.first_reply.record(rt.core->clock().exact_ns() - (c.created.count() * kMs) - c.created_ns);
}

/// Work::drop_replies when the script said nothing: failure_reply_mode holds.
inline constexpr int kByParameter = -1;

/// What tm knows about a message while its script runs; hangs on Message::slots, in its arena.
struct Work {
    Cell* cell = nullptr;  ///< protected as long as the script runs
    Bucket* bucket = nullptr;
    RouteId on_failure = RouteId::none, on_reply = RouteId::none, on_branch = RouteId::none;
    RouteId on_branch_failure = RouteId::none;
    std::uint32_t fr = 0, fr_inv = 0;  ///< t_set_fr before there is a transaction; 0: not set
    std::uint32_t t1 = 0, t2 = 0;
    std::uint32_t max_invite = 0, max_other = 0;  ///< t_set_max_lifetime
    std::uint32_t cell_flags = 0;  ///< Cell::disable_6xx … set before there is a transaction
    Branch* branch = nullptr;      ///< of the reply, or the winner
    int branch_index = -1;         ///< in branch_route and onreply_route
    int code = 0;                  ///< of the reply, or the winner's
    ScriptError failed = ScriptError::none;  ///< why nothing was relayed
    bool made_here = false;                  ///< this script made the transaction
    bool trying_due = false;                 ///< its 100 is to go out with the first t_relay
    bool no_auto_100 = false;                ///< t_set_auto_inv_100(0)
    bool no_error_reply = false;             ///< t_set_disable_internal_reply(1)
    bool acked = false;                      ///< who observes was told of this ACK
    bool holds = false;                      ///< this onreply_route suspended its reply
    bool repeats_held = false;               ///< … an earlier one did, and here it is again
    bool in_step = false;                    ///< a StepHandler has it
    bool in_branch_failure = false;          ///< event_route[tm:branch-failure:…]
    bool replicated = false;                 ///< this script replicated the request
    int drop_replies = kByParameter;         ///< t_drop_replies: a failure_reply_mode
    bool stored_edits = false;            ///< the first t_relay stored what the script had changed
    bool resumed = false;                 ///< the script was suspended before
    bool answered = false;                ///< refused with a stateless reply
    bool from_pick = false;               ///< a failure_route; the cell is protected by who runs it
    std::string_view used_uri, used_dst;  ///< what the last t_relay made a branch of
};

/// The message's Work, or null.
[[nodiscard]] Work* work_of(const Runtime& rt, const Message& m) noexcept;
/// … made when there is none yet.
[[nodiscard]] Work& work_for(const Runtime& rt, Message& m);
/// Binds a cell that the caller found under its lock; false when it cannot be protected.
[[nodiscard]] bool bind(Runtime& rt, Work& w, Bucket& b, Cell& c) noexcept;
void unbind(Runtime& rt, Work& w) noexcept;

}  // namespace fairlead::tm
