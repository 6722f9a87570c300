// Reading DNS messages (RFC 1035 4.1, 2308, 2782, 3403, 3596). SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_wire.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace fairlead::dns {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxInPacket = 512;  ///< records that are looked at
constexpr std::uint16_t kInternet = 1;
constexpr unsigned kNoSuchName = 3;

/// Walks the packet; what lies outside makes every later read fail.
class Reader {
public:
    Reader(std::string_view packet, std::size_t at) noexcept : packet_(packet), at_(at) {}
    /// The same packet up to `end`, for the data of a record.
    Reader(const Reader& from, std::size_t end) noexcept
        : packet_(from.packet_.substr(0, end)), at_(from.at_) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] bool at_end() const noexcept { return at_ >= packet_.size(); }

    std::string_view bytes(std::size_t n) noexcept {
        if (!ok_ || n > packet_.size() - std::min(at_, packet_.size())) {
            ok_ = false;
            return {};
        }
        return packet_.substr(std::exchange(at_, at_ + n), n);
    }
    std::uint8_t u8() noexcept {
        const auto b = bytes(1);
        return b.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(b[0]);
    }
    std::uint16_t u16() noexcept {
        const unsigned high = u8();
        return static_cast<std::uint16_t>(high << 8U | u8());
    }
    std::uint32_t u32() noexcept {
        const std::uint32_t high = u16();
        return high << 16U | u16();
    }
    /// A character string: its length, then its bytes (RFC 1035 3.3).
    std::string_view text() noexcept { return bytes(u8()); }
    std::string name();

private:
    bool add_label(std::string& name, std::string_view label) noexcept;

    std::string_view packet_;
    std::size_t at_;
    bool ok_ = true;
};

/// False for what a host name cannot have: such a record is of no use here, and passing it on
/// would make two names look alike.
bool Reader::add_label(std::string& name, std::string_view label) noexcept {
    const bool readable = std::ranges::all_of(label, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > ' ' && byte <= '~' && c != '.';
    });
    if (!readable || name.size() + label.size() + 2 > kMaxName) return false;
    if (!name.empty()) name += '.';
    name += label;
    return true;
}

/// In small letters, without the last dot. A pointer leads backwards only, so there is an end.
std::string Reader::name() {
    constexpr unsigned kPointer = 0xc0, kOffset = 0x3f;
    std::string name;
    std::size_t limit = at_;
    std::optional<std::size_t> after;
    while (ok_) {
        const unsigned length = u8();
        if (!ok_ || length == 0) break;
        if ((length & kPointer) == kPointer) {
            const std::size_t to = (length & kOffset) << 8U | u8();
            if (!after) after = at_;
            if (!ok_ || to >= limit) {
                ok_ = false;
                break;
            }
            limit = at_ = to;
        } else if ((length & kPointer) != 0 || !add_label(name, bytes(length))) {
            ok_ = false;
        }
    }
    if (after) at_ = *after;
    return ok_ ? canonical(name) : std::string();
}

/// A record of the packet, its data not yet read.
struct Raw {
    std::string owner;
    Type type = Type::none;
    std::uint32_t ttl = 0;
    Reader data;
};

/// RFC 2181 8: a TTL with its highest bit set is 0.
std::uint32_t sane_ttl(std::uint32_t ttl) noexcept {
    return ttl > INT32_MAX ? 0 : std::min(ttl, kMaxTtl);
}

std::optional<Raw> read_record(Reader& reader, std::string_view packet) {
    std::string owner = reader.name();
    const auto type = static_cast<Type>(reader.u16());
    const std::uint16_t in_class = reader.u16();
    const std::uint32_t ttl = sane_ttl(reader.u32());
    const std::size_t size = reader.u16();
    const std::size_t begin = reader.at();
    (void)reader.bytes(size);
    if (!reader.ok()) return std::nullopt;
    Raw raw{std::move(owner), in_class == kInternet ? type : Type::none, ttl,
            Reader(Reader(packet, begin), begin + size)};
    return raw;
}

Address address_of(Reader& data, Type type) noexcept {
    const std::string_view bytes = data.bytes(type == Type::a ? 4 : 16);
    Address address;
    if (!data.ok()) return address;
    std::ranges::transform(bytes, address.ip.begin(),
                           [](char c) { return static_cast<std::uint8_t>(c); });
    address.version = type == Type::a ? 4 : 6;
    return address;
}

/// Nullopt when its data are not what the type wants, to the last byte.
std::optional<Record> read_data(Reader data, Type type) {
    Record record;
    switch (type) {
        case Type::a:
        case Type::aaaa: record.address = address_of(data, type); break;
        case Type::srv:
            record.priority = data.u16();
            record.weight = data.u16();
            record.port = data.u16();
            record.name = data.name();
            break;
        case Type::naptr:
            record.priority = data.u16();
            record.weight = data.u16();
            record.flags = data.text();
            record.service = data.text();
            record.regexp = data.text();
            record.name = data.name();
            break;
        case Type::cname:
        case Type::ptr: record.name = data.name(); break;
        case Type::txt:
            while (data.ok() && !data.at_end()) record.name += data.text();
            break;
        default: return std::nullopt;
    }
    if (!data.ok() || !data.at_end()) return std::nullopt;
    return record;
}

/// The records of a packet, and what it says of the zone.
struct Packet {
    unsigned code = 0;
    std::string name;  ///< that was asked for
    std::vector<Raw> answers;
    std::optional<std::uint32_t> negative_ttl;
    std::size_t left_out = 0;
};

/// RFC 2308 5: the lesser of the record's TTL and its last number.
std::optional<std::uint32_t> negative_ttl(const Raw& soa) {
    constexpr std::size_t kBeforeMinimum = 16;
    Reader data = soa.data;
    (void)data.name();
    (void)data.name();
    (void)data.bytes(kBeforeMinimum);
    const std::uint32_t minimum = sane_ttl(data.u32());
    if (!data.ok()) return std::nullopt;
    return std::min(soa.ttl, minimum);
}

void read_sections(Packet& packet, Reader& reader, std::string_view bytes, std::size_t answers,
                   std::size_t authorities) {
    for (std::size_t i = 0; i < answers + authorities && i < kMaxInPacket; ++i) {
        auto raw = read_record(reader, bytes);
        if (!raw) {  // from here on nothing can be read
            packet.left_out += answers > i ? answers - i : 0;
            return;
        }
        if (i < answers)
            packet.answers.push_back(std::move(*raw));
        else if (raw->type == Type::soa && !packet.negative_ttl)
            packet.negative_ttl = negative_ttl(*raw);
    }
    if (answers > kMaxInPacket) packet.left_out += answers - kMaxInPacket;
}

std::optional<Packet> read_packet(std::string_view bytes, Type type) {
    constexpr unsigned kResponse = 0x8000, kOpcode = 0x7800, kCode = 0xf;
    Reader reader(bytes, 0);
    (void)reader.u16();  // the number: whoever asked has compared it
    const unsigned flags = reader.u16();
    const unsigned questions = reader.u16();
    const std::size_t answers = reader.u16(), authorities = reader.u16();
    (void)reader.u16();
    if (bytes.size() < kHeader || (flags & kResponse) == 0 || (flags & kOpcode) != 0 ||
        questions != 1)
        return std::nullopt;
    Packet packet;
    packet.code = flags & kCode;
    packet.name = reader.name();
    const auto asked = static_cast<Type>(reader.u16());
    const std::uint16_t in_class = reader.u16();
    if (!reader.ok() || asked != type || in_class != kInternet) return std::nullopt;
    read_sections(packet, reader, bytes, answers, authorities);
    return packet;
}

/// Adds the records of `name`; false when there are none.
bool take_records(const Packet& packet, const std::string& name, Type type, Answer& answer) {
    for (const Raw& raw : packet.answers) {
        if (raw.type != type || raw.owner != name) continue;
        auto record =
            answer.records.size() < kMaxRecords ? read_data(raw.data, type) : std::nullopt;
        if (!record) {
            ++answer.left_out;
            continue;
        }
        answer.ttl = std::min(answer.ttl, raw.ttl);
        answer.records.push_back(std::move(*record));
    }
    return !answer.records.empty();
}

}  // namespace

Answer parse_answer(std::string_view bytes, Type type) {
    Answer answer;
    const auto packet = read_packet(bytes, type);
    if (!packet || (packet->code != 0 && packet->code != kNoSuchName)) return answer;
    answer.ttl = kMaxTtl;
    answer.left_out = packet->left_out;
    std::string name = packet->name;
    for (std::size_t aliases = 0; aliases <= kMaxAliases; ++aliases) {
        if (take_records(*packet, name, type, answer)) {
            answer.status = Status::found;
            return answer;
        }
        const auto alias = std::ranges::find_if(packet->answers, [&](const Raw& raw) {
            return raw.type == Type::cname && raw.owner == name;
        });
        if (alias == packet->answers.end()) break;
        const auto to = read_data(alias->data, Type::cname);
        if (!to || !is_name(to->name) || to->name == name) break;
        answer.ttl = std::min(answer.ttl, alias->ttl);
        name = to->name;
    }
    // Records that were there and of no use, or could not be read, are no proof of absence.
    if (answer.left_out != 0) {
        answer.ttl = 0;
        return answer;
    }
    answer.status = packet->code == kNoSuchName ? Status::no_name : Status::no_data;
    const bool says_all = packet->negative_ttl || packet->code == kNoSuchName;
    if (!says_all && name != packet->name) answer.alias = name;
    answer.ttl =
        std::min(answer.ttl, packet->negative_ttl.value_or(answer.alias.empty() ? 0 : answer.ttl));
    return answer;
}

}  // namespace fairlead::dns
