// Carrying out what the steps of a transaction ask for: messages are made and stored under the
// bucket's lock and leave when it is gone. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// The message that caused the step, when there is one.
struct Hand {
    const sip::Message* reply = nullptr;  ///< a reply that was received
    std::string_view relayed;             ///< … as it goes upstream
    std::string_view reasons;             ///< Reason lines of a CANCEL that was received
    const Received* from = nullptr;       ///< where the reply came from
    bool dropped = false;                 ///< … and its onreply_route wants nobody to hear of it
    bool replaces = false;       ///< … and takes the place of the final reply that overtook it
    bool may_run_routes = true;  ///< the caller protects the cell and runs failure_route
};

/// Tells watchers that all branches have failed.
void note_failed(Runtime& rt, const Cell& c, Outgoing& out) noexcept;

/// True when the branches are done and a failure_route is armed, or one failed and has a route of
/// its own: the caller runs run_choice() once the lock is gone. (Without one the choice is made
/// here.)
[[nodiscard]] bool perform(Runtime& rt, Cell& c, const Actions& actions, const Hand& hand,
                           Outgoing& out) noexcept;

/// How a branch's request finds its way back to send_failed().
[[nodiscard]] SendFailure failure_of(const Runtime& rt, const Cell& c, const Branch& b) noexcept;

}  // namespace fairlead::tm
