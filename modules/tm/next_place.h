// A branch goes on to the next place of its next hop (RFC 3263 4.3), or from a stream back to
// datagrams (RFC 3261 18.1.1): a new branch of the same transaction takes over from the one that
// failed, and its script hears of the end only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// Links the branch that goes to the place behind that of `failed`, which takes no part in
/// anything any more, or by datagram to the same one: `how` is try_next or try_datagram. It waits
/// until send_on(), which `out` brings about. Under the bucket's lock. False without memory, and
/// when all numbers of branches are taken.
[[nodiscard]] bool link_next(Runtime& rt, Cell& c, Branch& failed, Act how, Outgoing& out) noexcept;

/// Sends a branch that waits and whose place is known; from any process, without any lock held. One
/// that is open no longer is passed over; one that cannot be sent has failed.
void send_on(Runtime& rt, const OwnBranch& own) noexcept;

}  // namespace fairlead::tm
