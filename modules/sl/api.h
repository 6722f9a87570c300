// What sl offers to other modules: replies without state.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/module.h"

namespace fairlead::sl {

/// Told of what sl does.
class Watcher {
public:
    /// A stateless reply was sent for `request`. In the process that sent it, without any lock.
    virtual void replied(Message& request, int code, std::string_view reply) = 0;
    /// The ACK of such a reply was absorbed.
    virtual void absorbed(Message& ack) = 0;

protected:
    ~Watcher() = default;
};

/// All calls in a process with an engine, on the message that it works on.
struct Api {
    static constexpr ApiId api_id{"sl", 1};

    /// sl_send_reply: 1, or -1 when nothing was sent (ACK, unusable Via, no socket).
    virtual int send_stateless(Message& m, int code, std::string_view reason) = 0;
    /// send_reply: through tm when a transaction exists, else stateless.
    virtual int send(Message& m, int code, std::string_view reason) = 0;
    /// The To-tag of a stateless reply to this request; lives in the message's arena.
    [[nodiscard]] virtual std::string_view to_tag(Message& m) = 0;
    /// sl_reply_error: answers with what Message::error calls for.
    virtual int send_error(Message& m) = 0;
    /// Before fork (in prepare()).
    virtual void watch(Watcher& watcher) = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::sl
