// Requests of our own: launching them, and telling who asked what became of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// What the cell of such a request remembers of who asked.
struct LocalRequest {
    using ShmSafe = void;
    std::uint32_t incarnation = 0;  ///< of the process that asked: another one is not told
    std::uint16_t asker = kNobody;
    UacCallback callback = UacCallback::none;
    bool provisional = false, dont_ack = false, in_any_process = false;
    std::uint8_t tag_count = 0;
    std::uint8_t param_size = 0;
    std::array<char, UacRequest::kMaxParam> param{};
    std::array<std::uint32_t, 4> tags{};  ///< hashes of the To-tags of the 2xx that came
};

/// UacApi::request.
[[nodiscard]] std::expected<UacId, ScriptError> launch(Runtime& rt, const UacRequest& request);
/// UacApi::cancel.
[[nodiscard]] bool cancel_own(Runtime& rt, UacId id);

/// Under the bucket's lock: what came of the cell's request is told when the lock is gone. `news`
/// has code, reply, target and acknowledge.
void note_local(const Runtime& rt, const Cell& c, LocalNews news, Outgoing& out);
/// Whether no 2xx with this To-tag came before; notes it.
[[nodiscard]] bool is_new_tag(LocalRequest& local, std::string_view tag) noexcept;

/// Without any lock: acknowledges, and calls who asked or posts to his process.
void deliver(Runtime& rt, const LocalNews& news) noexcept;
/// A record that deliver() posted here.
void take_news(Runtime& rt, std::string_view record) noexcept;

/// The ACK for a 2xx (RFC 3261 13.2.2.4), to where `sent_to` was used when the reply names nothing
/// that can be reached.
bool send_ack(Runtime& rt, std::string_view reply, const Target& sent_to, std::string_view headers,
              std::string_view body);
/// Values of Record-Route, the last first: the route set of who sent the request.
[[nodiscard]] std::vector<std::string> route_set(const sip::Message& reply);
/// The URI of the first Contact; "" without one.
[[nodiscard]] std::string_view contact_uri(const sip::Message& m) noexcept;
/// How a request with this route set leaves (RFC 3261 12.2.1.1): its Request-URI, Route lines and
/// next hop.
struct Routed {
    std::string request_uri, lines, next_hop;
};
[[nodiscard]] Routed routed(std::string_view target, const std::vector<std::string>& routes);

[[nodiscard]] std::string fresh_tag(Runtime& rt);
[[nodiscard]] std::string fresh_call_id(Runtime& rt);
/// The listener with this URI text, "host:port" or name; kNoListener for "", nullopt for none.
[[nodiscard]] std::optional<std::uint16_t> find_listener(const Runtime& rt,
                                                         std::string_view socket) noexcept;

}  // namespace fairlead::tm
