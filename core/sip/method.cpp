// The names of the SIP methods.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/method.h"

#include <array>

namespace fairlead::sip {
namespace {

constexpr std::array<std::string_view, 15> kNames = {
    "",     "INVITE", "ACK",    "CANCEL",    "BYE",    "OPTIONS", "REGISTER", "MESSAGE",
    "INFO", "PRACK",  "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER",   "PUBLISH"};
static_assert(kNames[static_cast<std::size_t>(Method::publish)] == "PUBLISH");

}  // namespace

Method parse_method(std::string_view text) noexcept {
    for (std::size_t i = 1; i < kNames.size(); ++i)
        if (kNames[i] == text) return static_cast<Method>(i);
    return Method::other;
}

std::string_view name(Method method) noexcept {
    return kNames[static_cast<std::size_t>(method)];
}

}  // namespace fairlead::sip
