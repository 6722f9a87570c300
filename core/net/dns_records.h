// What is asked of DNS and what it answers, as plain values (RFC 1035, 2782, 3403, 3596).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"

namespace fairlead::dns {

/// The types that are asked for, under their numbers on the wire.
enum class Type : std::uint16_t {
    none = 0,
    a = 1,
    cname = 5,
    soa = 6,
    ptr = 12,
    txt = 16,
    aaaa = 28,
    srv = 33,
    naptr = 35,
};

/// "A", "SRV", …; "" for a type that is none of them.
[[nodiscard]] std::string_view name(Type type) noexcept;
/// By its name, without case; `none` when it is none that can be asked for.
[[nodiscard]] Type parse_type(std::string_view text) noexcept;

// What an answer may hold; what is beyond is left out, which is counted and never an error.
inline constexpr std::size_t kMaxName = 255;      ///< RFC 1035 2.3.4
inline constexpr std::size_t kMaxRecords = 64;    ///< of one set
inline constexpr std::size_t kMaxAliases = 8;     ///< CNAMEs one after the other
inline constexpr std::size_t kMaxString = 255;    ///< a character string (RFC 1035 3.3)
inline constexpr std::uint32_t kMaxTtl = 604800;  ///< seconds: a week (RFC 8767 4)

/// One record. Which members have a meaning depends on the type of its set.
struct Record {
    Address address;             ///< A, AAAA; port 0
    std::uint16_t priority = 0;  ///< SRV; NAPTR: its order
    std::uint16_t weight = 0;    ///< SRV; NAPTR: its preference
    std::uint16_t port = 0;      ///< SRV
    /// SRV: target; NAPTR: replacement; CNAME, PTR: where it leads; TXT: the text. Names are
    /// without the last dot: "" is the root.
    std::string name;
    std::string flags, service, regexp;  ///< NAPTR

    friend bool operator==(const Record&, const Record&) = default;
};

/// How a question was answered.
enum class Status : std::uint8_t {
    found,    ///< there are records
    no_data,  ///< the name exists, records of the type do not
    no_name,  ///< there is no such name (NXDOMAIN)
    failed,   ///< nobody knows: no answer in time, a server's failure, or nonsense
};

struct Question {
    std::string name;  ///< as asked, without the last dot
    Type type = Type::none;

    friend bool operator==(const Question&, const Question&) = default;
};

struct Answer {
    Status status = Status::failed;
    /// Seconds for which it holds, from the least of all records on the way to it. Of a negative
    /// answer that of the zone (RFC 2308 5); 0 when the zone said nothing.
    std::uint32_t ttl = 0;
    std::vector<Record> records;  ///< in the order in which they came
    /// Not "": the name is an alias of this one, of which the answer says nothing.
    std::string alias;
    std::size_t left_out = 0;  ///< records that were malformed or too many

    [[nodiscard]] bool is_negative() const noexcept {
        return status == Status::no_data || status == Status::no_name;
    }
};

/// Whether a text can be asked for: 1 to 253 bytes, labels of 1 to 63 without control characters,
/// spaces or bytes above 126. One dot at the end is allowed.
[[nodiscard]] bool is_name(std::string_view text) noexcept;
/// In small letters and without the last dot: the same for all spellings of a name.
[[nodiscard]] std::string canonical(std::string_view name);

/// Whether `text` is a list of name servers: "192.0.2.1, 192.0.2.2:5353, [2001:db8::1]:53"; "" is
/// one.
[[nodiscard]] bool is_server_list(std::string_view text) noexcept;

}  // namespace fairlead::dns
