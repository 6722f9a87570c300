// The client side of an INVITE transaction: RFC 3261 17.1.1 with RFC 6026's Accepted state.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/fsm.h"

namespace fairlead::tm {

enum class ClientInviteState : std::uint8_t {
    calling,
    proceeding,
    completed,
    accepted,
    terminated,
    count
};
enum class ClientInviteEvent : std::uint8_t {
    provisional,  ///< 1xx received
    success,      ///< 2xx
    failure,      ///< 300 to 699
    timer_a,
    timer_b,
    timer_d,
    timer_m,
    transport_error,
    count
};

namespace client_invite {
using S = ClientInviteState;
using E = ClientInviteEvent;
inline constexpr Do kFailed = Do::pass | Do::ack | Do::stop_retransmit | Do::start_wait;
inline constexpr Do kSucceeded = Do::pass | Do::stop_retransmit | Do::start_wait;
inline constexpr Do kGone = Do::inform | Do::stop_retransmit | Do::end;
inline constexpr Row<S, E> kRows[] = {
    {S::calling, E::provisional, S::proceeding, Do::pass | Do::stop_retransmit},
    {S::calling, E::success, S::accepted, kSucceeded},
    {S::calling, E::failure, S::completed, kFailed},
    {S::calling, E::timer_a, S::calling, Do::resend},
    {S::calling, E::timer_b, S::terminated, kGone},
    {S::calling, E::timer_d, S::calling},
    {S::calling, E::timer_m, S::calling},
    {S::calling, E::transport_error, S::terminated, kGone},

    {S::proceeding, E::provisional, S::proceeding, Do::pass},
    {S::proceeding, E::success, S::accepted, kSucceeded},
    {S::proceeding, E::failure, S::completed, kFailed},
    {S::proceeding, E::timer_a, S::proceeding},
    {S::proceeding, E::timer_b, S::proceeding},
    {S::proceeding, E::timer_d, S::proceeding},
    {S::proceeding, E::timer_m, S::proceeding},
    {S::proceeding, E::transport_error, S::proceeding},

    {S::completed, E::provisional, S::completed},
    {S::completed, E::success, S::completed},
    {S::completed, E::failure, S::completed, Do::ack},
    {S::completed, E::timer_a, S::completed},
    {S::completed, E::timer_b, S::completed},
    {S::completed, E::timer_d, S::terminated, Do::end},
    {S::completed, E::timer_m, S::completed},
    {S::completed, E::transport_error, S::terminated, kGone},

    {S::accepted, E::provisional, S::accepted},
    {S::accepted, E::success, S::accepted, Do::pass},
    {S::accepted, E::failure, S::accepted},
    {S::accepted, E::timer_a, S::accepted},
    {S::accepted, E::timer_b, S::accepted},
    {S::accepted, E::timer_d, S::accepted},
    {S::accepted, E::timer_m, S::terminated, Do::end},
    {S::accepted, E::transport_error, S::accepted},

    {S::terminated, E::provisional, S::terminated},
    // RFC 3261 17.1.1.2 differs: the branch is still known, so a 2xx that comes after Timer B is
    // handed on (16.7 step 10) as it would be without a transaction.
    {S::terminated, E::success, S::accepted, kSucceeded},
    {S::terminated, E::failure, S::terminated},
    {S::terminated, E::timer_a, S::terminated},
    {S::terminated, E::timer_b, S::terminated},
    {S::terminated, E::timer_d, S::terminated},
    {S::terminated, E::timer_m, S::terminated},
    {S::terminated, E::transport_error, S::terminated},
};
inline constexpr Machine<S, E> kMachine{kRows};
}  // namespace client_invite

/// (state, event) to (state, what to do).
[[nodiscard]] constexpr Move<ClientInviteState> step(ClientInviteState s,
                                                     ClientInviteEvent e) noexcept {
    return client_invite::kMachine.step(s, e);
}

}  // namespace fairlead::tm
