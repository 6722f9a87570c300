// What rr offers to other modules. `needs<&Mine::rr>()` binds it; see docs/modules.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/module.h"

namespace fairlead::rr {

/// Told of each own Route that loose_route() takes off.
class RouteListener {
public:
    /// `params` is what stood in our URI, from the first ';' on; lives as long as the message.
    virtual void route_followed(Message& m, std::string_view params) = 0;

protected:
    ~RouteListener() = default;
};

/// All calls but on_route() in a process with an engine, on the message that it works on.
struct Api {
    static constexpr ApiId api_id{"rr", 1};

    /// Before fork (in prepare()).
    virtual void on_route(RouteListener& listener) = 0;
    /// ";name=value" for our Record-Route, made before or later. False when it is not of this form.
    virtual bool add_param(Message& m, std::string_view param) = 0;
    /// A parameter of our own Route: "" when it has no value, nullopt when it is not there.
    [[nodiscard]] virtual std::optional<std::string_view> route_param(Message& m,
                                                                      std::string_view name) = 0;
    /// Whether the request goes from the callee to the caller.
    [[nodiscard]] virtual bool is_upstream(Message& m) = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::rr
