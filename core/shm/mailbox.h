// A bounded ring of records in shared memory, one per process: how processes hand each other work.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "core/shm/ptr.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"

namespace fairlead::shm {

/// What a record is; the receiver dispatches on it. Numbers below 16 are the core's.
enum class MailKind : std::uint16_t {
    datagram = 1,
    wake = 2,
    run = 3,
    stream = 4,
    first_module = 16
};

/// Many writers, one reader (its process, or the one forked again in its place). Records keep their
/// order. The reader takes a record before it works on it, so a crash costs that record only.
class Mailbox {
public:
    using ShmSafe = void;

    /// `bytes` is a power of two; false when the segment is full. Before fork.
    [[nodiscard]] bool init(Segment& segment, Tag tag, std::size_t bytes) noexcept;

    enum class Put : std::uint8_t { ok, ok_wake, full };
    /// Any process. The parts are joined into one record. `ok_wake`: the reader may be asleep,
    /// write to its eventfd; every put says so until the reader has run, so that a writer that dies
    /// before writing delays the record only until the next put or the reader's next tick.
    /// `full`: nothing was put, and dropped() counts it.
    Put put(MailKind kind, std::initializer_list<std::string_view> parts) noexcept;

    /// Reader only: copies the oldest record into `out` (at most `size` bytes; a longer record is
    /// dropped and counted) and removes it. Returns its length, or -1 when there is none.
    std::ptrdiff_t take(MailKind& kind, char* out, std::size_t size) noexcept;

    /// Reader only, before sleeping: from here on put() says ok_wake. Returns false when records
    /// came in meanwhile, in which case the reader must not sleep.
    [[nodiscard]] bool prepare_to_sleep() noexcept;

    [[nodiscard]] std::size_t queued_bytes() const noexcept;
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(); }

    RobustMutex mutex;         ///< among writers
    void repair() noexcept {}  ///< the tail is published last: a dead writer left nothing half done

private:
    void copy_in(std::uint64_t at, const char* bytes, std::size_t size) noexcept;
    void copy_out(std::uint64_t at, char* bytes, std::size_t size) const noexcept;

    Ptr<char> ring_;
    std::size_t size_;
    std::atomic<std::uint64_t> head_, tail_;  ///< bytes ever taken, ever put
    std::atomic<std::uint32_t> asleep_;
    std::atomic<std::uint64_t> dropped_;
};

}  // namespace fairlead::shm
