// Replies that their onreply_route has suspended: each waits at its branch, as if it had not come.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <expected>

#include "modules/tm/runtime.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {

/// In a block of its own at the branch while the reply waits.
struct HeldReply {
    using ShmSafe = void;
    shm::Ptr<StoredRequest> reply;  ///< with the script's edits
    std::uint32_t ticket = 0;
    std::uint16_t status = 0;
    std::uint16_t holder = kNobody;  ///< the process whose script holds it and has not ended
    bool wanted = false;             ///< resumed before that
    RouteId wanted_route = RouteId::none;
};

/// t_suspend in an onreply_route. One reply of a branch waits at a time; otherwise, and while the
/// request itself is suspended: `script`.
[[nodiscard]] std::expected<SuspendToken, ScriptError> hold_reply(Runtime& rt, const Message& m,
                                                                  Work& w);
/// t_cancel_suspend, by the script that holds it; false when somebody has resumed it already.
[[nodiscard]] bool let_go(Runtime& rt, Work& w, const SuspendToken& token);

// Under the bucket's lock.
/// The branch whose reply waits with this ticket (0: any), or null.
[[nodiscard]] Branch* held_at(const Cell& c, std::uint32_t ticket) noexcept;
/// The script that holds it has ended: what it has changed since is kept. True when the reply is to
/// go on at once, with `wanted_route`.
[[nodiscard]] bool holder_left(Runtime& rt, Branch& b, const Message& m) noexcept;
/// The process died in a script that holds a reply: who has the token resumes it; if that was to
/// happen right behind the script, the callee has to send it again.
void holder_died(Runtime& rt, Cell& c) noexcept;
void free_held(Runtime& rt, Branch& b) noexcept;

}  // namespace fairlead::tm
