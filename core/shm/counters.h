// Counters and histograms without locks: one row per process in shared memory, summed when read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/shm/segment.h"

namespace fairlead::shm {

/// The cells of one histogram: bucket i counts durations of at most 2^i microseconds that are in no
/// earlier one, the last bucket all that are longer than 2^29 microseconds (9 minutes); then the
/// sum in nanoseconds.
struct HistogramCells {
    static constexpr std::size_t kBuckets = 31, kSum = 31, kCells = 32;
    std::array<std::int64_t, kCells> cells;
};

inline constexpr std::size_t kMaxCounters = 1024, kMaxHistograms = 256;

/// Where this process counts: into its rows in shared memory when it has entered, until then into
/// rows that nobody reads. One of the core's few globals: set by the two enter() after fork.
struct CountingRows {
    std::array<std::int64_t, kMaxCounters> unread_counters{};
    std::array<HistogramCells, kMaxHistograms> unread_histograms{};
    std::int64_t* counters = unread_counters.data();
    HistogramCells* histograms = unread_histograms.data();
};
extern CountingRows counting_rows;

/// A handle that modules keep as a member. Default-constructed it counts into cell 0, which is
/// never shown, so a module works alone in a unit test.
class Counter {
public:
    constexpr Counter() = default;
    constexpr explicit Counter(std::uint16_t cell) : cell_(cell) {}
    /// Any process, any time; a plain addition to memory that only this process writes.
    void add(std::int64_t n = 1) const noexcept { counting_rows.counters[cell_] += n; }
    [[nodiscard]] std::uint16_t cell() const noexcept { return cell_; }

private:
    std::uint16_t cell_ = 0;
};

/// A handle that modules keep as a member. Default-constructed it counts into histogram 0, which is
/// never shown, so a module works alone in a unit test.
class Histogram {
public:
    constexpr Histogram() = default;
    constexpr explicit Histogram(std::uint16_t index) : index_(index) {}
    /// Any process, any time: two additions to memory that only this process writes. What is below
    /// 0 counts as 0.
    void record(std::int64_t ns) const noexcept {
        if (ns < 0) ns = 0;
        auto& cells = counting_rows.histograms[index_].cells;
        ++cells[bucket(ns)];
        cells[HistogramCells::kSum] += ns;
    }
    [[nodiscard]] std::uint16_t index() const noexcept { return index_; }

    /// Where a duration is counted.
    [[nodiscard]] static constexpr std::size_t bucket(std::int64_t ns) noexcept {
        const auto whole = static_cast<std::uint64_t>(ns < 1000 ? 0 : (ns - 1) / 1000);
        const auto width = static_cast<std::size_t>(std::bit_width(whole));
        return width < HistogramCells::kBuckets ? width : HistogramCells::kBuckets - 1;
    }

private:
    std::uint16_t index_ = 0;
};

/// The table of all histograms. Registration before fork; reading in any process.
class Histograms {
public:
    /// Before fork. The caller owns it; the table of rows lives in the segment for ever.
    [[nodiscard]] static Result<Histograms*> create(Segment& segment);

    /// Before fork. `label` tells histograms of one name apart: "route" and "failure_route[BUSY]"
    /// as two texts, "" for none. The same group, name and value of the label give the same
    /// histogram. Histogram 0 when the table is full (logged).
    Histogram add(std::string_view group, std::string_view name, std::string_view help,
                  std::string_view label = {}, std::string_view label_value = {});
    /// In each process after Segment::enter, when all have been added: finds or makes the row of
    /// its slot, as Counters::enter.
    void enter(std::uint16_t process_slot) noexcept;

    struct Row {
        std::string group, name, help, label, label_value;
        std::uint16_t index = 0;
    };
    /// In the order of add(); the first is that of handles which were never registered.
    [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
    /// Over all processes.
    [[nodiscard]] HistogramCells sum(Histogram histogram) const noexcept;

private:
    struct Table {  ///< in the segment
        using ShmSafe = void;
        std::array<std::atomic<HistogramCells*>, kMaxProcesses> rows{};
    };
    Histograms(Segment& segment, Table* table, Tag tag) noexcept;

    Segment& segment_;
    Table* table_;
    Tag tag_;
    std::vector<Row> rows_;
};

/// The table of all counters, by group and name. Registration before fork; reading in any process.
class Counters {
public:
    /// Before fork. The caller owns it; the table of rows lives in the segment for ever.
    [[nodiscard]] static Result<Counters*> create(Segment& segment);

    /// Before fork. The same group and name give the same counter. Cell 0 when the table is full
    /// (logged).
    /// `is_level`: what it says goes up and down.
    Counter add(std::string_view group, std::string_view name, std::string_view help,
                bool is_level = false);
    /// In each process after Segment::enter: finds or makes the row of its slot, so that a process
    /// that replaces a dead one counts on. Without memory for it, counts are lost (logged).
    void enter(std::uint16_t process_slot) noexcept;

    struct Row {
        std::string group, name, help;
        std::uint16_t cell = 0;
        bool is_level = false;
    };
    [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
    [[nodiscard]] std::int64_t sum(Counter counter) const noexcept;
    [[nodiscard]] std::optional<std::int64_t> sum(std::string_view group,
                                                  std::string_view name) const noexcept;
    /// What one process counted, since the server began; 0 for a slot that counts nothing.
    [[nodiscard]] std::int64_t of_process(Counter counter, std::uint16_t slot) const noexcept;
    /// Any process: sum() starts from 0 again. The rows, which others write, are left alone.
    void reset(Counter counter) noexcept;

    /// The table of histograms that stands beside.
    [[nodiscard]] Histograms& histograms() noexcept { return *histograms_; }

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
    std::unique_ptr<Histograms> histograms_;
};

}  // namespace fairlead::shm
