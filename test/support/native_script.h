// Routes written in C++, for tests that need no configuration. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/api/message.h"

namespace fairlead::test {

class NativeScript final : public Script {
public:
    using Body = std::function<RouteResult(Message&)>;

    void route(Route type, std::string name, Body body) {
        routes_.push_back({type, std::move(name), std::move(body)});
    }

    [[nodiscard]] RouteId find(Route type, std::string_view name) const noexcept override {
        for (std::size_t i = 0; i < routes_.size(); ++i) {
            if (any_of(routes_[i].type, type) && routes_[i].name == name) {
                return static_cast<RouteId>(i);
            }
        }
        return RouteId::none;
    }
    [[nodiscard]] std::string_view name(RouteId route) const noexcept override {
        return routes_[static_cast<std::size_t>(route)].name;
    }
    RouteResult run(RouteId route, Message& message) noexcept override {
        try {
            return routes_[static_cast<std::size_t>(route)].body(message);
        } catch (...) {
            return {.code = -1, .threw = true};
        }
    }

private:
    struct Block {
        Route type;
        std::string name;
        Body body;
    };
    std::vector<Block> routes_;
};

}  // namespace fairlead::test
