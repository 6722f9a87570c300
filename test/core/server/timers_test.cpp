// Timers across processes: whose wheel, who takes over, what a reborn process finishes.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/timers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "test/support/fake_clock.h"

using namespace fairlead;
using namespace fairlead::test;
using server::TimerService;

namespace {

/// One per process in the server; here two share the wheels of a test.
struct Handler final : TimerHandler {
    int count = 0;
    bool dies = false;
    void fired(shm::TimerEntry& entry) noexcept override {
        if (dies) _exit(0);
        if (shm::TimerWheel::claim(entry)) ++count;
    }
};

struct Fixture {
    FakeClock clock;
    std::unique_ptr<shm::Segment> segment = shm::Segment::create(8 << 20).value();
    shm::Hazards* hazards = segment->make<shm::Hazards>(segment->tag("test", "hazards"));
    std::vector<shm::TimerWheel*> wheels{nullptr, wheel(1), wheel(2)};
    shm::TimerEntry* entry = segment->make<shm::TimerEntry>(segment->tag("test", "entry"));
    Handler handler, handler_2;
    TimerService first{clock, *hazards, wheels}, second{clock, *hazards, wheels};
    shm::HandlerId id{};

    Fixture() {
        REQUIRE(first.prepare(*segment));
        REQUIRE(second.prepare(*segment));
        id = first.add("test", handler);
        REQUIRE(second.add("test", handler_2) == id);
        first.enter(1);
        second.enter(2);
    }
    shm::TimerWheel* wheel(std::uint8_t index) {
        auto* const made = segment->make<shm::TimerWheel>(segment->tag("test", "wheel"));
        made->init(index, clock.now());
        return made;
    }
};

/// Runs `body` in a process that must die in it.
template <class F>
void in_child(F body) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        body();
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WEXITSTATUS(status) == 0);
}

}  // namespace

TEST_CASE("a timer fires once, not before its time") {
    Fixture f;
    f.first.set(*f.entry, Ms{500}, f.id);
    f.clock.advance(Ms{490});
    f.first.run();
    CHECK(f.handler.count == 0);
    f.clock.advance(Ms{30});
    f.first.run();
    f.first.run();
    CHECK(f.handler.count == 1);
    CHECK_FALSE(f.entry->is_armed());
    CHECK_FALSE(f.hazards->in_use(f.entry, sizeof *f.entry));
}

TEST_CASE("set again moves a timer into the wheel of the process that sets it") {
    Fixture f;
    f.first.set(*f.entry, Ms{100}, f.id);
    f.second.set(*f.entry, Ms{200}, f.id);
    CHECK(f.wheels[1]->empty());
    CHECK(f.wheels[2]->armed() == 1);
    f.clock.advance(Ms{150});
    f.first.run();
    f.second.run();
    CHECK(f.handler.count + f.handler_2.count == 0);
    f.clock.advance(Ms{70});
    f.second.run();
    CHECK(f.handler_2.count == 1);
}

TEST_CASE("a cancelled timer does not fire, whoever cancels it") {
    Fixture f;
    f.first.set(*f.entry, Ms{100}, f.id);
    f.second.cancel(*f.entry);
    f.clock.advance(Ms{1000});
    f.first.run();
    f.second.run();
    CHECK(f.handler.count + f.handler_2.count == 0);
}

TEST_CASE("a wheel that is more than 100 ms late is run by another process") {
    Fixture f;
    f.first.set(*f.entry, Ms{20}, f.id);
    f.clock.advance(Ms{90});
    f.second.run();
    CHECK(f.handler_2.count == 0);
    f.clock.advance(Ms{60});
    f.second.run();
    CHECK(f.handler_2.count == 1);
    f.first.run();
    CHECK(f.handler.count == 0);
}

TEST_CASE("what a process died in is finished by the one after it") {
    Fixture f;
    f.first.set(*f.entry, Ms{20}, f.id);
    f.clock.advance(Ms{50});
    in_child([&] {
        f.handler.dies = true;
        f.first.run();
    });

    // It was taken off the wheel and is protected: nobody else fires or frees it.
    f.second.run();
    CHECK(f.handler_2.count == 0);
    CHECK(f.hazards->in_use(f.entry, sizeof *f.entry));

    f.first.recover();
    CHECK(f.handler.count == 1);
    f.first.recover();
    CHECK(f.handler.count == 1);
}

TEST_CASE("a timer that ends the next process too is left out") {
    Fixture f;
    f.first.set(*f.entry, Ms{20}, f.id);
    f.clock.advance(Ms{50});
    in_child([&] {
        f.handler.dies = true;
        f.first.run();
    });
    in_child([&] {
        f.handler.dies = true;
        f.first.recover();
    });
    f.first.recover();
    CHECK(f.handler.count == 0);
    CHECK_FALSE(f.hazards->in_use(f.entry, sizeof *f.entry));
}

TEST_CASE("a ticker is called once for each period, once after a pause") {
    struct Tick final : Timers::Ticker {
        int count = 0;
        void tick() noexcept override { ++count; }
    } ticker;
    Fixture f;
    f.first.every(Ms{1000}, ticker);
    f.first.run_tickers();
    CHECK(ticker.count == 0);
    f.clock.advance(Ms{1000});
    f.first.run_tickers();
    f.first.run_tickers();
    CHECK(ticker.count == 1);
    f.clock.advance(Ms{10'000});
    f.first.run_tickers();
    CHECK(ticker.count == 2);
}
