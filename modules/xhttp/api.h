// Answering the HTTP requests that come to the script, for other modules. What is declared here is
// in answer.cpp, which they are built with. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/core.h"
#include "core/api/message.h"

namespace fairlead::xhttp {

/// What is said. Texts need to live during the call only.
struct Answer {
    int code = 200;  ///< 100 to 699
    std::string_view reason;
    std::string_view headers{};  ///< lines with CRLF, behind those of Message::append_to_reply()
    std::string_view type{};     ///< "": no Content-Type
    std::string_view body{};
};
/// Sends it on the connection of `m`, which is of HTTP (m.sip.is_http()). False when it was not
/// sent: it is longer than 65,535 bytes, or the connection is gone. Any process that has the
/// request's bytes in `m`, and where they came from in m.received.
[[nodiscard]] bool answer(Core& core, Message& m, const Answer& what);

/// For Net::tell(), by whoever gets a request: another process answers it, or this one later. Until
/// then further requests on the connection wait.
inline constexpr std::string_view kAnswerLater = "answer later";

}  // namespace fairlead::xhttp
