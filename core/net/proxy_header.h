// What a balancer says of a connection in front of its first message: the PROXY protocol, versions
// 1 and 2 (HAProxy's proxy-protocol.txt). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/address.h"

namespace fairlead::net {

struct ProxyHeader {
    enum class What : std::uint8_t {
        incomplete,  ///< more bytes are needed
        broken,      ///< this is none: `why`
        whole        ///< the stream goes on behind `size` bytes
    };
    /// Longer ones are refused: addresses take at most 232 bytes, what is added to them a few more.
    static constexpr std::size_t kLargest = 4096;

    What what = What::incomplete;
    std::size_t size = 0;
    /// Not set when the balancer speaks for itself or says nothing of addresses of IP: that of the
    /// connection stands.
    Address source;
    std::string_view why;
};

/// `bytes`: all that came on the connection.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view bytes) noexcept;

}  // namespace fairlead::net
