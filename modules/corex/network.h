// The event routes that see messages as they come from the network and as they leave for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/module.h"

namespace fairlead::corex {

/// Runs event_route[network:msg] for all that passes, and event_route[corex:reply-out] for replies
/// that leave. What these routes cause is not seen by them again.
class Network final : public NetFilter {
public:
    // Parameters of the module.
    bool intercept = false;
    std::int64_t min_length = 0;
    const VariableRef* changed = nullptr;

    /// After prepare(), in the supervisor or any process. Asks Net for messages when there is a
    /// route that wants them.
    void connect(Core& core);

    /// Whether the message that a script sees came from the network; false only while a route sees
    /// one that leaves.
    [[nodiscard]] bool is_incoming() const noexcept { return !leaving_; }

    [[nodiscard]] std::string_view arrived(std::string_view bytes,
                                           const Received& from) noexcept override;
    [[nodiscard]] std::string_view leaves(std::string_view bytes,
                                          const Target& to) noexcept override;

private:
    /// What the route made of the bytes; the same when it did nothing with them.
    std::string_view run(RouteId route, std::string_view bytes, const Received& from,
                         const Leaving* leaving, std::string& room) noexcept;
    [[nodiscard]] bool wants(std::string_view bytes) const noexcept;

    Core* core_ = nullptr;
    RouteId message_ = RouteId::none, reply_ = RouteId::none;
    bool busy_ = false, leaving_ = false;
    std::string in_, out_;  ///< what was changed; they live until the next message
};

}  // namespace fairlead::corex
