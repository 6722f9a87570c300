// The conditions of switches (RFC 3880 4), without the walk through the script.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "modules/cpl/call.h"
#include "modules/cpl/script.h"

namespace fairlead::cpl {

/// The variable of an address-switch, ready to be compared; nullopt when it is not present.
struct AddressValue {
    Subfield subfield;
    std::string text;
};
[[nodiscard]] std::optional<AddressValue> address_value(const Call& call, AddressField field,
                                                        Subfield subfield);
/// `users_without_case`: compare user parts as Kamailio does.
[[nodiscard]] bool matches_address(const AddressValue& value, Match match,
                                   std::string_view argument, bool users_without_case);

/// The variable of a string-switch, folded.
[[nodiscard]] std::optional<std::string> string_value(const Call& call, StringField field);
[[nodiscard]] bool matches_string(std::string_view value, Match match, std::string_view argument);

/// `value` is the Priority header's; an absent one is "normal" (RFC 3880 4.5).
[[nodiscard]] bool matches_priority(std::string_view value, Match match, std::string_view argument);

/// URIs that lead to the same place: by RFC 3261 19.1.4, tel by number, others by bytes.
[[nodiscard]] bool same_uri(std::string_view a, std::string_view b);

}  // namespace fairlead::cpl
