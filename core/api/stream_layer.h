// What a module implements that puts a protocol between the bytes of TCP and messages (TLS).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/api/net.h"
#include "core/base/address.h"
#include "core/base/clock.h"

namespace fairlead {

/// One connection as bytes: read, write, close. What TCP is and what is layered over it has this
/// form. Owned by one process for life. Never blocks. Destroying it closes the connection.
class Stream {
public:
    enum class State : std::uint8_t {
        ok,
        wants_readable,  ///< nothing more until the descriptor is readable
        wants_writable,  ///< likewise writable
        ended,           ///< the peer closed it
        failed           ///< it is broken: `error` says why
    };
    struct Moved {
        State state = State::ok;
        std::size_t bytes = 0;
        int error = 0;  ///< errno
    };

    virtual ~Stream() = default;
    /// Goes on with whatever comes before the first byte of the user: ok when it is over.
    virtual Moved establish() noexcept = 0;
    /// Some bytes; ok with 0 bytes is not possible. A layer may want either direction.
    virtual Moved read(std::span<char> into) noexcept = 0;
    /// As many of the bytes as there is room for. Called again with the same bytes, or more behind
    /// them, when it wanted to wait. A layer may want either direction.
    virtual Moved write(std::string_view bytes) noexcept = 0;
    /// Nothing will be written any more: the peer is told so, and may still write.
    virtual void finish() noexcept {}
    /// Whether read() has bytes although the descriptor may never be readable again.
    [[nodiscard]] virtual bool has_more() const noexcept { return false; }
    /// To be watched.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;

protected:
    Stream() = default;
    Stream(const Stream&) = default;
    Stream& operator=(const Stream&) = default;
    Stream(Stream&&) = default;
    Stream& operator=(Stream&&) = default;
};

/// Of a connection that is about to be layered.
struct NewStream {
    std::uint32_t connection = 0;  ///< its number, as Received::connection of its messages has it
    Address remote, local;         ///< opened ones: `local` is the listener's address
    std::uint16_t listener = 0;
    std::uint16_t profile = 0;  ///< opened ones: what profile_of() said
    bool outgoing = false;      ///< opened from here, not accepted
};

/// Registered with Net::set_stream_layer() before fork; the connections of TLS listeners, and those
/// that are opened from them, go through it. Everything below runs in the process that owns the
/// connection or sends the message.
class StreamLayer {
public:
    /// Over `below`, which may still be connecting: the new stream establishes it first. Null when
    /// there is no way to serve it (the reason was logged): it is closed.
    [[nodiscard]] virtual std::unique_ptr<Stream> over(std::unique_ptr<Stream> below,
                                                       const NewStream& about) noexcept = 0;
    /// The profile that `m` wants for a connection to `to`. Connections of different profiles are
    /// never used for each other's messages. 0: the usual one, which accepted connections have.
    [[nodiscard]] virtual std::uint16_t profile_of(Message& /*m*/, const Target& /*to*/) noexcept {
        return 0;
    }
    /// How long a connection may be idle that no message came or went on; 0: as all others.
    [[nodiscard]] virtual Ms first_lifetime() const noexcept { return Ms{0}; }

protected:
    ~StreamLayer() = default;
};

}  // namespace fairlead
