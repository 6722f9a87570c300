// The Contact of a redirection that goes through a transaction.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/message.h"

namespace fairlead::tm {

/// What the script appended to the reply and, behind it, one Contact line with the Request-URI and
/// all branches. `rich` adds to each: 1 its branch flags, 2 its Path as a Route header of the URI.
/// In the message's arena.
[[nodiscard]] std::string_view redirect_headers(Message& m, int rich);

}  // namespace fairlead::tm
