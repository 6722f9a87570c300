// What the common operations on shared memory cost, in nanoseconds. Not a test: run it by hand.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "core/base/random.h"
#include "core/shm/counters.h"
#include "core/shm/hazards.h"
#include "core/shm/mailbox.h"
#include "core/shm/segment.h"
#include "core/shm/timer_wheel.h"

using namespace fairlead;
using namespace fairlead::shm;

namespace {

template <class F>
void measure(std::string_view what, std::size_t times, F&& f) {
    using Steady = std::chrono::steady_clock;
    double best = 1e18;
    for (int round = 0; round < 5; ++round) {
        const auto begin = Steady::now();
        for (std::size_t i = 0; i < times; ++i) f(i);
        const std::chrono::duration<double, std::nano> took = Steady::now() - begin;
        best = std::min(best, took.count() / static_cast<double>(times));
    }
    fmt::print("{:<44} {:8.1f} ns\n", what, best);
}

void allocator(Segment& segment) {
    const Tag tag = segment.tag("bench", "block");
    for (const std::size_t size : {64u, 1000u, 3000u, 20'000u, 100'000u}) {
        measure(fmt::format("allocate + free, {} bytes", size), 200'000,
                [&](std::size_t) { segment.free(segment.allocate(size, tag)); });
    }
    std::vector<void*> live(10'000);
    Random random(1);
    measure("free + allocate, one of 10,000 live, 1-3000 B", 200'000, [&](std::size_t) {
        void*& p = live[random.below(live.size())];
        segment.free(p);
        p = segment.allocate(1 + random.below(3000), tag);
    });
    measure("totals() with 10,000 blocks", 20, [&](std::size_t) { (void)segment.totals(); });
    for (void* p : live) segment.free(p);
    std::size_t yes = 0;
    measure("under_pressure()", 1'000'000, [&](std::size_t) { yes += segment.under_pressure(); });
}

void timers() {
    auto wheel = std::make_unique<TimerWheel>();
    auto hazards = std::make_unique<Hazards>();
    wheel->init(0, Ms(0));
    std::vector<TimerEntry> entries(100'000);
    measure("timer set + cancel", 500'000, [&](std::size_t i) {
        TimerEntry& entry = entries[i % 64];
        wheel->set(entry, Ms(500 + static_cast<std::int64_t>(i % 30'000)), HandlerId{1});
        wheel->cancel(entry);
    });
    Random random(1);
    for (TimerEntry& e : entries) {
        wheel->set(e, Ms(static_cast<std::int64_t>(random.below(32'000))), HandlerId{1});
    }
    measure("timer moved, one of 100,000", 500'000, [&](std::size_t) {
        wheel->set(entries[random.below(entries.size())],
                   Ms(static_cast<std::int64_t>(random.below(32'000))), HandlerId{1});
    });
    std::array<TimerEntry*, 8> out{};
    using Steady = std::chrono::steady_clock;
    const auto begin = Steady::now();
    std::chrono::duration<double, std::micro> longest{0};
    for (Ms now{0}; !wheel->empty(); now += kTick) {
        const auto before = Steady::now();
        std::size_t n = 0;
        do {
            n = wheel->take_due(now, *hazards, 0, out);
            for (std::size_t i = 0; i < n; ++i) {
                (void)TimerWheel::claim(*out[i]);
                hazards->release(0, out[i]);
            }
        } while (n == out.size());
        longest = std::max<decltype(longest)>(longest, Steady::now() - before);
    }
    const std::chrono::duration<double, std::nano> took = Steady::now() - begin;
    fmt::print("{:<44} {:8.1f} ns, longest tick {:.1f} us\n", "timer fired, with cascades",
               took.count() / static_cast<double>(entries.size()), longest.count());
}

void others(Segment& segment) {
    auto hazards = std::make_unique<Hazards>();
    const auto object_owner = std::make_unique<std::array<char, 256>>();
    char& object = (*object_owner)[0];
    for (std::uint16_t slot = 0; slot < 10; ++slot) (void)hazards->protect(slot, &segment);
    measure("hazard protect + release", 1'000'000, [&](std::size_t) {
        (void)hazards->protect(3, &object);
        hazards->release(3, &object);
    });
    std::size_t yes = 0;
    measure("hazards in_use, 10 processes", 1'000'000,
            [&](std::size_t) { yes += hazards->in_use(&object, 100); });
    auto* const box = segment.make<Mailbox>(Tag{});
    if (box == nullptr || !box->init(segment, Tag{}, 65'536)) return;
    std::array<char, 2048> bytes{};
    measure("mailbox put + take, 500 bytes", 500'000, [&](std::size_t) {
        MailKind kind{};
        (void)box->put(MailKind::datagram, {std::string_view(bytes.data(), 500)});
        (void)box->take(kind, bytes.data(), bytes.size());
    });
    const std::unique_ptr<Counters> counters(*Counters::create(segment));
    const Counter counter = counters->add("bench", "counter", "");
    measure("counter add", 1'000'000, [&](std::size_t) { counter.add(); });
    RobustMutex mutex;
    mutex.init(Rank::table);
    measure("robust lock + unlock", 1'000'000, [&](std::size_t) {
        (void)mutex.lock();
        mutex.unlock();
    });
}

}  // namespace

int main() {
    auto segment = Segment::create(std::size_t{256} << 20);
    if (!segment) return 1;
    (*segment)->enter(0);
    allocator(**segment);
    timers();
    others(**segment);
    fmt::print("sizes: TimerEntry {}, TimerWheel {}, RobustMutex {}, Hazards {}, Mailbox {}\n",
               sizeof(TimerEntry), sizeof(TimerWheel), sizeof(RobustMutex), sizeof(Hazards),
               sizeof(Mailbox));
    return 0;
}
