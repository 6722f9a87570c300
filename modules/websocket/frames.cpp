// Frames of WebSocket. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/frames.h"

namespace fairlead::websocket {
namespace {

// RFC 6455 5.2: these lengths say that 2 or 8 bytes of length follow.
constexpr std::uint64_t kIn2 = 126, kIn8 = 127;

constexpr unsigned byte(std::string_view bytes, std::size_t i) noexcept {
    return static_cast<unsigned char>(bytes[i]);
}

void put_number(std::string& out, std::uint64_t number, unsigned bytes) {
    while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes));
}

/// Bytes of the character at the front; 0 when there is none.
std::size_t utf8_size(std::string_view text) noexcept {
    const unsigned first = byte(text, 0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    const unsigned second = byte(text, 1);
    const unsigned least = first == 0xe0 ? 0xa0U : first == 0xf0 ? 0x90U : 0x80U;
    const unsigned most = first == 0xed ? 0x9fU : first == 0xf4 ? 0x8fU : 0xbfU;
    if (second < least || second > most) return 0;
    for (std::size_t i = 2; i < size; ++i)
        if ((byte(text, i) & 0xc0U) != 0x80U) return 0;
    return size;
}

}  // namespace

std::optional<FrameHead> read_head(std::string_view bytes) noexcept {
    if (bytes.size() < 2) return std::nullopt;
    FrameHead head;
    head.is_final = (byte(bytes, 0) & 0x80U) != 0;
    head.reserved = static_cast<std::uint8_t>((byte(bytes, 0) >> 4U) & 7U);
    head.opcode = static_cast<Opcode>(byte(bytes, 0) & 0x0fU);
    head.is_masked = (byte(bytes, 1) & 0x80U) != 0;
    head.length = byte(bytes, 1) & 0x7fU;
    head.size = 2;
    const std::size_t more = head.length == kIn2 ? 2 : head.length == kIn8 ? 8 : 0;
    const std::size_t size = 2 + more + (head.is_masked ? head.key.size() : 0);
    if (bytes.size() < size) return std::nullopt;
    if (more != 0) head.length = 0;
    for (; head.size < 2 + more; ++head.size)
        head.length = (head.length << 8U) | byte(bytes, head.size);
    head.is_short = more == 0 || head.length > (more == 2 ? kMaxControl : std::uint64_t{0xffff});
    if (head.is_masked)
        for (char& c : head.key) c = bytes[head.size++];
    return head;
}

void unmask(std::span<char> payload, const std::array<char, 4>& key) noexcept {
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<char>(payload[i] ^ key[i % key.size()]);
}

void write_frame(std::string& out, Opcode opcode, std::string_view payload) {
    out += static_cast<char>(0x80U | static_cast<unsigned>(opcode));
    if (payload.size() <= kMaxControl) {
        out += static_cast<char>(payload.size());
    } else if (payload.size() <= 0xffff) {
        out += static_cast<char>(kIn2);
        put_number(out, payload.size(), 2);
    } else {
        out += static_cast<char>(kIn8);
        put_number(out, payload.size(), 8);
    }
    out += payload;
}

void write_close(std::string& out, std::uint16_t status, std::string_view reason) {
    std::string payload;
    if (status != 0) {
        put_number(payload, status, 2);
        reason = reason.substr(0, kMaxReason);
        // A character that was cut in two is none.
        while (!reason.empty() && !is_utf8(reason)) reason.remove_suffix(1);
        payload += reason;
    }
    write_frame(out, Opcode::close, payload);
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t size = utf8_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

bool is_status(unsigned number) noexcept {
    const bool is_defined =
        number >= 1000 && number <= 1014 && number != 1004 && number != 1005 && number != 1006;
    return is_defined || (number >= 3000 && number <= 4999);
}

}  // namespace fairlead::websocket
