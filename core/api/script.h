// Running routes of the configuration from core and modules.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead {

class Message;

/// Route types under Kamailio's bits; a function's row says where it may be called.
enum class Route : std::uint16_t {
    request = 1,
    failure = 2,
    tm_reply = 4,
    branch = 8,
    onsend = 16,
    error = 32,
    local = 64,
    core_reply = 128,
    branch_failure = 256,
    event = 512,
    reply = 4 | 128,
    any = 0xffff
};
constexpr Route operator|(Route a, Route b) noexcept {
    return static_cast<Route>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool any_of(Route a, Route b) noexcept {
    return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

/// A route block: index into the program's table. Small and stable, so it is what a transaction
/// stores.
enum class RouteId : std::uint16_t { none = 0xffff };

struct RouteResult {
    int code = 1;          ///< as `return` left it; a plain `exit` gives 1, `drop` 0
    bool dropped = false;  ///< `drop` was executed
    bool exited =
        false;  ///< the whole script ended inside (exit, drop, return 0, function said stop)
    bool threw = false;  ///< a module function threw; code is -1, and it has been logged
};

/// The program, as modules see it. Same in every process.
class Script {
public:
    /// By type and name ("" for request_route, the unnamed reply_route, onsend_route).
    [[nodiscard]] virtual RouteId find(Route type, std::string_view name) const noexcept = 0;
    [[nodiscard]] virtual std::string_view name(RouteId route) const noexcept = 0;

    /// Runs a route on a message whose route_type the caller has set; `$rc` starts anew. No lock
    /// may be held. Never throws: an exception out of a module function is logged with the module's
    /// name and ends the script with code -1.
    virtual RouteResult run(RouteId route, Message& message) noexcept = 0;

    /// The way back to the statement that runs now, for resume() in any process: bytes in the
    /// message's arena, 12 for each nested block and some more. Only for a function that is the
    /// whole statement; "" for one inside an expression, whose value could not be used later.
    [[nodiscard]] virtual std::string_view way_back(Message& message) noexcept {
        (void)message;
        return {};
    }
    /// Goes on behind that statement, through the blocks, loops and routes around it to the end of
    /// the script. A condition or an assignment that was waiting for a route's code gets it; what
    /// stands left of the route in the same expression is evaluated again. Code -1 for a way that
    /// this program does not have. As run() otherwise.
    virtual RouteResult resume(std::string_view way, Message& message) noexcept {
        (void)way;
        (void)message;
        return {.code = -1};
    }

    /// A text that is known only now, with its variables filled in as if it stood in the
    /// configuration; in the message's arena. Nullopt when one of them does not exist, or it has
    /// more than 64 of them or 64 KB. Costs much more than a text of the configuration, and shows
    /// whoever wrote it what every variable holds.
    [[nodiscard]] virtual std::optional<std::string_view> fill_in(std::string_view text,
                                                                  Message& message) noexcept {
        (void)text;
        (void)message;
        return std::nullopt;
    }

protected:
    ~Script() = default;
};

}  // namespace fairlead
