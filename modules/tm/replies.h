// t_reply, and the 100 that goes out with the first t_relay.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// A stateful reply to the request at hand: 1, or -1 when there is no transaction or a final reply
/// went out before. `tag` replaces the transaction's own To-tag.
[[nodiscard]] int reply(Runtime& rt, Message& m, Work& w, int code, std::string_view reason,
                        std::string_view tag = {});

/// Puts the 100 of an INVITE into the outbox when none was sent and nothing else.
void add_trying(Runtime& rt, Message& m, Work& w, Outgoing& out);

}  // namespace fairlead::tm
