// Where a Via value ends its sent-by, and its parameters with their places in the bytes: what
// writing received and rport needs. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/base/text.h"
#include "core/sip/params.h"
#include "core/sip/values.h"

namespace fairlead::sip {

/// All of the value behind host and port, with the first ';'.
inline std::string_view behind_sent_by(const Via& via) noexcept {
    const std::string_view last = via.port_text.empty() ? via.host : via.port_text;
    const auto used = static_cast<std::size_t>(last.data() + last.size() - via.text.data());
    return via.text.substr(used);
}

/// Calls `each(param, piece)` for every parameter; `piece` is its text with the ';' before it.
template <class Each>
void each_via_param(const Via& via, Each each) noexcept {
    std::string_view rest = behind_sent_by(via);
    while (true) {
        const std::string_view before = rest;
        const auto param = next_param(rest);
        if (!param) return;
        each(*param, before.substr(0, before.size() - rest.size()));
    }
}

}  // namespace fairlead::sip
