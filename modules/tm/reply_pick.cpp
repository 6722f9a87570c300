// Which of the branches' final replies goes upstream.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/reply_pick.h"

namespace fairlead::tm {

int priority(int code, bool faked, bool with_6xx, const Policy& policy) noexcept {
    const int penalty = faked ? policy.faked_reply_prio : 0;
    const int rest = code % 100;
    switch (code / 100) {
        case 6: return (with_6xx ? 1000 : 6000) + rest + penalty;
        case 3: return 3000 + rest + penalty;
        case 4: {
            const bool can_act =
                code == 401 || code == 407 || code == 415 || code == 420 || code == 484;
            return (can_act ? 4000 : 4100) + rest + penalty;
        }
        case 5: return 5000 + rest + penalty;
        default: return 10000 + code + penalty;
    }
}

Pick pick(const Cell& c, const Policy& policy, std::uint16_t from_step) noexcept {
    const bool with_6xx = !policy.disable_6xx_block && !c.has(Cell::disable_6xx);
    Pick best;
    int best_priority = 0;
    for (Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        if (b->serial < from_step) continue;
        if (b->has(Branch::retired) || !b->has(Branch::decided) || b->status < 300) continue;
        // What never left the server says nothing about the callee: only if there is nothing else.
        // A 408 to another method than INVITE may not be sent (RFC 4320 4.2): the same.
        const bool is_last = b->has(Branch::unsent) ||
                             (b->status == 408 && policy.rfc4320 && !c.is_invite() && !c.local);
        const int p =
            priority(b->status, b->has(Branch::faked), with_6xx, policy) + (is_last ? 1000000 : 0);
        if (best.branch != nullptr && p >= best_priority) continue;
        best = {b, b->status};
        best_priority = p;
    }
    return best;
}

}  // namespace fairlead::tm
