// Replies that come from downstream (RFC 3261 16.7).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// `consumed` when the reply belongs to a transaction here, whatever became of it.
[[nodiscard]] Next reply_arrived(Runtime& rt, Message& m);

/// A request that Net could not send after all.
void send_failed(Runtime& rt, Bucket& b, std::uint32_t label_and_branch) noexcept;

}  // namespace fairlead::tm
