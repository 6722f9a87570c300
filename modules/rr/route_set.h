// The Route values of a request, and taking some of them away.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "core/api/message.h"
#include "core/api/sip.h"

namespace fairlead::rr {

/// Most Route values that are looked at; a request with more is not routed by them.
inline constexpr std::size_t kMaxRoutes = 64;

struct RouteValue {
    const sip::Header* header = nullptr;
    std::string_view text;  ///< the whole value
    std::string_view uri;
    bool removed = false;
};

/// Views into one message.
class RouteSet {
public:
    /// Reads all Route header fields that no edit has removed. False when one is malformed or there
    /// are too many values.
    [[nodiscard]] bool read(const Message& m) noexcept;

    [[nodiscard]] bool empty() const noexcept { return first() == nullptr; }
    /// The topmost and the last value that are still there; null when there is none.
    [[nodiscard]] RouteValue* first() noexcept { return at(0); }
    [[nodiscard]] const RouteValue* first() const noexcept {
        return const_cast<RouteSet*>(this)->at(0);
    }
    [[nodiscard]] RouteValue* second() noexcept { return at(1); }
    [[nodiscard]] RouteValue* last() noexcept;

    /// Turns what was marked as removed into edits of the message: a header field without values
    /// goes as a whole.
    void write(Message& m) const;
    /// Adds `<uri>` behind all values (RFC 3261 16.6 step 6).
    void push_back(Message& m, std::string_view uri) const;

private:
    [[nodiscard]] RouteValue* at(std::size_t n) noexcept;

    std::array<RouteValue, kMaxRoutes> values_;
    std::size_t count_ = 0;
};

}  // namespace fairlead::rr
