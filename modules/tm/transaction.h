// A transaction as it lies in shared memory: one small cell, its branches, and the buffers that are
// given back when it completes. Guarded by the lock of its bucket.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "core/api/message.h"
#include "core/api/net.h"
#include "core/api/script.h"
#include "core/api/shm.h"
#include "core/api/sip.h"
#include "modules/tm/client_fsm.h"
#include "modules/tm/client_invite_fsm.h"
#include "modules/tm/observe_api.h"
#include "modules/tm/server_fsm.h"
#include "modules/tm/server_invite_fsm.h"
#include "modules/tm/steps_api.h"

namespace fairlead::tm {

/// Milliseconds since the transaction was made: half the size of a Ms, and it has seven of them.
using Due = std::uint32_t;
inline constexpr Due kNever = UINT32_MAX;
inline constexpr std::uint16_t kNobody = 0xffff;  ///< no process slot
/// The number of the branch that stands for what another program does.
inline constexpr std::uint8_t kOutsideIndex = kMaxBranches - 1;

/// Bytes in a block of their own.
struct Buffer {
    using ShmSafe = void;
    shm::Ptr<char> bytes;
    std::uint32_t size = 0;
    [[nodiscard]] std::string_view view() const noexcept {
        return bytes ? std::string_view(bytes.get(), size) : std::string_view();
    }
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(bytes); }
};

struct HeldReply;
struct Itinerary;

/// What became of the CANCEL of a branch.
enum class CancelState : std::uint8_t {
    none,
    wanted,  ///< goes out with the first provisional reply (cancel_b_method 1)
    sent,
    done  ///< answered or given up
};

/// A place to which the request was sent.
struct Branch {
    using ShmSafe = void;
    enum Flag : std::uint16_t {
        decided = 1,         ///< has its final status; the others wait for it no longer
        faked = 2,           ///< the status is ours: timeout, CANCEL, transport failure
        timed_out = 4,       ///< … by fr_timer or fr_inv_timer
        replied = 8,         ///< a reply came
        unsent = 16,         ///< could not be sent at all
        retired = 32,        ///< of an earlier serial step; its reply takes no part in the pick
        blind = 64,          ///< sent nowhere: stands for a suspension that has expired
        asks = 128,          ///< it failed, and its branch-failure route is to run
        latest = 256,        ///< its first reply is the last thing that happened to the transaction
        outside = 512,       ///< no request: another program was told, and may answer
        ended_badly = 1024,  ///< it failed, and who observes has not been told
        with_path = 2048,    ///< the first Route of its request is its Path
        waits = 4096,        ///< its next hop is being looked up: there is no request yet
        moved = 8192         ///< it failed, and another took over (RFC 3263 4.3, RFC 3261 18.1.1)
    };

    shm::Ptr<Branch> next;
    Buffer sent;               ///< the request; the ACK once a negative reply to an INVITE came
    Buffer cancel;             ///< the CANCEL, while it may be repeated
    Buffer reply;              ///< the final reply as it would go upstream, until one is picked
    shm::Ptr<HeldReply> held;  ///< a reply that its onreply_route has suspended
    shm::Ptr<char> ruid;       ///< of the contact that it came from: its length, and the bytes
    shm::Ptr<Itinerary> itinerary;  ///< while it waits, or while there are other ways to go
    Due retransmit_at = kNever, final_at = kNever;  ///< Timers A/E; B/F and C
    Due cancel_at = kNever, cancel_until = kNever;  ///< the CANCEL's Timers E and F
    std::uint32_t interval = 0, cancel_interval = 0;
    Target target;
    std::uint32_t flag_bits = 0;    ///< branch flags of the script
    std::uint32_t masked_bits = 0;  ///< message flags of branch_flag_mask, as they are here
    std::uint16_t status = 0;       ///< last status received, or faked
    std::uint16_t cancel_code = 0;
    RouteId on_failure = RouteId::none, on_reply = RouteId::none;
    RouteId on_branch_failure = RouteId::none;
    std::uint16_t serial = 0;  ///< which serial step made it
    std::uint8_t index = 0;
    std::uint8_t state = 0;  ///< ClientInviteState or ClientState
    CancelState cancelling = CancelState::none;
    std::uint16_t flags = 0;
    std::uint8_t resent = 0;  ///< retransmissions up to 3, where intervals are given one by one

    static constexpr std::size_t kMaxRuid = 127;
    [[nodiscard]] std::string_view ruid_text() const noexcept {
        return ruid ? std::string_view(ruid.get() + 1, static_cast<std::size_t>(*ruid))
                    : std::string_view();
    }
    [[nodiscard]] bool has(Flag f) const noexcept { return (flags & f) != 0; }
    void set(Flag f) noexcept { flags = static_cast<std::uint16_t>(flags | f); }
    void clear(Flag f) noexcept { flags = static_cast<std::uint16_t>(flags & ~f); }
    /// Whether a reply had come before the one that a failure_route is about.
    [[nodiscard]] bool replied_before() const noexcept { return has(replied) && !has(latest); }
    [[nodiscard]] ClientInviteState invite_state() const noexcept {
        return static_cast<ClientInviteState>(state);
    }
    [[nodiscard]] ClientState client_state() const noexcept {
        return static_cast<ClientState>(state);
    }
};

/// How a module relays (StepsApi).
struct PendingStep {
    using ShmSafe = void;
    Buffer luggage;
    Due until = kNever;
    StepId handler = StepId::none;
    bool timed_out = false;
};

struct StoredRequest;
struct LocalRequest;
struct Attached;
struct Suspension;

/// What became of the last suspension of a transaction.
enum class Outcome : std::uint8_t { none, resumed, final, cancelled, expired, withdrawn };

/// The head of a transaction. It is a timer entry itself, the only one: armed for the earliest of
/// the times below.
struct Cell : shm::TimerEntry {
    using ShmSafe = void;
    enum Flag : std::uint32_t {
        cancelled = 1,         ///< the client sent a CANCEL
        final_sent = 2,        ///< a final reply went (or goes) upstream
        local_final = 4,       ///< … made here
        choosing = 8,          ///< a process picks the reply and runs failure_route
        again = 16,            ///< a set of branches completed while `choosing`
        trying_sent = 32,      ///< 100 was sent and is made again when needed
        released = 64,         ///< goes away after `end_at`, whatever its state
        seen_6xx = 128,        ///< no more forking
        dead = 256,            ///< matches nothing; is freed when no process uses it
        disable_6xx = 512,     ///< t_set_disable_6xx
        in_route = 1024,       ///< the request's script still runs
        no_e2e_reason = 2048,  ///< t_set_no_e2e_cancel_reason
        last_local = 4096,     ///< the last reply upstream was made here
        noisy = 8192,          ///< never ends silently, whatever noisy_ctimer says
        replica = 1 << 14,     ///< made by t_replicate: its replies end here
        timed = 1 << 15        ///< the time to its first reply was recorded
    };

    shm::Ptr<Cell> link;  ///< next in the bucket
    shm::Ptr<Branch> branches;
    shm::Ptr<LocalRequest> local;     ///< a request of our own: there is no client to answer
    shm::Ptr<StoredRequest> request;  ///< until a final reply went up and no branch is open
    shm::Ptr<char> keys;
    shm::Ptr<Suspension> suspension;  ///< what the script that goes on needs
    shm::Ptr<PendingStep> step;       ///< of the branches that were made last
    shm::Ptr<Attached> attached;      ///< who observes this transaction
    shm::Ptr<Branch> blind;           ///< takes its place among the branches when nobody goes on
    Buffer reply;                     ///< last reply sent upstream
    Buffer avps;                      ///< AVPs and XAVPs, as Message::keep writes them

    Ms created{0};
    Target upstream;  ///< where replies go
    std::uint32_t slot = 0, label = 0;
    std::uint32_t via_hash = 0;  ///< of branch and sent-by, to tell most others apart
    std::uint32_t cseq = 0;
    Due retransmit_at = kNever,
        end_at = kNever;  ///< Timer G (or 2xx, or RFC 4320's 100); H, I, J, L
    Due suspended_until = kNever, wake_at = kNever;  ///< while `waiting`
    std::uint32_t ticket = 0;                        ///< counts suspensions
    Moments observed;                                ///< of all that is attached
    std::uint32_t acked_tag = 0;  ///< hash of the To-tag of the last ACK of a 2xx
    Due armed_at = kNever;        ///< what the entry is armed for
    std::uint32_t interval = 0;
    std::uint32_t t1 = 0, t2 = 0, fr = 0, fr_inv = 0, lifetime = 0;  ///< of this transaction
    std::uint32_t flags = 0;
    std::uint32_t created_ns = 0;  ///< what `created` leaves out of the time of arrival
    std::uint32_t flag_bits = 0;   ///< message flags
    RouteId on_failure = RouteId::none, on_reply = RouteId::none, on_branch = RouteId::none;
    RouteId on_branch_failure = RouteId::none;
    std::uint16_t status = 0;             ///< last sent upstream
    std::uint16_t owner = kNobody;        ///< process that chooses (and runs failure_route)
    std::uint16_t route_owner = kNobody;  ///< process that runs its request's script
    std::uint16_t serial = 0;             ///< serial step
    std::uint16_t branch_size = 0, host_size = 0, call_id_size = 0, from_tag_size = 0;
    std::uint16_t port = 0;  ///< of the client's sent-by
    std::uint8_t branch_count = 0;
    bool waiting = false;      ///< suspended: its script goes on when somebody resumes it
    bool in_choice = false;    ///< … its failure_route
    bool holder_runs = false;  ///< … the script that suspended it has not ended
    Outcome outcome = Outcome::none;
    std::uint8_t state = 0;  ///< ServerInviteState or ServerState
    sip::Method method = sip::Method::other;
    std::uint8_t method_size = 0;  ///< length of the method's text when it has no number, else 0

    [[nodiscard]] bool is_invite() const noexcept { return method == sip::Method::invite; }
    [[nodiscard]] bool has(Flag f) const noexcept { return (flags & f) != 0; }
    void set(Flag f) noexcept { flags |= f; }
    /// There is no client to answer.
    [[nodiscard]] bool is_ours() const noexcept { return local || has(replica); }
    void clear(Flag f) noexcept { flags &= ~static_cast<std::uint32_t>(f); }
    [[nodiscard]] ServerInviteState invite_state() const noexcept {
        return static_cast<ServerInviteState>(state);
    }
    [[nodiscard]] ServerState server_state() const noexcept {
        return static_cast<ServerState>(state);
    }
    /// Now, on the scale of `Due`. The clock of a process stands still during a batch of events: it
    /// may be behind that of the process which made the transaction meanwhile.
    [[nodiscard]] Due at(Ms now) const noexcept {
        return now > created ? static_cast<Due>((now - created).count()) : 0;
    }

    // The keys, in this order in one block.
    [[nodiscard]] std::string_view via_branch() const noexcept { return {keys.get(), branch_size}; }
    [[nodiscard]] std::string_view via_host() const noexcept {
        return {keys.get() + branch_size, host_size};
    }
    [[nodiscard]] std::string_view call_id() const noexcept {
        return {keys.get() + branch_size + host_size, call_id_size};
    }
    [[nodiscard]] std::string_view from_tag() const noexcept {
        return {call_id().data() + call_id_size, from_tag_size};
    }
    [[nodiscard]] std::string_view method_text() const noexcept {
        return {from_tag().data() + from_tag_size, method_size};
    }

    [[nodiscard]] Branch* branch(std::size_t index) const noexcept {
        for (Branch* b = branches.get(); b != nullptr; b = b->next.get())
            if (b->index == index) return b;
        return nullptr;
    }
    /// The first branch whose branch-failure route is to run; null when there is none.
    [[nodiscard]] Branch* asking() const noexcept {
        for (Branch* b = branches.get(); b != nullptr; b = b->next.get())
            if (b->has(Branch::asks)) return b;
        return nullptr;
    }
    /// The empty link behind the last one.
    [[nodiscard]] shm::Ptr<Branch>& end_of_branches() noexcept {
        shm::Ptr<Branch>* last = &branches;
        while (*last) last = &(*last)->next;
        return *last;
    }
    [[nodiscard]] std::size_t open_branches() const noexcept {
        std::size_t n = 0;
        for (const Branch* b = branches.get(); b != nullptr; b = b->next.get())
            n += b->has(Branch::decided) ? 0 : 1;
        return n;
    }
};
static_assert(sizeof(Cell) <= 320 && sizeof(Branch) <= 192);

}  // namespace fairlead::tm
