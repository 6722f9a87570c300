// The client side of a transaction other than INVITE: RFC 3261 17.1.2. A CANCEL that we send runs
// one too. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/fsm.h"

namespace fairlead::tm {

enum class ClientState : std::uint8_t { trying, proceeding, completed, terminated, count };
enum class ClientEvent : std::uint8_t {
    provisional,  ///< 1xx received
    final,        ///< 200 to 699
    timer_e,
    timer_f,
    timer_k,
    transport_error,
    count
};

namespace client {
using S = ClientState;
using E = ClientEvent;
inline constexpr Do kAnswered = Do::pass | Do::stop_retransmit | Do::start_wait;
inline constexpr Do kGone = Do::inform | Do::stop_retransmit | Do::end;
inline constexpr Row<S, E> kRows[] = {
    {S::trying, E::provisional, S::proceeding, Do::pass | Do::slow_retransmit},
    {S::trying, E::final, S::completed, kAnswered},
    {S::trying, E::timer_e, S::trying, Do::resend},
    {S::trying, E::timer_f, S::terminated, kGone},
    {S::trying, E::timer_k, S::trying},
    {S::trying, E::transport_error, S::terminated, kGone},

    {S::proceeding, E::provisional, S::proceeding, Do::pass},
    {S::proceeding, E::final, S::completed, kAnswered},
    {S::proceeding, E::timer_e, S::proceeding, Do::resend | Do::slow_retransmit},
    {S::proceeding, E::timer_f, S::terminated, kGone},
    {S::proceeding, E::timer_k, S::proceeding},
    {S::proceeding, E::transport_error, S::terminated, kGone},

    {S::completed, E::provisional, S::completed},
    {S::completed, E::final, S::completed},
    {S::completed, E::timer_e, S::completed},
    {S::completed, E::timer_f, S::completed},
    {S::completed, E::timer_k, S::terminated, Do::end},
    {S::completed, E::transport_error, S::completed},

    {S::terminated, E::provisional, S::terminated},
    {S::terminated, E::final, S::terminated},
    {S::terminated, E::timer_e, S::terminated},
    {S::terminated, E::timer_f, S::terminated},
    {S::terminated, E::timer_k, S::terminated},
    {S::terminated, E::transport_error, S::terminated},
};
inline constexpr Machine<S, E> kMachine{kRows};
}  // namespace client

/// (state, event) to (state, what to do).
[[nodiscard]] constexpr Move<ClientState> step(ClientState s, ClientEvent e) noexcept {
    return client::kMachine.step(s, e);
}

}  // namespace fairlead::tm
