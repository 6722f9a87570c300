// Kamailio's binary protocol: packets of typed values, read and written.
// SPDX-License-Identifier: Apache-2.0
#include "modules/ctl/binrpc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fairlead::ctl {
namespace {

constexpr unsigned char kMagic = 0xa1, kStructEnd = 0x83;
constexpr std::size_t kLongestNumber = 8;
constexpr double kFraction = 1000;  ///< of a number with a point

enum class Kind : std::uint8_t { integer, text, number, structure, array, name, bytes };

unsigned char byte_at(std::string_view bytes, std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) value = value << 8 | byte_at(bytes, i);
    return value;
}

/// As few bytes as the value needs; none for 0.
std::string minimal(std::uint64_t value) {
    std::string out;
    for (; value != 0; value >>= 8) out.insert(out.begin(), static_cast<char>(value & 0xff));
    return out;
}

/// Negative numbers have 32 bits while that is enough, as the protocol's other side expects.
std::string number_bytes(std::int64_t value) {
    const bool is_short = value < 0 && value >= INT32_MIN;
    return minimal(is_short ? static_cast<std::uint32_t>(value)
                            : static_cast<std::uint64_t>(value));
}

/// Four bytes are a signed number of 32 bits, eight one of 64.
std::int64_t signed_number(std::string_view bytes) {
    const std::uint64_t value = big_endian(bytes);
    return bytes.size() == 4 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(value))
                             : static_cast<std::int64_t>(value);
}

void append_record(std::string& out, Kind kind, std::string_view bytes) {
    constexpr std::size_t kLongestShort = 7;
    const auto type = static_cast<unsigned>(kind);
    if (bytes.size() <= kLongestShort) {
        out += static_cast<char>(bytes.size() << 4 | type);
    } else {
        const std::string size = minimal(bytes.size());
        out += static_cast<char>(0x80U | size.size() << 4 | type);
        out += size;
    }
    out += bytes;
}

struct Record {
    Kind kind{};
    std::string_view bytes;
};

/// Takes the first value off `body`.
Result<Record> take_record(std::string_view& body) {
    const unsigned char first = byte_at(body, 0);
    body.remove_prefix(1);
    std::size_t size = first >> 4 & 7;
    if ((first & 0x80) != 0) {
        if (size == 0 || size > 4 || size > body.size()) return fail("a value has no length");
        const std::size_t bytes = size;
        size = big_endian(body.substr(0, bytes));
        body.remove_prefix(bytes);
    }
    if (size > body.size()) return fail("a value is longer than its packet");
    const Record record{static_cast<Kind>(first & 15), body.substr(0, size)};
    body.remove_prefix(size);
    return record;
}

/// Texts end with a NUL, which is counted.
Result<std::string_view> text_of(const Record& record) {
    if (record.bytes.empty() || record.bytes.back() != '\0') return fail("a text has no end");
    const std::string_view text = record.bytes.substr(0, record.bytes.size() - 1);
    if (text.find('\0') != std::string_view::npos) return fail("a text has a NUL inside");
    return text;
}

}  // namespace

Result<std::optional<Header>> read_header(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    if (byte_at(bytes, 0) != kMagic) return fail("this is not the binary protocol");
    if (bytes.size() < 2) return std::nullopt;
    const unsigned char second = byte_at(bytes, 1);
    const std::size_t length = (second >> 2 & 3U) + 1, cookie = (second & 3U) + 1;
    Header header;
    header.type = static_cast<PacketType>(second >> 4);
    header.size = 2 + length + cookie;
    if (bytes.size() < header.size) return std::nullopt;
    header.body = big_endian(bytes.substr(2, length));
    header.cookie = static_cast<std::uint32_t>(big_endian(bytes.substr(2 + length, cookie)));
    if (header.type != PacketType::request) return fail("this is not a request");
    if (header.body > kMaxRequest) return fail("the request is too long");
    return header;
}

Result<Request> read_request(std::string_view body) {
    Request request;
    if (body.empty()) return fail("the request is empty");
    const Record method = TRY(take_record(body));
    if (method.kind != Kind::text) return fail("the request has no method");
    request.method = TRY(text_of(method));
    while (!body.empty()) {
        const Record record = TRY(take_record(body));
        if (record.kind == Kind::text) {
            request.arguments.emplace_back(TRY(text_of(record)));
        } else if (record.kind == Kind::bytes) {
            request.arguments.emplace_back(record.bytes);
        } else if (record.kind == Kind::integer || record.kind == Kind::number) {
            if (record.bytes.size() > kLongestNumber) return fail("a number is too long");
            const std::int64_t value = signed_number(record.bytes);
            if (record.kind == Kind::integer) {
                request.arguments.emplace_back(value);
            } else {
                const double number = static_cast<double>(value) / kFraction;
                request.arguments.emplace_back(
                    std::string_view(request.texts.emplace_back(fmt::format("{}", number))));
            }
        } else {
            return fail("arguments are numbers and texts");
        }
    }
    return request;
}

std::string head(PacketType type, std::uint64_t body, std::uint32_t cookie) {
    std::string length = minimal(body);
    if (length.empty()) length.assign(1, '\0');
    std::string out;
    out += static_cast<char>(kMagic);
    out += static_cast<char>(static_cast<unsigned>(type) << 4 | (length.size() - 1) << 2 | 3U);
    out += length;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(cookie >> shift & 0xff);
    return out;
}

void Writer::integer(std::int64_t value) {
    append_record(out_, Kind::integer, number_bytes(value));
}

void Writer::number(double value) {
    constexpr double kLargest = 9e15;
    const double bounded = std::isfinite(value) ? std::clamp(value, -kLargest, kLargest) : 0;
    append_record(out_, Kind::number, number_bytes(std::llround(bounded * kFraction)));
}

void Writer::text(std::string_view value) {
    std::string bytes(value);
    std::ranges::replace(bytes, '\0', ' ');  // it would end the text
    bytes += '\0';
    append_record(out_, Kind::text, bytes);
}

void Writer::name(std::string_view name) {
    std::string bytes(name);
    bytes += '\0';
    append_record(out_, Kind::name, bytes);
}

void Writer::begin() {
    ++depth_;
    out_ += static_cast<char>(Kind::structure);
}

void Writer::end() {
    if (depth_ == 0) return;
    --depth_;
    out_ += static_cast<char>(kStructEnd);
}

}  // namespace fairlead::ctl
