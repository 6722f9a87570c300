// Scripts that run for a transaction: failure_route, and the end of the script of a message.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// Runs failure_route for a set of branches that is done, and sends what came of it. The cell is
/// protected by the caller; its lock is not held. Also for what a dead process left unfinished.
void run_choice(Runtime& rt, Bucket& b, Cell& c);

/// The end of a failure_route that ran (or was not there): true when there is another choice to
/// make. Its state is kept when it was suspended.
[[nodiscard]] bool end_choice(Runtime& rt, Bucket& b, Cell& c, Message& m, bool ran);

/// Behind the script of a received message: a t_relay that failed is answered, a transaction that
/// was forgotten is released.
void script_done(Runtime& rt, Message& m, const RouteResult& result);

/// Binds message and work to the transaction and the branch that a route is about; the lock is
/// held.
void set_scene(Runtime& rt, Bucket& b, Cell& c, Branch& about, Message& m, Work& w);
/// Keeps what such a route did to variables and flags; the lock is not held.
void keep_scene(Runtime& rt, Bucket& b, Cell& c, Message& m);

/// Gives the message the variables of the transaction; and the flags too. The lock is not held.
void load_variables(Bucket& b, const Cell& c, Message& m);
void load_script_state(Bucket& b, const Cell& c, Message& m);

// The flags of branch_flag_mask belong to a branch, the others to the transaction. Under the lock.
/// The message flags as routes of this branch see them.
[[nodiscard]] std::uint32_t flags_of(const Runtime& rt, const Cell& c, const Branch& b) noexcept;
/// Behind such a route: stores the branch's, and gives the message those of the transaction, as
/// keep_script_state() stores them.
void keep_flags(const Runtime& rt, const Cell& c, Branch* b, Message& m) noexcept;

}  // namespace fairlead::tm
