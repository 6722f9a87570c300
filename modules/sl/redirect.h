// The Contact of a redirection: where the script has pointed the request.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/message.h"
#include "core/api/sip.h"

namespace fairlead::sl {

/// Bits of the parameter rich_redirect.
inline constexpr int kWithFlags = 1;  ///< branch flags as a Contact parameter
inline constexpr int kWithPath = 2;   ///< the Path of a branch as ?Route= of its URI

/// The longest Contact header field that is written, CRLF included.
inline constexpr std::size_t kMaxContacts = 4096;

/// Writes "Contact: <uri>;q=0.5, <uri>" with CRLF: the Request-URI if the script changed it, then
/// the branches that it added. Writes nothing when there are none. False when it did not fit.
[[nodiscard]] bool write_contacts(sip::Writer& out, const Message& m, int rich) noexcept;

}  // namespace fairlead::sl
