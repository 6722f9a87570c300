// Time zones by name, for the time-switch of CPL (RFC 3880 4.4): offsets without any process-wide
// state, rules from the zone database of the system through libical.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

struct _icaltimezone;  // NOLINT(bugprone-reserved-identifier): the name is libical's

namespace fairlead::cpl {

/// Local wall time as seconds since 1970-01-01T00:00:00 of that wall clock.
using Local = std::int64_t;
/// Seconds since the Unix epoch, UTC.
using Instant = std::int64_t;

/// A zone of this process: it may be copied, but not stored in shared memory.
class Zone {
public:
    static constexpr Zone utc() noexcept { return Zone(Kind::utc, nullptr); }
    /// The zone of this server, as the C library has it.
    static constexpr Zone server() noexcept { return Zone(Kind::server, nullptr); }
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
    enum class Kind : std::uint8_t { utc, server, named };
    constexpr Zone(Kind kind, _icaltimezone* rules) noexcept : kind_(kind), rules_(rules) {}

    Kind kind_;
    _icaltimezone* rules_;  ///< libical's, which lives as long as the process
};

}  // namespace fairlead::cpl
