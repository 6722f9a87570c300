// A session of WebSocket without a connection, and frames of a client for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/websocket/session.h"
#include "test/support/fake_clock.h"

namespace fairlead::test {

/// A frame as clients send it: masked.
inline std::string client_frame(unsigned first, std::string_view payload) {
    constexpr std::array<char, 4> kMask{1, 2, 3, 4};
    std::string plain;
    websocket::write_frame(plain, websocket::Opcode::text, payload);
    const std::size_t head = plain.size() - payload.size();
    std::string frame = plain.substr(0, head);
    frame[0] = static_cast<char>(first);
    frame[1] = static_cast<char>(static_cast<unsigned char>(frame[1]) | 0x80U);
    frame.append(kMask.data(), kMask.size());
    std::string masked(payload);
    websocket::unmask(masked, kMask);
    return frame + masked;
}

/// Does what a connection does with its codec.
class WebSocketPeer : public websocket::SessionParts::Keeper {
public:
    WebSocketPeer() {
        (void)notes.map(4);
        Received from;
        from.connection = 1;
        session = std::make_unique<websocket::Session>(
            websocket::SessionParts{clock, count, options, notes, *this}, std::uint16_t{1}, from);
    }
    virtual ~WebSocketPeer() = default;

    /// In pieces of this many bytes.
    void feed(std::string_view bytes, std::size_t piece = SIZE_MAX) {
        while (!bytes.empty() && !closed) {
            const std::size_t size = std::min(piece, bytes.size());
            in_ += bytes.substr(0, size);
            bytes.remove_prefix(size);
            while (!closed && !in_.empty() && in_.size() >= needed_ && step()) {
            }
        }
    }
    void tell(std::string_view words) { take(session->told(words)); }

    void ended(std::uint32_t, const Received&) noexcept override {}
    void gone(std::uint32_t) noexcept override {}

    FakeClock clock;
    websocket::Counts count;
    websocket::SessionOptions options{.ping_data = "data"};
    websocket::Notes notes;
    std::unique_ptr<websocket::Session> session;
    std::vector<std::string> messages;
    std::string answers;  ///< all, one behind the other
    bool closed = false;

private:
    bool step() {
        const auto found = session->next(in_);
        if (found.what == StreamCodec::Found::What::message) messages.emplace_back(found.message);
        take(found);
        const bool taken = found.what != StreamCodec::Found::What::incomplete;
        needed_ = taken ? 0 : found.size;
        if (taken) in_.erase(0, found.size);
        return taken;
    }
    void take(const StreamCodec::Found& found) {
        answers += found.answer;
        closed = closed || found.close;
    }
    std::string in_;
    std::size_t needed_ = 0;
};

}  // namespace fairlead::test
