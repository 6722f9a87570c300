// The client's CANCEL (RFC 3261 9.2, 16.10), and an ACK that is passed on.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/fork.h"
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// t_relay for a CANCEL that has no transaction yet.
[[nodiscard]] int relay_cancel(Runtime& rt, Message& m, Work& w, const Destination& to);

/// t_relay for the ACK of a 2xx: passed on without state.
[[nodiscard]] int forward_ack(Runtime& rt, Message& m, const Destination& to);

}  // namespace fairlead::tm
