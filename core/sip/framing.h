// Where a message on a stream ends (RFC 3261 18.3), by the same rules of lines and names as the
// parser's, so that nothing hides between them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/sip/limits.h"

namespace fairlead::sip {

/// What a stream begins with. One per stream; remembers how far an incomplete message was searched,
/// so that bytes which come one by one cost no more than bytes that come at once.
class StreamFramer {
public:
    enum class What : std::uint8_t {
        incomplete,  ///< more bytes are needed; nothing to take off
        line_ends,   ///< `size` bytes between messages that mean nothing: the answer to a ping
        ping,        ///< `size` bytes of a keep-alive (RFC 5626 4.4.1): to be answered by CRLF
        message,     ///< `size` bytes from the start line to the end of the body
        broken       ///< no later byte can be understood: `why`, and the stream must be closed
    };
    struct Found {
        What what = What::incomplete;
        std::size_t size = 0;
        std::string_view why;
    };

    /// `largest` bounds a message in bytes; `accept_no_length` takes one without Content-Length as
    /// one without body, which RFC 3261 18.3 forbids.
    explicit StreamFramer(std::size_t largest = kMaxMessage, bool accept_no_length = false) noexcept
        : largest_(largest), accept_no_length_(accept_no_length) {}

    /// `bytes`: all that came and was not taken off. After `incomplete` the next call gets the same
    /// bytes and more behind them; after anything else it begins behind `size` bytes.
    [[nodiscard]] Found next(std::string_view bytes) noexcept;

private:
    [[nodiscard]] Found between(std::string_view bytes) const noexcept;
    [[nodiscard]] Found find_headers(std::string_view bytes) noexcept;
    /// The body's length; -1 when the header section has none, or `why` not to go on.
    struct Length {
        std::int64_t bytes = -1;
        std::string_view why;
    };
    [[nodiscard]] static Length content_length(std::string_view headers) noexcept;

    std::size_t largest_;
    std::size_t searched_ = 0;  ///< bytes in which the empty line is not
    std::size_t needed_ = 0;    ///< size of the message, once its headers are complete
    bool accept_no_length_;
    bool is_sip_ = false;  ///< the start line was seen
};

}  // namespace fairlead::sip
