// What a module implements that frames the bytes of a connection in its own way (WebSocket).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace fairlead {

struct Received;

/// The framing of one connection, given to it by Net::change_framing() and owned by it. Everything
/// is called in the process that owns the connection, never from inside another call of this
/// object, and without any lock held. A connection without one carries SIP as RFC 3261 18.3 frames
/// it.
class StreamCodec {
public:
    /// What to do with the bytes at the front, or upon tell().
    struct Found {
        enum class What : std::uint8_t {
            incomplete,  ///< nothing can be taken off yet
            taken,       ///< `size` bytes are done with
            message      ///< the same, and `message` is to be worked on
        };
        What what = What::incomplete;
        /// Incomplete: it is asked again when there are so many bytes (0: with the next ones).
        std::size_t size = 0;
        /// Into the bytes given, or memory of the codec that stays until it is called again. At
        /// most sip::kMaxMessage bytes.
        std::string_view message;
        /// Written as it stands, before the message is worked on. Stays as `message` does.
        std::string_view answer;
        /// No further byte is looked at; the connection is closed when `answer` has left.
        bool close = false;
        std::string_view why;    ///< of a close, for the log
        bool is_broken = false;  ///< the peer is to blame: tcp:broken_streams counts it
    };
    /// Incomplete things may be this much larger than the largest message; what is larger must be
    /// refused when its size is known, else the connection is closed.
    static constexpr std::size_t kMostHead = 64;

    virtual ~StreamCodec() = default;
    StreamCodec() = default;
    StreamCodec(const StreamCodec&) = delete;
    StreamCodec& operator=(const StreamCodec&) = delete;

    /// `bytes`: all that came and was not taken off; at least one. It may write into them, but only
    /// when it takes them off.
    [[nodiscard]] virtual Found next(std::span<char> bytes) noexcept = 0;
    /// Appends the message to `out` as it travels. False when nothing may be sent any more; then
    /// nothing was appended.
    [[nodiscard]] virtual bool wrap(std::string_view message, std::string& out) noexcept = 0;
    /// What Net::tell() was given, in the words of its module. `what`, `size` and `message` of the
    /// result mean nothing.
    [[nodiscard]] virtual Found told(std::string_view /*words*/) noexcept { return {}; }
    /// Whether it keeps the beginning of a message that must be complete in time
    /// (tcp_msg_read_timeout).
    [[nodiscard]] virtual bool holds_part() const noexcept { return false; }
    /// How long the connection may be idle; `usual` is what all others may.
    [[nodiscard]] virtual Ms lifetime(Ms usual) const noexcept { return usual; }
    /// The connection is over, and this object soon. May run a script. Not called when the process
    /// ends.
    virtual void ended(const Received& /*from*/) noexcept {}
};

}  // namespace fairlead
