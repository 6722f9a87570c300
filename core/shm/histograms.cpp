// Histograms: registration, rows per process, sums.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/counters.h"

#include <cstring>

#include "core/base/log.h"

namespace fairlead::shm {

Histograms::Histograms(Segment& segment, Table* table, Tag tag) noexcept
    : segment_(segment), table_(table), tag_(tag) {
    rows_.emplace_back();  // histogram 0 is where unregistered handles count
}

Result<Histograms*> Histograms::create(Segment& segment) {
    const Tag tag = segment.tag("core", "histograms");
    Table* const table = segment.make<Table>(tag);
    if (table == nullptr) return fail("no shared memory for the histograms");
    return new Histograms(segment, table, tag);
}

Histogram Histograms::add(std::string_view group, std::string_view name, std::string_view help,
                          std::string_view label, std::string_view label_value) {
    for (const Row& row : rows_) {
        if (row.index != 0 && row.group == group && row.name == name &&
            row.label_value == label_value)
            return Histogram(row.index);
    }
    if (rows_.size() == kMaxHistograms) {
        LOG(warning, "no room for histogram {}:{} {}: {} are in use", group, name, label_value,
            kMaxHistograms);
        return Histogram();
    }
    const auto index = static_cast<std::uint16_t>(rows_.size());
    rows_.push_back({std::string(group), std::string(name), std::string(help), std::string(label),
                     std::string(label_value), index});
    return Histogram(index);
}

void Histograms::enter(std::uint16_t process_slot) noexcept {
    auto& place = table_->rows[process_slot];
    counting_rows.histograms = place.load();
    if (counting_rows.histograms != nullptr) return;
    const std::size_t bytes = rows_.size() * sizeof(HistogramCells);
    void* const row = segment_.allocate(bytes, tag_, Hold::in_hand);
    if (row == nullptr) {
        LOG(error, "no shared memory for the histograms of process {}", process_slot);
        counting_rows.histograms = counting_rows.unread_histograms.data();
        return;
    }
    std::memset(row, 0, bytes);
    counting_rows.histograms = static_cast<HistogramCells*>(row);
    segment_.publish(row);  // first, for the reason that Counters::enter gives
    place.store(counting_rows.histograms);
}

HistogramCells Histograms::sum(Histogram histogram) const noexcept {
    HistogramCells sum{};
    for (const auto& place : table_->rows) {
        const HistogramCells* const row = place.load(std::memory_order_relaxed);
        if (row == nullptr) continue;
        const auto& cells = row[histogram.index()].cells;
        for (std::size_t i = 0; i < HistogramCells::kCells; ++i)
            sum.cells[i] += __atomic_load_n(&cells[i], __ATOMIC_RELAXED);
    }
    return sum;
}

}  // namespace fairlead::shm
