// t_replicate: copies of a request that nobody upstream hears of.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/fork.h"

namespace fairlead::tm {

/// Sends the request, and with it the branches that the script added, once more to `uri` ("": to
/// where the message points) or to `to`, in a transaction of its own: its replies end here, no
/// route runs for them, and what the script does with the request afterwards is as if it had not
/// been replicated. The branches are used up. A CANCEL cancels the replicas of its INVITE. 1, or
/// below 0 a ScriptError; an ACK is never replicated.
[[nodiscard]] int replicate(Runtime& rt, Message& m, std::string_view uri, const Destination& to);

}  // namespace fairlead::tm
