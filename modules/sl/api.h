// What sl offers to other modules: replies without state.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/module.h"

namespace fairlead::sl {

/// All calls in a process with an engine, on the message that it works on.
struct Api {
    static constexpr ApiId api_id{"sl", 1};

    /// sl_send_reply: 1, or -1 when nothing was sent (ACK, unusable Via, no socket).
    virtual int send_stateless(Message& m, int code, std::string_view reason) = 0;
    /// send_reply: through tm when a transaction exists, else stateless.
    virtual int send(Message& m, int code, std::string_view reason) = 0;
    /// The To-tag of a stateless reply to this request; lives in the message's arena.
    [[nodiscard]] virtual std::string_view to_tag(Message& m) = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::sl
