// Time zones by name, for the time-switch of CPL (RFC 3880 4.4): offsets without any process-wide
// state, rules from the zone database of the system through libical.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct _icaltimezone;  // NOLINT(bugprone-reserved-identifier): the name is libical's

namespace fairlead::cpl {

/// Local wall time as seconds since 1970-01-01T00:00:00 of that wall clock.
using Local = std::int64_t;
/// Seconds since the Unix epoch, UTC.
using Instant = std::int64_t;

class KnownOffsets;

/// A zone of this process: it may be copied, but not stored in shared memory.
class Zone {
public:
    static constexpr Zone utc() noexcept { return Zone(Kind::utc, nullptr); }
    /// The zone of this server, as the C library has it.
    static constexpr Zone server() noexcept { return Zone(Kind::server, nullptr); }
    /// The same zone, which notes in `offsets` what it found out. They must be this zone's alone
    /// and outlive it.
    [[nodiscard]] Zone noting(KnownOffsets& offsets) const noexcept;
    /// By its name in the zone database ("Europe/Rome"). Nullopt when there is none; nothing
    /// outside the database is opened for any name. Reads a file at a name's first use, unless
    /// read_all() has.
    [[nodiscard]] static std::optional<Zone> find(std::string_view name);
    /// Before fork, in a server: all zones of the database, so that no worker reads a file for one.
    static void read_all();
    /// The same as find() for a tzid: a name with a leading '/' is a registry's (RFC 5545 3.8.3.1),
    /// and is known when a zone's name is left behind some of its first parts. Gives that name.
    [[nodiscard]] static std::optional<std::string_view> known_name(std::string_view tzid);

    /// Seconds to add to UTC.
    [[nodiscard]] std::int64_t offset(Instant at) const;
    [[nodiscard]] Local local(Instant at) const { return at + offset(at); }
    /// The first instant with this wall time; nullopt in a gap, where clocks were put forward.
    [[nodiscard]] std::optional<Instant> instant(Local wall) const;
    /// The same, and in a gap by the offset that held before it.
    [[nodiscard]] Instant nearest(Local wall) const;

private:
    friend class KnownOffsets;
    enum class Kind : std::uint8_t { utc, server, named };
    constexpr Zone(Kind kind, _icaltimezone* rules) noexcept : kind_(kind), rules_(rules) {}
    /// By the rules of the zone: some microseconds.
    [[nodiscard]] std::int64_t offset_by_rules(Instant at) const;

    Kind kind_;
    _icaltimezone* rules_;             ///< libical's, which lives as long as the process
    KnownOffsets* offsets_ = nullptr;  ///< nullptr: it notes nothing
};

/// The offsets of one zone that were asked for lately, for spans of six days each. A span holds at
/// most one change of clocks: the closest two of any zone since 1970 are a week less one hour apart
/// (America/Noronha in 2000, Asia/Gaza by its rules).
class KnownOffsets {
public:
    /// As the zone's rules say; they are asked once for a span.
    [[nodiscard]] std::int64_t at(const Zone& zone, Instant at);

private:
    struct Span {
        std::int64_t number = -1;  ///< instants divided by kLength; such before 1970 are not noted
        std::int32_t change = 0;   ///< seconds from the span's begin; kLength: none
        std::int32_t before = 0, after = 0;
    };
    static constexpr int kLengthBits = 19;
    static constexpr std::int64_t kLength = std::int64_t{1} << kLengthBits;
    static constexpr std::size_t kSpans = 256;  ///< of four years; the later one takes the place
    static Span span(const Zone& zone, std::int64_t number);

    std::array<Span, kSpans> spans_;
};

/// The zones that the scripts of one process name, with what was found out about them.
class Zones {
public:
    /// The same as Zone::find(); "" is the server's own. What it gives lives no longer than this
    /// object.
    [[nodiscard]] std::optional<Zone> find(std::string_view name);

private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Known {
        Zone zone;
        std::unique_ptr<KnownOffsets> offsets;
    };
    /// Bounded by the database: what it has not is not kept.
    std::unordered_map<std::string, Known, Hash, std::equal_to<>> zones_;
};

}  // namespace fairlead::cpl
