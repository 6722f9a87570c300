// Counters: registration, rows per process, sums.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/counters.h"

#include <cstring>
#include <utility>

#include "core/base/log.h"

namespace fairlead::shm {

constinit CountingRows counting_rows;

Counters::Counters(Segment& segment, Table* table, Tag tag) noexcept
    : segment_(segment), table_(table), tag_(tag) {
    rows_.push_back({"", "", "", 0});  // cell 0 is where unregistered handles count
}

Result<Counters*> Counters::create(Segment& segment) {
    const Tag tag = segment.tag("core", "counters");
    Table* const table = segment.make<Table>(tag);
    if (table == nullptr) return fail("no shared memory for the counters");
    std::unique_ptr<Histograms> histograms(TRY(Histograms::create(segment)));
    auto* const counters = new Counters(segment, table, tag);
    counters->histograms_ = std::move(histograms);
    return counters;
}

Counter Counters::add(std::string_view group, std::string_view name, std::string_view help,
                      bool is_level) {
    for (const Row& row : rows_) {
        if (row.group == group && row.name == name) return Counter(row.cell);
    }
    if (rows_.size() == kMaxCounters) {
        LOG(error, "no room for counter {}:{}: {} are in use", group, name, kMaxCounters);
        return Counter();
    }
    const auto cell = static_cast<std::uint16_t>(rows_.size());
    rows_.push_back({std::string(group), std::string(name), std::string(help), cell, is_level});
    return Counter(cell);
}

void Counters::enter(std::uint16_t process_slot) noexcept {
    auto& place = table_->rows[process_slot];
    counting_rows.counters = place.load();
    if (counting_rows.counters != nullptr) return;
    constexpr std::size_t bytes = kMaxCounters * sizeof(std::int64_t);
    void* const row = segment_.allocate(bytes, tag_, Hold::in_hand);
    if (row == nullptr) {
        LOG(error, "no shared memory for the counters of process {}", process_slot);
        counting_rows.counters = counting_rows.unread_counters.data();
        return;
    }
    std::memset(row, 0, bytes);
    counting_rows.counters = static_cast<std::int64_t*>(row);
    // Published first: a death between the two loses 8 KiB once; the other order would leave the
    // table pointing to memory that recover() has given to somebody else.
    segment_.publish(row);
    place.store(counting_rows.counters);
}

std::int64_t Counters::raw(std::uint16_t cell) const noexcept {
    std::int64_t sum = 0;
    for (const auto& row : table_->rows) {
        const std::int64_t* const cells = row.load(std::memory_order_relaxed);
        if (cells != nullptr) sum += __atomic_load_n(cells + cell, __ATOMIC_RELAXED);
    }
    return sum;
}

std::int64_t Counters::of_process(Counter counter, std::uint16_t slot) const noexcept {
    if (slot >= kMaxProcesses) return 0;
    const std::int64_t* const cells = table_->rows[slot].load(std::memory_order_relaxed);
    return cells != nullptr ? __atomic_load_n(cells + counter.cell(), __ATOMIC_RELAXED) : 0;
}

std::int64_t Counters::sum(Counter counter) const noexcept {
    return raw(counter.cell()) - table_->zero[counter.cell()].load();
}

std::optional<std::int64_t> Counters::sum(std::string_view group,
                                          std::string_view name) const noexcept {
    for (const Row& row : rows_) {
        if (row.cell != 0 && row.group == group && row.name == name) return sum(Counter(row.cell));
    }
    return std::nullopt;
}

void Counters::reset(Counter counter) noexcept {
    table_->zero[counter.cell()].store(raw(counter.cell()));
}

}  // namespace fairlead::shm
