// What tm offers to other modules. `needs<&Mine::tm>()` binds it; see docs/modules.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/module.h"

namespace fairlead::tm {

/// All calls in a process with an engine, on the message that it works on. No lock may be held.
struct Api {
    static constexpr ApiId api_id{"tm", 1};

    /// Whether a transaction exists for this message in this script run (made or looked up).
    [[nodiscard]] virtual bool has_transaction(const Message& m) const noexcept = 0;
    /// t_newtran: 1 made, 0 a retransmission (dealt with), below 0 a ScriptError.
    virtual int new_transaction(Message& m) = 0;
    /// t_reply: a stateful reply; 1, or -1 when there is no transaction or a final reply went out.
    virtual int reply(Message& m, int code, std::string_view reason) = 0;
    /// t_relay to where the message points.
    virtual int relay(Message& m) = 0;
    /// The To-tag that replies of this transaction carry; "" without transaction.
    [[nodiscard]] virtual std::string_view reply_to_tag(const Message& m) const noexcept = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::tm
