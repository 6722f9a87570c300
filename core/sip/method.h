// SIP methods.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

namespace fairlead::sip {

enum class Method : std::uint8_t {
    other,
    invite,
    ack,
    cancel,
    bye,
    options,
    register_,
    message,
    info,
    prack,
    update,
    subscribe,
    notify,
    refer,
    publish
};

/// Methods are case-sensitive (RFC 3261 7.1).
[[nodiscard]] Method parse_method(std::string_view text) noexcept;
[[nodiscard]] std::string_view name(Method method) noexcept;  ///< "" for other

}  // namespace fairlead::sip
