// What happens to transactions, for who observes them: noted under the lock, told when it is gone.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// An observer of one transaction, in a block of its own.
struct Attached {
    using ShmSafe = void;
    shm::Ptr<Attached> next;
    std::uint64_t param = 0;
    Moments moments;
    ObserverId observer = ObserverId::none;
};

/// Something to tell: a copy of everything it speaks of.
struct NoticeCall {
    struct To {
        ObserverId observer;
        std::uint64_t param;
    };
    Notice notice;
    std::uint32_t flags = 0;
    std::span<const To> to;
};

/// Whether anybody wants to know; cheap. The lock is held.
[[nodiscard]] inline bool is_observed(const Runtime& rt, const Cell& c, Moment moment) noexcept {
    return rt.observed.has(moment) || c.observed.has(moment);
}

/// Notes it if so. `notice` lacks the transaction. The lock is held.
void note_moment(const Runtime& rt, const Cell& c, const Notice& notice, Outgoing& out);
/// A branch ended without a 2xx since the last call. The lock is held.
void note_failed_branches(const Runtime& rt, Cell& c, Outgoing& out);
/// Something left for a branch or for the client: `request_sent` or `response_sent`.
void note_sent(const Runtime& rt, const Cell& c, const Branch* b, std::string_view bytes,
               Outgoing& out, bool again = false);

/// A branch is about to leave for the first time.
void note_branch_out(const Runtime& rt, const Cell& c, const Branch& b, std::string_view bytes,
                     Outgoing& out);
/// A 100 goes to the client.
void note_pending(const Runtime& rt, const Cell& c, std::string_view bytes, Outgoing& out);
/// A reply goes to the client; with a branch it is that one's. `notice` lacks moment and status.
void note_reply(const Runtime& rt, const Cell& c, Notice notice, Outgoing& out);
/// The ACK of a 2xx that was not made here. The lock is held.
void note_e2e_ack(const Runtime& rt, Cell& c, std::string_view to_tag, std::string_view bytes,
                  Outgoing& out);

/// The status in a reply's start line; 0 for a request.
[[nodiscard]] int status_of(std::string_view message) noexcept;

/// Tells those who observe. No lock is held.
void tell(const Runtime& rt, const NoticeCall& call) noexcept;

/// Frees what is attached. The lock is held.
void free_attached(Runtime& rt, Cell& c) noexcept;

}  // namespace fairlead::tm
