// The four machines, cell by cell: state and event to state and what to do. The expected tables are
// written anew from RFC 3261 17 and RFC 6026, as one line per state.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "modules/tm/client_fsm.h"
#include "modules/tm/client_invite_fsm.h"
#include "modules/tm/server_fsm.h"
#include "modules/tm/server_invite_fsm.h"

namespace fairlead::tm {
namespace {

/// "state:actions" with a letter per action, in the order of the enum.
std::string text(int state, Do actions) {
    constexpr std::string_view kLetters = "psrakxzhwie";
    std::string out = std::to_string(state) + ":";
    for (std::size_t bit = 0; bit < kLetters.size(); ++bit)
        if (has(actions, static_cast<Do>(1U << bit))) out += kLetters[bit];
    return out;
}

template <class State, class Event>
std::vector<std::string> row(State state) {
    std::vector<std::string> cells;
    for (int e = 0; e < static_cast<int>(Event::count); ++e) {
        const auto s = step(state, static_cast<Event>(e));
        cells.push_back(text(static_cast<int>(s.next), s.actions));
    }
    return cells;
}

using Cells = std::vector<std::string>;

}  // namespace

TEST_CASE("server INVITE machine: every cell") {
    // request, ack, 1xx, 2xx, 3-6xx, G, H, I, L, transport error
    using S = ServerInviteState;
    using E = ServerInviteEvent;
    CHECK(row<S, E>(S::proceeding) ==
          Cells{"0:r", "0:", "0:s", "3:sw", "1:skh", "0:", "0:", "0:", "0:", "0:i"});
    CHECK(row<S, E>(S::completed) ==
          Cells{"1:r", "2:xw", "1:", "1:s", "1:", "1:r", "4:xie", "1:", "1:", "4:xie"});
    CHECK(row<S, E>(S::confirmed) ==
          Cells{"2:", "2:", "2:", "2:s", "2:", "2:", "2:", "4:e", "2:", "2:"});
    CHECK(row<S, E>(S::accepted) ==
          Cells{"3:r", "3:px", "3:", "3:s", "3:", "3:r", "3:", "3:", "4:xe", "3:i"});
    CHECK(row<S, E>(S::terminated) ==
          Cells{"4:", "4:", "4:", "4:s", "4:", "4:", "4:", "4:", "4:", "4:"});
}

TEST_CASE("server machine for other methods: every cell") {
    // request, 1xx, final, J, transport error
    using S = ServerState;
    using E = ServerEvent;
    CHECK(row<S, E>(S::trying) == Cells{"0:", "1:s", "2:sw", "0:", "3:ie"});
    CHECK(row<S, E>(S::proceeding) == Cells{"1:r", "1:s", "2:sw", "1:", "3:ie"});
    CHECK(row<S, E>(S::completed) == Cells{"2:r", "2:", "2:", "3:e", "3:ie"});
    CHECK(row<S, E>(S::terminated) == Cells{"3:", "3:", "3:", "3:", "3:"});
}

TEST_CASE("client INVITE machine: every cell") {
    // 1xx, 2xx, 3-6xx, A, B, D, M, transport error
    using S = ClientInviteState;
    using E = ClientInviteEvent;
    CHECK(row<S, E>(S::calling) ==
          Cells{"1:px", "3:pxw", "2:paxw", "0:r", "4:xie", "0:", "0:", "4:xie"});
    CHECK(row<S, E>(S::proceeding) ==
          Cells{"1:p", "3:pxw", "2:paxw", "1:", "1:", "1:", "1:", "1:"});
    CHECK(row<S, E>(S::completed) == Cells{"2:", "2:", "2:a", "2:", "2:", "4:e", "2:", "4:xie"});
    CHECK(row<S, E>(S::accepted) == Cells{"3:", "3:p", "3:", "3:", "3:", "3:", "4:e", "3:"});
    CHECK(row<S, E>(S::terminated) == Cells{"4:", "3:pxw", "4:", "4:", "4:", "4:", "4:", "4:"});
}

TEST_CASE("client machine for other methods: every cell") {
    // 1xx, final, E, F, K, transport error
    using S = ClientState;
    using E = ClientEvent;
    CHECK(row<S, E>(S::trying) == Cells{"1:pz", "2:pxw", "0:r", "3:xie", "0:", "3:xie"});
    CHECK(row<S, E>(S::proceeding) == Cells{"1:p", "2:pxw", "1:rz", "3:xie", "1:", "3:xie"});
    CHECK(row<S, E>(S::completed) == Cells{"2:", "2:", "2:", "2:", "3:e", "2:"});
    CHECK(row<S, E>(S::terminated) == Cells{"3:", "3:", "3:", "3:", "3:", "3:"});
}

}  // namespace fairlead::tm
