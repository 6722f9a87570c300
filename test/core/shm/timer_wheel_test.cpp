// The timer wheel on virtual time: never early, at most one tick late, whatever is set or moved.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/timer_wheel.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "core/base/random.h"

using namespace fairlead;
using namespace fairlead::shm;

namespace {

constexpr HandlerId kHandler{7};

struct World {
    std::unique_ptr<TimerWheel> wheel = std::make_unique<TimerWheel>();
    std::unique_ptr<Hazards> hazards = std::make_unique<Hazards>();
    Ms now{123'457};

    World() { wheel->init(3, now); }
    /// Runs the wheel at `now`; returns how many entries fired and calls `f` for each.
    template <class F>
    std::size_t run(F&& f) {
        std::array<TimerEntry*, 8> out{};
        std::size_t all = 0, n = 0;
        do {
            n = wheel->take_due(now, *hazards, 1, out);
            for (std::size_t i = 0; i < n; ++i) {
                REQUIRE(hazards->in_use(out[i], sizeof(TimerEntry)));
                if (TimerWheel::claim(*out[i])) {
                    f(*out[i]);
                    ++all;
                }
                hazards->release(1, out[i]);
            }
        } while (n == out.size());
        return all;
    }
    std::size_t run() {
        return run([](TimerEntry&) {});
    }
    void step(Ms by) { now += by; }
};

}  // namespace

TEST_CASE("sizes of what is shared", "[shm]") {
    INFO("TimerEntry " << sizeof(TimerEntry) << ", TimerWheel " << sizeof(TimerWheel));
    CHECK(sizeof(TimerEntry) <= 40);
    CHECK(sizeof(TimerWheel) <= 32 * 1024);
}

TEST_CASE("a timer fires in its tick, not before", "[shm][timer]") {
    World w;
    TimerEntry entry;
    w.wheel->set(entry, w.now + Ms(500), kHandler);
    CHECK(entry.is_armed());
    CHECK(w.wheel->armed() == 1);
    const Ms due = w.now + Ms(500);
    while (w.now < due - Ms(1)) {
        w.step(Ms(1));
        REQUIRE(w.run() == 0);
    }
    w.step(Ms(10));
    CHECK(w.run([](TimerEntry& e) { CHECK(e.handler == kHandler); }) == 1);
    CHECK_FALSE(entry.is_armed());
    CHECK(w.wheel->empty());
}

TEST_CASE("a timer that is due at once fires within a tick", "[shm][timer]") {
    World w;
    w.run();
    TimerEntry entry, past;
    w.wheel->set(entry, w.now, kHandler);
    w.wheel->set(past, w.now - Ms(5000), kHandler);
    w.step(Ms(10));
    CHECK(w.run() == 2);
}

TEST_CASE("cancelled and moved timers", "[shm][timer]") {
    World w;
    TimerEntry a, b;
    w.wheel->set(a, w.now + Ms(100), kHandler);
    w.wheel->set(b, w.now + Ms(100), kHandler);
    w.wheel->cancel(a);
    w.wheel->cancel(a);
    w.wheel->set(b, w.now + Ms(40'000), kHandler);
    CHECK(w.wheel->armed() == 1);
    w.step(Ms(39'000));
    CHECK(w.run() == 0);
    w.step(Ms(1010));
    CHECK(w.run() == 1);
}

TEST_CASE("what is cancelled or set anew while it fires is not claimed", "[shm][timer]") {
    World w;
    TimerEntry a, b, c;
    for (TimerEntry* e : {&a, &b, &c}) w.wheel->set(*e, w.now + Ms(10), kHandler);
    w.step(Ms(30));
    std::array<TimerEntry*, 8> out{};
    REQUIRE(w.wheel->take_due(w.now, *w.hazards, 1, out) == 3);
    w.wheel->cancel(a);
    w.wheel->set(b, w.now + Ms(50), kHandler);
    CHECK_FALSE(TimerWheel::claim(a));
    CHECK_FALSE(TimerWheel::claim(b));
    CHECK(TimerWheel::claim(c));
    CHECK_FALSE(TimerWheel::claim(c));
    w.hazards->clear(1);
    w.step(Ms(60));
    CHECK(w.run() == 1);  // b, at its new time
}

TEST_CASE("at most as many as asked for, and as there are hazards", "[shm][timer]") {
    World w;
    std::vector<TimerEntry> entries(40);
    for (TimerEntry& e : entries) w.wheel->set(e, w.now + Ms(10), kHandler);
    w.step(Ms(30));
    std::array<TimerEntry*, 8> few{};
    CHECK(w.wheel->take_due(w.now, *w.hazards, 1, few) == 8);
    std::array<TimerEntry*, 32> many{};
    CHECK(w.wheel->take_due(w.now, *w.hazards, 1, many) == Hazards::kPerProcess - 8);
    CHECK(w.wheel->take_due(w.now, *w.hazards, 1, many) == 0);
    CHECK(w.wheel->take_due(w.now, *w.hazards, 2, few) == 8);  // another process takes over
    w.hazards->clear(1);
    CHECK(w.run() == 40 - 8 - Hazards::kPerProcess);
}

TEST_CASE("what a dead process had taken is found and still claimable", "[shm][timer]") {
    World w;
    TimerEntry a, b, c;
    for (TimerEntry* e : {&a, &b, &c}) w.wheel->set(*e, w.now + Ms(10), kHandler);
    w.step(Ms(30));
    std::array<TimerEntry*, 8> out{};
    REQUIRE(w.wheel->take_due(w.now, *w.hazards, 1, out) == 3);
    REQUIRE(TimerWheel::claim(a));
    int object = 0;
    REQUIRE(w.hazards->protect(1, &object));
    std::array<TimerEntry*, 8> left{};
    CHECK(TimerWheel::left_firing(*w.hazards, 1, left) == 2);
    CHECK(left[0] == &b);
    CHECK(TimerWheel::claim(*left[0]));
    CHECK(TimerWheel::left_firing(*w.hazards, 1, left) == 1);
    CHECK(TimerWheel::left_firing(*w.hazards, 2, left) == 0);
}

TEST_CASE("lateness grows while nobody runs an armed wheel", "[shm][timer]") {
    World w;
    TimerEntry entry;
    w.step(Ms(5000));
    CHECK(w.wheel->lateness(w.now) == Ms(0));
    w.wheel->set(entry, w.now + Ms(20'000), kHandler);
    w.run();
    CHECK(w.wheel->lateness(w.now) <= kTick);
    w.step(Ms(150));
    CHECK(w.wheel->lateness(w.now) > Ms(100));
    w.run();
    CHECK(w.wheel->lateness(w.now) <= kTick);
}

TEST_CASE("a wheel that was not run for long catches up and skips nothing", "[shm][timer]") {
    World w;
    std::vector<TimerEntry> entries(2000);
    std::int64_t delay = 5;
    for (TimerEntry& e : entries) w.wheel->set(e, w.now + Ms(delay += 97), kHandler);
    TimerEntry later;
    w.wheel->set(later, w.now + std::chrono::hours(30), kHandler);
    w.step(std::chrono::hours(29));
    std::vector<Ms> order;
    CHECK(w.run([&](TimerEntry& e) { order.push_back(e.due); }) == entries.size());
    CHECK(std::is_sorted(order.begin(), order.end()));
    w.step(std::chrono::hours(1) + kTick);
    CHECK(w.run() == 1);
}

TEST_CASE("100,000 random timers: never early, never later than one tick", "[shm][timer]") {
    const std::uint64_t seed = GENERATE(1u, 2u, 3u);
    World w;
    Random random(seed);
    std::vector<TimerEntry> entries(100'000);
    auto delay = [&] {  // crowds at round values, as SIP timers are, and all levels
        const std::uint64_t kind = random.below(8);
        if (kind < 3) return Ms(500 << random.below(7));
        if (kind < 6) return Ms(static_cast<std::int64_t>(random.below(40'000)));
        return Ms(static_cast<std::int64_t>(random.below(kind == 6 ? 900'000 : 30'000'000)));
    };
    for (TimerEntry& e : entries) w.wheel->set(e, w.now + delay(), kHandler);
    std::size_t fired = 0, early = 0, late = 0, again = 50'000;
    while (!w.wheel->empty()) {
        const Ms by(10);
        w.step(by);
        fired += w.run([&](TimerEntry& e) {
            early += e.due > w.now;
            late += e.due + kTick + by <= w.now;
            if (again > 0 && again-- > 0) w.wheel->set(e, w.now + delay(), kHandler);
        });
        if (fired < 50'000) {  // and some are moved, some cancelled and set again
            TimerEntry& e = entries[random.below(entries.size())];
            if (random.below(2) == 0) w.wheel->cancel(e);
            w.wheel->set(e, w.now + delay(), kHandler);
        }
    }
    CHECK(early == 0);
    CHECK(late == 0);
    CHECK(fired >= 150'000);
}

TEST_CASE("a timer beyond the horizon is cut to it", "[shm][timer]") {
    World w;
    TimerEntry entry;
    w.wheel->set(entry, w.now + std::chrono::hours(24 * 365), kHandler);
    CHECK(entry.due > w.now + std::chrono::hours(24 * 7));
    CHECK(entry.due < w.now + std::chrono::hours(24 * 8));
    w.step(std::chrono::hours(20));
    CHECK(w.run() == 0);
    w.wheel->set(entry, w.now + Ms(100), kHandler);
    w.step(Ms(110));
    CHECK(w.run() == 1);
}

TEST_CASE("repair keeps every armed timer", "[shm][timer]") {
    World w;
    std::vector<TimerEntry> entries(500);
    std::int64_t delay = 0;
    for (TimerEntry& e : entries) w.wheel->set(e, w.now + Ms(delay += 211), kHandler);
    for (TimerEntry& e : entries) e.previous = nullptr;  // what links say backwards is not trusted
    w.wheel->repair();
    CHECK(w.wheel->armed() == 500);
    for (std::size_t i = 0; i < 100; ++i) w.wheel->cancel(entries[i * 5]);
    w.step(Ms(delay + 20));
    CHECK(w.run() == 400);
}
