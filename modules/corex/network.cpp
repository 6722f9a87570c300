// The event routes that see messages as they come from the network and as they leave for it.
// SPDX-License-Identifier: Apache-2.0
#include "modules/corex/network.h"

#include "core/api/log.h"
#include "core/api/sip.h"

namespace fairlead::corex {

void Network::connect(Core& core) {
    core_ = &core;
    if (intercept) message_ = core.script().find(Route::event, "network:msg");
    reply_ = core.script().find(Route::event, "corex:reply-out");
    const bool wanted = message_ != RouteId::none || reply_ != RouteId::none;
    core.net().set_filter(wanted ? this : nullptr);
}

bool Network::wants(std::string_view bytes) const noexcept {
    return message_ != RouteId::none && bytes.size() >= static_cast<std::size_t>(min_length);
}

std::string_view Network::arrived(std::string_view bytes, const Received& from) noexcept {
    if (busy_ || !wants(bytes)) return bytes;
    return run(message_, bytes, from, nullptr, in_);
}

std::string_view Network::leaves(std::string_view bytes, const Target& to) noexcept {
    if (busy_) return bytes;
    const auto listeners = core_->net().listeners();
    Received from{.proto = to.proto, .listener = to.listener, .connection = to.connection};
    if (to.listener < listeners.size()) from.source = from.local = listeners[to.listener].address;
    const Leaving leaving{to, bytes};
    if (reply_ != RouteId::none && bytes.starts_with("SIP/2.0 ")) {
        std::string unchanged;
        (void)run(reply_, bytes, from, &leaving, unchanged);
    }
    return wants(bytes) ? run(message_, bytes, from, &leaving, out_) : bytes;
}

std::string_view Network::run(RouteId route, std::string_view bytes, const Received& from,
                              const Leaving* leaving, std::string& room) noexcept {
    busy_ = true;
    leaving_ = leaving != nullptr;
    std::string_view result = bytes;
    {
        const BorrowedMessage borrowed(*core_);
        Message& m = *borrowed;
        m.received = from;
        m.arrived = core_->clock().now();
        // What is no SIP has its bytes all the same: $mb, and whatever can be read of it.
        if (m.sip.parse(bytes)) LOG(debug, "network:msg: a message that is no SIP");
        m.route_type = Route::request;
        m.leaving = leaving;
        (void)core_->script().run(route, m);
        const Value value = route == message_ && changed != nullptr ? changed->get(m) : Value();
        if (value.is_string() && !value.string().empty()) result = room = value.string();
        m.leaving = nullptr;
    }
    leaving_ = busy_ = false;
    return result;
}

}  // namespace fairlead::corex
