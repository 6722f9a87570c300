// The request of one branch as it leaves (RFC 3261 16.6). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// Which branch it is.
struct BranchId : OwnBranch {
    bool is_ours = false;  ///< of a request of our own, which came from nowhere
};

struct BranchRequest {
    Target target;           ///< over a stream where the request is too large for a datagram
    std::string_view bytes;  ///< in the outbox; "" when it could not be written
    bool instead = false;    ///< it is over that stream for its size only
};

/// What `m`, with its edits, becomes for the branch `own` to `t`, when that is at `target`.
[[nodiscard]] BranchRequest write_branch_request(Runtime& rt, Message& m, const BranchTarget& t,
                                                 Target target, const BranchId& own, Outgoing& out);
/// The onsend_route sees the branch as the request: false when it was dropped.
[[nodiscard]] bool may_send_branch(Runtime& rt, Message& m, const BranchTarget& t,
                                   const BranchRequest& request);

}  // namespace fairlead::tm
