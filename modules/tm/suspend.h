// Suspended transactions: what the script that goes on needs, and how it goes on.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <expected>
#include <optional>
#include <string_view>

#include "modules/tm/runtime.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {

/// In a block of its own while the cell waits.
struct Suspension {
    using ShmSafe = void;
    shm::Ptr<StoredRequest> request;  ///< with the script's edits; null: the cell's will do
    Buffer state;                     ///< see suspend_state.cpp
    Buffer luggage, way;
    std::uint64_t param = 0;
    WakerId waker = WakerId::none;
    RouteId wanted_route = RouteId::none;
    bool wanted = false;  ///< resumed before the script that suspended it had ended
};

/// A resumption that came before the script had ended.
struct Wanted {
    bool now = false;
    SuspendToken token;
    RouteId route = RouteId::none;
};

/// SuspendApi.
[[nodiscard]] std::expected<SuspendToken, ScriptError> suspend(Runtime& rt, Message& m,
                                                               const Suspend& how);
[[nodiscard]] Resumed resume(Runtime& rt, const SuspendToken& token, RouteId route,
                             Unpacker* unpacker);
void wake(Runtime& rt, const WakeCall& call) noexcept;

// Under the bucket's lock.
/// The script that suspended it ends: keeps what it has changed since.
[[nodiscard]] Wanted leave_suspended(Runtime& rt, Cell& c, const Message& m, Turn& turn);
void note_wake(const Cell& c, Outgoing& out);
void free_suspension(Runtime& rt, Cell& c) noexcept;
/// Fills in state and request; false when memory is full (then what was there stays).
[[nodiscard]] bool store_state(Runtime& rt, Suspension& s, const Message& m, const Work& w,
                               shm::Hold hold = shm::Hold::published) noexcept;

/// What store_state() wrote, put into a message that was just restored; views into `state`.
void load_state(std::string_view state, Message& m, Work& w);

}  // namespace fairlead::tm
