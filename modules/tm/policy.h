// What the module's parameters decide, in one plain struct for the steps of a transaction.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace fairlead::tm {

/// Times in milliseconds; the names and defaults are those of the parameters.
struct Policy {
    std::uint32_t t1 = 500, t2 = 4000;
    /// The older generation's second and third interval, after which T2 follows; 0: doubling.
    std::uint32_t second = 0, third = 0;
    std::uint32_t fr = 30000, fr_inv = 120000;
    std::uint32_t wait = 5000;
    std::uint32_t max_invite = 180000, max_other = 32000;
    bool cap_invite_interval = false;  ///< Timer A stops growing at T2
    bool rfc4320 = true;
    bool restart_fr_on_each_reply = true;
    bool relay_100 = false;
    bool noisy_ctimer = true;
    bool silent_when_unanswered = false;  ///< what noisy_ctimer=0 means in later servers
    bool remap_503_500 = true;
    bool aggregate_challenges = true;
    bool disable_6xx_block = false;
    bool local_cancel_reason = true;
    bool e2e_cancel_reason = true;
    int cancel_b_method = 1;
    int failure_reply_mode = 3;
    int faked_reply_prio = 0;

    /// Timers H and L, and the life of a CANCEL (RFC 3261 17, RFC 6026).
    [[nodiscard]] std::uint32_t t1_64() const noexcept { return 64 * t1; }
};

}  // namespace fairlead::tm
