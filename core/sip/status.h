// Status codes and their default reason phrases (RFC 3261 21 and the IANA registry).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace fairlead::sip {

/// "Not Found" for 404; the class's name ("Client Error") for a code that is not registered.
[[nodiscard]] std::string_view default_reason(int code) noexcept;

}  // namespace fairlead::sip
