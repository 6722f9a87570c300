// t_relay and its kin: from where the message points to branches that were sent (RFC 3261 16.6).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// A fixed place to send to, or a transport to use; both optional.
struct Destination {
    std::string_view address;  ///< "proto:host:port", "host:port"…; "" when the URIs decide
    Proto proto = Proto::none;
    const Step* step = nullptr;  ///< who is told when it fails (StepsApi)
};

/// Gives the transaction the times that fr_timer_avp and fr_inv_timer_avp hold. Without the lock.
void times_from_avps(const Runtime& rt, const Message& m, const Work& w) noexcept;

/// Makes branches of where the message points, for the transaction of `w`, and sends them: 1, or
/// below 0 a ScriptError.
[[nodiscard]] int forward(Runtime& rt, Message& m, Work& w, const Destination& to);

/// t_relay: makes the transaction if needed, deals with ACK and CANCEL. 1, 0 never, below 0 a
/// ScriptError.
[[nodiscard]] int relay(Runtime& rt, Message& m, const Destination& to);
/// t_forward_nonack: needs a transaction; sends no 100.
[[nodiscard]] int forward_nonack(Runtime& rt, Message& m, const Destination& to);

}  // namespace fairlead::tm
