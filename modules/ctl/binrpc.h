// Kamailio's binary protocol: packets of typed values, read and written.
// SPDX-License-Identifier: Apache-2.0
//
//   byte 0   0xA1: magic and version
//   byte 1   type << 4 | (bytes of the length - 1) << 2 | (bytes of the cookie - 1)
//   length of the body, cookie, body; numbers are big endian
//
// A value is one byte, size << 4 | type, then `size` bytes; with bit 7 set, `size` is the number of
// bytes of a length that follows.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/command.h"

namespace fairlead::ctl {

enum class PacketType : std::uint8_t { request = 0, reply = 1, fault = 3 };

/// The largest request that is taken.
inline constexpr std::size_t kMaxRequest = 64 * 1024;

struct Header {
    PacketType type{};
    std::size_t size = 0;  ///< of the header itself
    std::size_t body = 0;
    std::uint32_t cookie = 0;
};
/// Nullopt when more bytes are needed; an error when this can be no packet.
[[nodiscard]] Result<std::optional<Header>> read_header(std::string_view bytes);

struct Request {
    std::string_view method;  ///< of the bytes that were read
    std::vector<Value> arguments;
    std::deque<std::string> texts;  ///< of arguments that are fractions
};
[[nodiscard]] Result<Request> read_request(std::string_view body);

/// The head of a packet with this body.
[[nodiscard]] std::string head(PacketType type, std::uint64_t body, std::uint32_t cookie);

/// Values in their binary form.
class Writer final : public Answer {
public:
    using Answer::begin_array, Answer::begin_struct, Answer::integer, Answer::number, Answer::text;

    void integer(std::int64_t value) override;
    /// With three digits behind the point.
    void number(double value) override;
    void text(std::string_view value) override;
    void begin_struct() override { begin(); }
    void end_struct() override { end(); }
    /// A list is written as a structure without names, as Kamailio does.
    void begin_array() override { begin(); }
    void end_array() override { end(); }
    void name(std::string_view name) override;

    void end_all() {
        while (depth_ > 0) end();
    }
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }

private:
    void begin();
    void end();

    std::string out_;
    std::size_t depth_ = 0;
};

}  // namespace fairlead::ctl
