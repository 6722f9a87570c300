// The server side of a transaction other than INVITE: RFC 3261 17.2.2.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/fsm.h"

namespace fairlead::tm {

enum class ServerState : std::uint8_t { trying, proceeding, completed, terminated, count };
enum class ServerEvent : std::uint8_t {
    request,      ///< the request again
    provisional,  ///< the user sends 1xx
    final,        ///< … 200 to 699
    timer_j,
    transport_error,
    count
};

namespace server {
using S = ServerState;
using E = ServerEvent;
inline constexpr Row<S, E> kRows[] = {
    {S::trying, E::request, S::trying},
    {S::trying, E::provisional, S::proceeding, Do::send},
    {S::trying, E::final, S::completed, Do::send | Do::start_wait},
    {S::trying, E::timer_j, S::trying},
    {S::trying, E::transport_error, S::terminated, Do::inform | Do::end},

    {S::proceeding, E::request, S::proceeding, Do::resend},
    {S::proceeding, E::provisional, S::proceeding, Do::send},
    {S::proceeding, E::final, S::completed, Do::send | Do::start_wait},
    {S::proceeding, E::timer_j, S::proceeding},
    {S::proceeding, E::transport_error, S::terminated, Do::inform | Do::end},

    {S::completed, E::request, S::completed, Do::resend},
    {S::completed, E::provisional, S::completed},
    {S::completed, E::final, S::completed},
    {S::completed, E::timer_j, S::terminated, Do::end},
    {S::completed, E::transport_error, S::terminated, Do::inform | Do::end},

    {S::terminated, E::request, S::terminated},
    {S::terminated, E::provisional, S::terminated},
    {S::terminated, E::final, S::terminated},
    {S::terminated, E::timer_j, S::terminated},
    {S::terminated, E::transport_error, S::terminated},
};
inline constexpr Machine<S, E> kMachine{kRows};
}  // namespace server

/// (state, event) to (state, what to do).
[[nodiscard]] constexpr Move<ServerState> step(ServerState s, ServerEvent e) noexcept {
    return server::kMachine.step(s, e);
}

}  // namespace fairlead::tm
