// Counters without locks: one row per process in shared memory, summed when read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/shm/segment.h"

namespace fairlead::shm {

/// This process's row; a process that has not entered counts into a row nobody reads.
/// One of the core's few globals: set by Counters::enter after fork.
extern std::int64_t* counter_row;

/// A handle that modules keep as a member. Default-constructed it counts into cell 0, which is
/// never shown, so a module works alone in a unit test.
class Counter {
public:
    constexpr Counter() = default;
    constexpr explicit Counter(std::uint16_t cell) : cell_(cell) {}
    /// Any process, any time; a plain addition to memory that only this process writes.
    void add(std::int64_t n = 1) const noexcept { counter_row[cell_] += n; }
    [[nodiscard]] std::uint16_t cell() const noexcept { return cell_; }

private:
    std::uint16_t cell_ = 0;
};

/// The table of all counters, by group and name. Registration before fork; reading in any process.
class Counters {
public:
    static constexpr std::size_t kMaxCounters = 1024;

    /// Before fork. The caller owns it; the table of rows lives in the segment for ever.
    [[nodiscard]] static Result<Counters*> create(Segment& segment);

    /// Before fork. The same group and name give the same counter. Cell 0 when the table is full
    /// (logged).
    Counter add(std::string_view group, std::string_view name, std::string_view help);
    /// In each process after Segment::enter: finds or makes the row of its slot, so that a process
    /// that replaces a dead one counts on. Without memory for it, counts are lost (logged).
    void enter(std::uint16_t process_slot) noexcept;

    struct Row {
        std::string group, name, help;
        std::uint16_t cell = 0;
    };
    [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
    [[nodiscard]] std::int64_t sum(Counter counter) const noexcept;
    [[nodiscard]] std::optional<std::int64_t> sum(std::string_view group,
                                                  std::string_view name) const noexcept;
    /// Any process: sum() starts from 0 again. The rows, which others write, are left alone.
    void reset(Counter counter) noexcept;

private:
    struct Table {  ///< in the segment
        using ShmSafe = void;
        std::array<std::atomic<std::int64_t*>, kMaxProcesses> rows{};  ///< kMaxCounters cells each
        std::array<std::atomic<std::int64_t>, kMaxCounters> zero{};    ///< what reset() takes off
    };
    Counters(Segment& segment, Table* table, Tag tag) noexcept;
    [[nodiscard]] std::int64_t raw(std::uint16_t cell) const noexcept;

    Segment& segment_;
    Table* table_;
    Tag tag_;
    std::vector<Row> rows_;
};

}  // namespace fairlead::shm
