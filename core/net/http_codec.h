// HTTP as the framing of a connection: whole requests out of its bytes, refusals for all others.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/api/stream_codec.h"
#include "core/sip/http_framing.h"

namespace fairlead::net {

class HttpCodec final : public StreamCodec {
public:
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
