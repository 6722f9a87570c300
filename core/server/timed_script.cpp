// The program with a clock. SPDX-License-Identifier: Apache-2.0
#include "core/server/timed_script.h"

namespace fairlead::server {

RouteResult TimedScript::run(RouteId route, Message& message) noexcept {
    const std::int64_t begin = clock_.exact_ns();
    const RouteResult result = script_.run(route, message);
    const auto index = static_cast<std::size_t>(route);
    if (index < by_route_.size()) by_route_[index].record(clock_.exact_ns() - begin);
    return result;
}

RouteResult TimedScript::resume(std::string_view way, Message& message) noexcept {
    const std::int64_t begin = clock_.exact_ns();
    const RouteResult result = script_.resume(way, message);
    resumed_.record(clock_.exact_ns() - begin);
    return result;
}

}  // namespace fairlead::server
