// The server side of an INVITE transaction: RFC 3261 17.2.1 with RFC 6026's Accepted state.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/fsm.h"

namespace fairlead::tm {

enum class ServerInviteState : std::uint8_t {
    proceeding,
    completed,
    confirmed,
    accepted,
    terminated,
    count
};
enum class ServerInviteEvent : std::uint8_t {
    request,      ///< the INVITE again
    ack,          ///< an ACK that matches
    provisional,  ///< the user sends 1xx
    success,      ///< … 2xx
    failure,      ///< … 300 to 699
    timer_g,
    timer_h,
    timer_i,
    timer_l,
    transport_error,
    count
};

namespace server_invite {
using S = ServerInviteState;
using E = ServerInviteEvent;
inline constexpr Row<S, E> kRows[] = {
    {S::proceeding, E::request, S::proceeding, Do::resend},
    {S::proceeding, E::ack, S::proceeding},
    {S::proceeding, E::provisional, S::proceeding, Do::send},
    {S::proceeding, E::success, S::accepted, Do::send | Do::start_wait},
    {S::proceeding, E::failure, S::completed, Do::send | Do::start_retransmit | Do::start_timeout},
    {S::proceeding, E::timer_g, S::proceeding},
    {S::proceeding, E::timer_h, S::proceeding},
    {S::proceeding, E::timer_i, S::proceeding},
    {S::proceeding, E::timer_l, S::proceeding},
    {S::proceeding, E::transport_error, S::proceeding, Do::inform},

    {S::completed, E::request, S::completed, Do::resend},
    {S::completed, E::ack, S::confirmed, Do::stop_retransmit | Do::start_wait},
    {S::completed, E::provisional, S::completed},
    // RFC 3261 17.2.1 differs: a 2xx that comes after a negative reply of our own (408, 487) goes
    // up all the same (16.7 step 10), or the caller would never know of the call it pays for.
    {S::completed, E::success, S::completed, Do::send},
    {S::completed, E::failure, S::completed},
    {S::completed, E::timer_g, S::completed, Do::resend},
    {S::completed, E::timer_h, S::terminated, Do::inform | Do::stop_retransmit | Do::end},
    {S::completed, E::timer_i, S::completed},
    {S::completed, E::timer_l, S::completed},
    {S::completed, E::transport_error, S::terminated, Do::inform | Do::stop_retransmit | Do::end},

    {S::confirmed, E::request, S::confirmed},
    {S::confirmed, E::ack, S::confirmed},
    {S::confirmed, E::provisional, S::confirmed},
    {S::confirmed, E::success, S::confirmed, Do::send},  // as above
    {S::confirmed, E::failure, S::confirmed},
    {S::confirmed, E::timer_g, S::confirmed},
    {S::confirmed, E::timer_h, S::confirmed},
    {S::confirmed, E::timer_i, S::terminated, Do::end},
    {S::confirmed, E::timer_l, S::confirmed},
    {S::confirmed, E::transport_error, S::confirmed},

    // RFC 6026 7.1 differs: an INVITE that comes again is answered with the 2xx instead of being
    // absorbed silently, which spares the callee a retransmission.
    {S::accepted, E::request, S::accepted, Do::resend},
    {S::accepted, E::ack, S::accepted, Do::pass | Do::stop_retransmit},
    {S::accepted, E::provisional, S::accepted},
    {S::accepted, E::success, S::accepted, Do::send},
    {S::accepted, E::failure, S::accepted},
    {S::accepted, E::timer_g, S::accepted, Do::resend},  // a 2xx of our own: 13.3.1.4
    {S::accepted, E::timer_h, S::accepted},
    {S::accepted, E::timer_i, S::accepted},
    {S::accepted, E::timer_l, S::terminated, Do::stop_retransmit | Do::end},
    {S::accepted, E::transport_error, S::accepted, Do::inform},

    {S::terminated, E::request, S::terminated},
    {S::terminated, E::ack, S::terminated},
    {S::terminated, E::provisional, S::terminated},
    {S::terminated, E::success, S::terminated, Do::send},  // as in completed
    {S::terminated, E::failure, S::terminated},
    {S::terminated, E::timer_g, S::terminated},
    {S::terminated, E::timer_h, S::terminated},
    {S::terminated, E::timer_i, S::terminated},
    {S::terminated, E::timer_l, S::terminated},
    {S::terminated, E::transport_error, S::terminated},
};
inline constexpr Machine<S, E> kMachine{kRows};
}  // namespace server_invite

/// (state, event) to (state, what to do).
[[nodiscard]] constexpr Move<ServerInviteState> step(ServerInviteState s,
                                                     ServerInviteEvent e) noexcept {
    return server_invite::kMachine.step(s, e);
}

}  // namespace fairlead::tm
