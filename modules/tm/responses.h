// Replies that come from downstream (RFC 3261 16.7).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// `consumed` when the reply belongs to a transaction here, whatever became of it.
[[nodiscard]] Next reply_arrived(Runtime& rt, Message& m);

/// t_continue of a reply that was held (held_replies.h): `route` runs for it, and it goes on as if
/// it had just come. In any process, without any lock.
[[nodiscard]] Resumed resume_reply(Runtime& rt, const SuspendToken& token, RouteId route);

/// What send_failed() finds a branch of a bucket by: as much of the label as there is room for, and
/// the number of the branch.
inline constexpr std::uint32_t kBranchBits = 5;
[[nodiscard]] constexpr std::uint32_t label_and_branch(std::uint32_t label,
                                                       std::uint32_t branch) noexcept {
    return label << kBranchBits | branch;
}
/// A request that Net could not send after all.
void send_failed(Runtime& rt, Bucket& b, std::uint32_t which) noexcept;

}  // namespace fairlead::tm
