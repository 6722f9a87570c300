// Acting on transactions of other messages: cancelling and answering them from outside.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "modules/tm/api.h"
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// How a script names a transaction that is not its own.
struct CallKey {
    std::string_view call_id;
    std::uint32_t cseq = 0;
};

/// See Api.
[[nodiscard]] bool cancel_branches(Runtime& rt, Message& m, Api::Which which);
[[nodiscard]] bool cancel_call(Runtime& rt, const CallKey& key, std::uint32_t flags,
                               std::uint16_t code);
[[nodiscard]] bool answer_call(Runtime& rt, const CallKey& key, const OwnReply& reply);
[[nodiscard]] bool answer(Runtime& rt, std::uint32_t slot, std::uint32_t label,
                          const OwnReply& reply);

}  // namespace fairlead::tm
