// What a script may ask about the call it runs for: values of the original request, and the time at
// which the run began. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "modules/cpl/zone.h"

namespace fairlead::cpl {

enum class Fact : std::uint8_t {
    from,
    to,
    request_uri,
    subject,
    organization,
    user_agent,
    accept_language,  ///< all of them, joined by commas
    priority
};

class Call {
public:
    /// The value as it stands in the request, valid as long as this object; nullopt when absent.
    [[nodiscard]] virtual std::optional<std::string_view> fact(Fact which) const = 0;
    /// One call sees one time, also after it has waited for an answer.
    [[nodiscard]] virtual Instant time() const = 0;

protected:
    ~Call() = default;
};

}  // namespace fairlead::cpl
