// The program with a clock: how long each route that something runs takes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/api/script.h"
#include "core/base/clock.h"
#include "core/shm/counters.h"

namespace fairlead::server {

/// Forwards to another Script and records the time from the beginning to the end of each run. What
/// a route runs inside (a branch_route inside of t_relay) is part of its time, too.
class TimedScript final : public Script {
public:
    /// Neither is owned.
    TimedScript(Script& script, const Clock& clock) noexcept : script_(script), clock_(clock) {}

    /// Before fork: where runs of the next route are recorded, in the order of their ids.
    void add(shm::Histogram histogram) { by_route_.push_back(histogram); }
    /// Before fork: where scripts that go on are recorded.
    void set_resumed(shm::Histogram histogram) noexcept { resumed_ = histogram; }

    [[nodiscard]] RouteId find(Route type, std::string_view name) const noexcept override {
        return script_.find(type, name);
    }
    [[nodiscard]] std::string_view name(RouteId route) const noexcept override {
        return script_.name(route);
    }
    RouteResult run(RouteId route, Message& message) noexcept override;
    [[nodiscard]] std::string_view way_back(Message& message) noexcept override {
        return script_.way_back(message);
    }
    RouteResult resume(std::string_view way, Message& message) noexcept override;
    [[nodiscard]] std::optional<std::string_view> fill_in(std::string_view text,
                                                          Message& message) noexcept override {
        return script_.fill_in(text, message);
    }

private:
    Script& script_;
    const Clock& clock_;
    std::vector<shm::Histogram> by_route_;
    shm::Histogram resumed_;
};

}  // namespace fairlead::server
