// Histograms: buckets, rows, sums. SPDX-License-Identifier: Apache-2.0
#include "core/shm/counters.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace fairlead;
using shm::Histogram, shm::HistogramCells, shm::Histograms;

namespace {

struct Table {
    Table() : segment(*shm::Segment::create(4 << 20)) {
        segment->enter(1);
        histograms.reset(*Histograms::create(*segment));
    }
    ~Table() { shm::counting_rows.histograms = before; }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    HistogramCells* before = shm::counting_rows.histograms;
    std::unique_ptr<shm::Segment> segment;
    std::unique_ptr<Histograms> histograms;
};

constexpr std::int64_t kMicrosecond = 1000, kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("a duration is counted in the first bucket that is not too small") {
    CHECK(Histogram::bucket(0) == 0);
    CHECK(Histogram::bucket(-5) == 0);
    CHECK(Histogram::bucket(1) == 0);
    CHECK(Histogram::bucket(kMicrosecond) == 0);
    CHECK(Histogram::bucket(kMicrosecond + 1) == 1);
    CHECK(Histogram::bucket(2 * kMicrosecond) == 1);
    CHECK(Histogram::bucket((2 * kMicrosecond) + 1) == 2);
    for (std::size_t i = 0; i + 1 < HistogramCells::kBuckets; ++i) {
        const std::int64_t most = kMicrosecond << i;
        CHECK(Histogram::bucket(most) == i);
        CHECK(Histogram::bucket(most + 1) == i + 1);
    }
    CHECK(Histogram::bucket(INT64_MAX) == HistogramCells::kBuckets - 1);
}

TEST_CASE("what several processes recorded is summed, also behind one that was replaced") {
    Table table;
    const Histogram h = table.histograms->add("core", "reply", "help");
    table.histograms->enter(1);
    h.record(kMicrosecond);
    h.record(3 * kMicrosecond);
    table.histograms->enter(2);
    h.record(3 * kMicrosecond);
    h.record(-1);                // a clock that went back
    table.histograms->enter(1);  // its successor
    h.record(2000 * kSecond);
    const auto sum = table.histograms->sum(h).cells;
    CHECK(sum[0] == 2);
    CHECK(sum[2] == 2);
    CHECK(sum[HistogramCells::kBuckets - 1] == 1);
    CHECK(sum[HistogramCells::kSum] == (7 * kMicrosecond) + (2000 * kSecond));
}

TEST_CASE("a name and a label's value make a histogram") {
    Table table;
    const auto& rows = table.histograms->rows();
    const Histogram a = table.histograms->add("core", "route", "help", "route", "request_route");
    const Histogram b = table.histograms->add("core", "route", "help", "route", "failure_route[X]");
    CHECK(a.index() != b.index());
    CHECK(table.histograms->add("core", "route", "", "route", "request_route").index() ==
          a.index());
    REQUIRE(rows.size() == 3);
    CHECK(rows[2].label_value == "failure_route[X]");
}

TEST_CASE("a histogram too many counts where nobody looks") {
    Table table;
    for (std::size_t i = 1; i < shm::kMaxHistograms; ++i)
        CHECK(table.histograms->add("g", std::to_string(i), "").index() == i);
    const Histogram h = table.histograms->add("g", "one more", "");
    CHECK(h.index() == 0);
    table.histograms->enter(1);
    h.record(1);
    CHECK(table.histograms->rows().size() == shm::kMaxHistograms);
}

TEST_CASE("a process without memory for its row loses what it records and nothing else") {
    Table table;
    const Histogram h = table.histograms->add("core", "reply", "help");
    table.segment->fail_nth(1);
    table.histograms->enter(1);
    h.record(kMicrosecond);
    CHECK(table.histograms->sum(h).cells[0] == 0);
    table.histograms->enter(1);
    h.record(kMicrosecond);
    CHECK(table.histograms->sum(h).cells[0] == 1);
}

TEST_CASE("what one process counted can be read") {
    Table table;
    const std::unique_ptr<shm::Counters> counters(*shm::Counters::create(*table.segment));
    const auto counter = counters->add("core", "x", "", true);
    std::int64_t* const before = shm::counting_rows.counters;
    counters->enter(1);
    counter.add(3);
    counters->enter(2);
    counter.add(4);
    CHECK(counters->of_process(counter, 1) == 3);
    CHECK(counters->of_process(counter, 2) == 4);
    CHECK(counters->of_process(counter, 3) == 0);
    CHECK(counters->of_process(counter, UINT16_MAX) == 0);
    CHECK(counters->rows().back().is_level);
    shm::counting_rows.counters = before;
}
