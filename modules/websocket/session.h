// One WebSocket connection as the framing of its bytes (RFC 6455 5 to 7, RFC 7118 4 and 5).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/api/stream_codec.h"
#include "core/module.h"
#include "modules/websocket/frames.h"
#include "modules/websocket/notes.h"

namespace fairlead::websocket {

/// Statistics, under Kamailio's names.
struct Counts {
    shm::Counter received_frames, transmitted_frames, sip_received, sip_transmitted, failed,
        local_closed, remote_closed, handshakes, failed_handshakes;
};

enum class KeepAlive : std::uint8_t { none = 0, ping = 1, pong = 2 };

/// What the parameters say of every connection.
struct SessionOptions {
    KeepAlive mechanism = KeepAlive::ping;
    Ms keepalive{180'000};  ///< silence after which a keep-alive is sent
    Ms close_wait{5'000};   ///< in which the peer must have answered a Close
    std::string ping_data;  ///< at most kMaxControl bytes
};

class Session;

/// What the connections of a process share. All are owned by others.
struct SessionParts {
    const Clock& clock;
    const Counts& count;
    const SessionOptions& options;
    Notes& notes;
    class Keeper {
    public:
        /// The connection is over; may run a script.
        virtual void ended(std::uint32_t connection, const Received& from) noexcept = 0;
        /// The object is being destroyed.
        virtual void gone(std::uint32_t connection) noexcept = 0;

    protected:
        ~Keeper() = default;
    };
    Keeper& keeper;
};

/// Owned by its connection, in its process. What others want of it comes as words of Net::tell().
class Session final : public StreamCodec {
public:
    /// `slot`: of this process. `from`: the request of the handshake.
    Session(const SessionParts& parts, std::uint16_t slot, const Received& from);
    ~Session() override;

    // The words: what to do, and with what.
    [[nodiscard]] static std::string close_words(std::uint16_t status, std::string_view reason);
    static constexpr std::string_view kPing = "i", kPong = "o", kDrop = "d";
    /// The words that are due by time; "" for none.
    [[nodiscard]] std::string_view due(Ms now) const noexcept;

    [[nodiscard]] Found next(std::span<char> bytes) noexcept override;
    [[nodiscard]] bool wrap(std::string_view message, std::string& out) noexcept override;
    [[nodiscard]] Found told(std::string_view words) noexcept override;
    [[nodiscard]] bool holds_part() const noexcept override { return holds_part_; }
    [[nodiscard]] Ms lifetime(Ms usual) const noexcept override;
    void ended(const Received& from) noexcept override;

private:
    struct Refusal {
        Status status = Status::normal;
        std::string_view why;  ///< "": there is nothing wrong
    };
    [[nodiscard]] Refusal check(const FrameHead& head) const noexcept;
    [[nodiscard]] Found fail(const Refusal& refusal) noexcept;
    [[nodiscard]] Found data(const FrameHead& head, std::string_view payload) noexcept;
    [[nodiscard]] Found whole(Opcode opcode, std::string_view message) noexcept;
    [[nodiscard]] Found control(Opcode opcode, std::string_view payload) noexcept;
    [[nodiscard]] Found closed_by_peer(std::string_view payload) noexcept;
    [[nodiscard]] Found say(Opcode opcode, std::string_view payload) noexcept;
    [[nodiscard]] Found start_close(std::string_view words) noexcept;
    void touch() noexcept;

    SessionParts parts_;
    std::uint32_t connection_;
    Notes::Live& live_;
    Ms asked_{0};              ///< when the last ping, or our Close, was sent
    bool was_closed_ = false;  ///< either side sent a Close
    bool holds_part_ = false;
    Opcode part_opcode_ = Opcode::text;
    std::string part_;     ///< of a message in several frames
    std::string message_;  ///< the last one that came so
    std::string answer_;   ///< stays until the next call
};

}  // namespace fairlead::websocket
