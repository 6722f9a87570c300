// fairleadctl top: what the server does now. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <map>
#include <string>

#include "tools/fairleadctl/client.h"

namespace fairlead::ctl {

/// What was asked at one moment.
struct Moment {
    std::chrono::steady_clock::time_point at;
    std::map<std::string, long long> values;  ///< "tm:current", "core:rcv_requests", …
    Node processes;                           ///< the answer to core.load
};
[[nodiscard]] Result<Moment> look(Client& client);

/// The screen: what there is now, and rates since `before`.
[[nodiscard]] std::string screen(const Moment& before, const Moment& now);

/// Until the user ends it, every `seconds`; with `once` a single screen, whose rates are of
/// `seconds`. What failed is the error.
[[nodiscard]] Result<void> top(Client& client, double seconds, bool once);

}  // namespace fairlead::ctl
