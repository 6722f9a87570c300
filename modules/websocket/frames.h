// Frames of WebSocket (RFC 6455 5): their heads, the mask, and what a payload may be.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::websocket {

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};
constexpr bool is_control(Opcode opcode) noexcept {
    return static_cast<std::uint8_t>(opcode) >= 8;
}
constexpr bool is_known(Opcode opcode) noexcept {
    return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong);
}

/// Status codes of a close (RFC 6455 7.4.1).
enum class Status : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    invalid_payload = 1007,
    too_big = 1009
};

inline constexpr std::size_t kMaxControl = 125;  ///< bytes of a control frame's payload
inline constexpr std::size_t kMaxReason = kMaxControl - 2;

struct FrameHead {
    bool is_final = false, is_masked = false;
    std::uint8_t reserved = 0;  ///< the three bits
    Opcode opcode{};
    bool is_short = false;     ///< the length is written in as few bytes as it can be
    std::uint64_t length = 0;  ///< of the payload
    std::array<char, 4> key{};
    std::size_t size = 0;  ///< of the head itself
};
/// Nullopt while it is not whole.
[[nodiscard]] std::optional<FrameHead> read_head(std::string_view bytes) noexcept;
void unmask(std::span<char> payload, const std::array<char, 4>& key) noexcept;
/// Appends a whole frame, not masked, as servers send them.
void write_frame(std::string& out, Opcode opcode, std::string_view payload);
/// … a close; a reason is cut to kMaxReason bytes. Status 0: without one.
void write_close(std::string& out, std::uint16_t status, std::string_view reason);

/// Whether text is UTF-8: no surrogates, nothing longer than it must be (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// Whether the number may stand in a close frame (RFC 6455 7.4).
[[nodiscard]] bool is_status(unsigned number) noexcept;

}  // namespace fairlead::websocket
