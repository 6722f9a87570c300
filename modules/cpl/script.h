// The compiled form of a CPL script: one block of bytes without addresses, which is stored, shared
// and run as it is. SPDX-License-Identifier: Apache-2.0
//
//   header   "CPLB" | version u16 | 0 u16 | size u32 | check u32 | incoming u32 | outgoing u32 |
//            hash of the XML u64
//   node     op u8 | fields of the op (see each Op)
//
// Integers are little-endian; a text is its length (u16) and its bytes. A Target is the offset of
// a node, or kAbsent, or kEmpty. Nodes stand behind all nodes that they lead to, so every step of a
// run goes to a smaller offset: a run ends whatever the bytes are. `check` covers all behind
// itself.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "modules/cpl/recurrence.h"

namespace fairlead::cpl {

using Target = std::uint32_t;
inline constexpr Target kAbsent = 0;  ///< no such output
inline constexpr Target kEmpty = 1;   ///< an output without a node: the default behaviour
inline constexpr std::size_t kHeaderSize = 32;
inline constexpr std::uint16_t kScriptVersion = 1;

enum class Op : std::uint8_t {
    address_switch = 1,  ///< field u8, subfield u8, conditions
    string_switch,       ///< field u8, conditions
    language_switch,     ///< conditions
    time_switch,         ///< zone text (empty: the server's), conditions
    priority_switch,     ///< conditions
    location,            ///< clear u8, priority u16 (thousandths), url text, next
    lookup,              ///< clear u8, timeout u16, success, notfound, failure
    remove_location,     ///< url text (empty: all), next
    proxy,  ///< timeout u16 (0: not given), recurse u8, ordering u8, busy, noanswer, redirection,
            ///< failure, default
    redirect,  ///< permanent u8
    reject,    ///< code u16, reason text (empty: the usual one)
    mail,      ///< address text, subject text, body text, next
    log,       ///< name text, comment text, next
};

/// Conditions are: count u16, that often (Match u8, target, argument text), otherwise target.
enum class Match : std::uint8_t {
    not_present,
    is,
    contains,
    subdomain_of,
    language,
    time,  ///< the argument is a rule (see write_rule)
    less,
    greater,
    equal
};

enum class AddressField : std::uint8_t { origin, destination, original_destination };
enum class Subfield : std::uint8_t {
    whole,
    address_type,
    user,
    host,
    port,
    tel,
    display,
    password,
    unknown  ///< never present (RFC 3880 4.1)
};
enum class StringField : std::uint8_t { subject, organization, user_agent, display };
enum class Recurse : std::uint8_t { no, yes, unsaid };
enum class Ordering : std::uint8_t { parallel, sequential, first_only };

/// Appends fields to a script.
class Writer {
public:
    Writer() = default;
    /// Room for so many bytes, so that they are written without another allocation.
    explicit Writer(std::size_t expected) { bytes_.reserve(expected); }
    [[nodiscard]] Target here() const noexcept { return static_cast<Target>(bytes_.size()); }
    Writer& u8(std::uint64_t value) { return number(value, 1); }
    Writer& u16(std::uint64_t value) { return number(value, 2); }
    Writer& u32(std::uint64_t value) { return number(value, 4); }
    Writer& u64(std::uint64_t value) { return number(value, 8); }
    template <class E>
    Writer& code(E value) {
        return u8(static_cast<std::uint8_t>(value));
    }
    /// At most 65535 bytes.
    Writer& text(std::string_view value) {
        u16(value.size());
        bytes_ += value;
        return *this;
    }
    [[nodiscard]] std::string& bytes() noexcept { return bytes_; }

private:
    Writer& number(std::uint64_t value, std::size_t size) {
        char field[8];
        for (std::size_t i = 0; i < size; ++i) field[i] = static_cast<char>(value >> (8 * i));
        bytes_.append(field, size);
        return *this;
    }
    std::string bytes_;
};

/// Reads fields; what lies behind the end reads as zero and makes it fail for good.
class Reader {
public:
    Reader(std::string_view bytes, std::size_t at) noexcept : bytes_(bytes), at_(at) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// Behind what was read.
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() noexcept { return number(8); }
    /// A code above `last` fails.
    template <class E>
    E code(E last) noexcept {
        const std::uint8_t value = u8();
        if (value > static_cast<std::uint8_t>(last)) fail();
        return ok_ ? static_cast<E>(value) : E{};
    }
    /// A view into the bytes.
    std::string_view text() noexcept {
        const std::size_t size = u16();
        if (!ok_ || size > bytes_.size() - at_) {
            fail();
            return {};
        }
        at_ += size;
        return bytes_.substr(at_ - size, size);
    }
    void fail() noexcept { ok_ = false; }

private:
    std::uint64_t number(std::size_t size) noexcept {
        if (!ok_ || at_ > bytes_.size() || size > bytes_.size() - at_) {
            fail();
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = size; i-- > 0;)
            value = value << 8U | static_cast<unsigned char>(bytes_[at_ + i]);
        at_ += size;
        return value;
    }
    std::string_view bytes_;
    std::size_t at_;
    bool ok_ = true;
};

/// A compiled script: a view of bytes that somebody else keeps.
class Script {
public:
    /// Nullopt when the bytes are not a script of this version, truncated, or changed.
    [[nodiscard]] static std::optional<Script> load(std::string_view bytes) noexcept;
    /// The same without the check sum: for bytes that this server has loaded before.
    [[nodiscard]] static std::optional<Script> trusted(std::string_view bytes) noexcept;

    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] Target incoming() const noexcept { return Reader(bytes_, 16).u32(); }
    [[nodiscard]] Target outgoing() const noexcept { return Reader(bytes_, 20).u32(); }
    /// hash_of the XML that it was compiled from.
    [[nodiscard]] std::uint64_t source_hash() const noexcept { return Reader(bytes_, 24).u64(); }

private:
    explicit Script(std::string_view bytes) noexcept : bytes_(bytes) {}
    std::string_view bytes_;
};

/// Completes the header of a script whose nodes have been written behind kHeaderSize bytes.
void seal(std::string& bytes, Target incoming, Target outgoing, std::uint64_t source_hash);

[[nodiscard]] std::uint64_t hash_of(std::string_view text) noexcept;

/// A rule as the argument of a condition, in few bytes for usual rules.
[[nodiscard]] std::string write_rule(const Rule& rule);
[[nodiscard]] std::optional<Rule> read_rule(std::string_view bytes) noexcept;

}  // namespace fairlead::cpl
