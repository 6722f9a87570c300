// HTTP as the framing of a connection: whole requests out of its bytes, refusals for all others.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "core/api/stream_codec.h"
#include "core/sip/http_framing.h"

namespace fairlead::net {

class HttpCodec final : public StreamCodec {
public:
    /// Told by whoever got a request: what is sent next on its connection answers it, from whatever
    /// process and whenever it comes. Until then further requests on it wait (RFC 9112 9.3.2); a
    /// connection without an answer ends by tcp_connection_lifetime.
    static constexpr std::string_view kAnswerLater = "answer later";

    [[nodiscard]] Found next(std::span<char> bytes) noexcept override;
    /// Whoever answers writes HTTP.
    [[nodiscard]] bool wrap(std::string_view message, std::string& out) noexcept override {
        out += message;
        return true;
    }

private:
    sip::HttpFramer framer_;
    std::string refusal_;
};

}  // namespace fairlead::net
