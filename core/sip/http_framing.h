// Where an HTTP/1.x request on a stream ends (RFC 9112), and which ones nobody may disagree about:
// all others are refused. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/sip/limits.h"

namespace fairlead::sip {

/// One per stream; remembers how far an incomplete request was searched.
class HttpFramer {
public:
    enum class What : std::uint8_t {
        incomplete,  ///< more bytes are needed; nothing to take off
        line_ends,   ///< `size` bytes between requests that mean nothing
        request,     ///< `size` bytes from the request line to the end of the body
        refused      ///< to be answered with `code` and `reason`; then the stream must be closed
    };
    struct Found {
        What what = What::incomplete;
        std::size_t size = 0;
        int code = 0;
        std::string_view reason;
        /// Incomplete: the client waits for "100 Continue" before it sends the body. Said once.
        bool wants_continue = false;
    };

    /// What a stream begins with. `unknown`: its first line is not whole yet.
    enum class Start : std::uint8_t { no, unknown, yes };
    [[nodiscard]] static Start begins(std::string_view bytes) noexcept;

    /// `bytes`: all that came and was not taken off. After `incomplete` the next call gets the same
    /// bytes and more behind them; after anything else it begins behind `size` bytes. Refused are:
    /// - 400: what is no request line; names that are no tokens, or with white space around them;
    ///   folded lines, control characters, bare CR or LF; two Content-Length, one that is no
    ///   number, one beside Transfer-Encoding; two Host;
    /// - 411: Transfer-Encoding alone, since bodies come with their length or not at all;
    /// - 413: more than kMaxMessage bytes; 414: a target of more than kMaxUri; 431: more than
    ///   kMaxHttpHead bytes up to the body; 417: an expectation but 100-continue; 505: not HTTP/1.
    [[nodiscard]] Found next(std::string_view bytes) noexcept;

private:
    struct Head {
        std::int64_t length = -1;
        bool has_encoding = false, has_host = false, expects = false;
        int code = 0;
        std::string_view reason;
        void refuse(int with, std::string_view why) noexcept {
            if (code != 0) return;
            code = with;
            reason = why;
        }
    };
    [[nodiscard]] Found find_head(std::string_view bytes) noexcept;
    static void request_line(std::string_view line, Head& head) noexcept;
    static void field(std::string_view line, Head& head) noexcept;
    [[nodiscard]] static Head read_head(std::string_view bytes) noexcept;

    std::size_t searched_ = 0;  ///< bytes in which the empty line is not
    std::size_t needed_ = 0;    ///< size of the request, once its head is complete
};

/// The whole answer of somebody who says no more than this; the connection is closed behind it.
[[nodiscard]] std::string http_refusal(int code, std::string_view reason);

}  // namespace fairlead::sip
