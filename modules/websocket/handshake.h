// The opening handshake of a WebSocket server (RFC 6455 4.2, RFC 7118 4).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/api/sip.h"

namespace fairlead::websocket {

/// Who may use what a page of another origin has opened, as the answer tells the browser.
enum class Cors : std::uint8_t { none = 0, any = 1, origin = 2 };

/// What to answer: 101, or why not.
struct Answer {
    int code = 101;
    std::string_view reason;
    std::string headers;  ///< whole lines with CRLF
    std::string why;      ///< for the log
};
[[nodiscard]] Answer answer_handshake(const sip::Message& request, Cors cors);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
[[nodiscard]] std::string accept_of(std::string_view key);

}  // namespace fairlead::websocket
