// Many processes at once on allocator, wheels and mailboxes, with processes killed in between.
// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "core/base/random.h"
#include "core/shm/hazards.h"
#include "core/shm/mailbox.h"
#include "core/shm/segment.h"
#include "core/shm/timer_wheel.h"
#include "test/core/shm/children.h"

using namespace fairlead;
using namespace fairlead::shm;
using test::kill_and_reap, test::reap, test::spawn;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::uint16_t kChildren = 4;

/// How far each child has come, for the parent to choose when it dies.
struct Progress {
    using ShmSafe = void;
    std::array<std::atomic<std::uint64_t>, kChildren + 1> steps{};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> errors{0};
};

/// Lets `slot` come `steps` further; false when its process ended by itself, which it must not.
bool wait_for(Progress& progress, std::uint16_t slot, pid_t pid, std::uint64_t steps) {
    const std::uint64_t until = progress.steps[slot].load() + steps;
    while (progress.steps[slot].load() < until) {
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
        if (ended.si_pid == pid) {
            UNSCOPED_INFO("process of slot " << slot << " ended, status " << ended.si_status);
            return false;
        }
        ::sched_yield();
    }
    return true;
}

}  // namespace

TEST_CASE("processes allocate, pass and free blocks while others are killed", "[shm][processes]") {
    const auto segment = std::move(*Segment::create(16 * kMiB));
    const Tag own = segment->tag("test", "own"), passed = segment->tag("test", "passed");
    const Tag fixed = segment->tag("test", "fixed");
    auto* const progress = segment->make<Progress>(fixed);
    std::array<Mailbox*, kChildren + 1> boxes{};
    for (auto& box : boxes) {
        box = segment->make<Mailbox>(fixed);
        REQUIRE(box->init(*segment, fixed, 4096));
    }
    const std::size_t before = segment->totals().blocks;

    struct Content {
        std::uint64_t self, size;
    };
    auto check = [&](void* p) {
        auto* const c = static_cast<Content*>(p);
        if (c->self != reinterpret_cast<std::uint64_t>(p)) ++progress->errors;
        const char* const last = static_cast<const char*>(p) + c->size - 1;
        if (c->size > sizeof *c && *last != 'e') ++progress->errors;
        c->self = 0;
    };
    auto drain = [&](std::uint16_t slot) {
        void* p = nullptr;
        MailKind kind{};
        while (boxes[slot]->take(kind, reinterpret_cast<char*>(&p), sizeof p) > 0) {
            check(p);
            segment->free(p);
        }
    };
    auto work = [&](std::uint16_t slot, std::uint64_t seed) {
        segment->enter(slot);
        Random random(seed);
        std::vector<void*> mine;
        while (!progress->stop.load()) {
            ++progress->steps[slot];
            const bool pass = random.below(3) == 0;
            const std::size_t size =
                sizeof(Content) + 1 + random.below(random.below(5000) == 0 ? 80'000 : 3000);
            void* const p = segment->allocate(size, pass ? passed : own, Hold::in_hand);
            if (p != nullptr) {
                ::new (p) Content{reinterpret_cast<std::uint64_t>(p), size};
                static_cast<char*>(p)[size - 1] = 'e';
                if (pass) {
                    segment->publish(p);
                    Mailbox& to = *boxes[1 + random.below(kChildren)];
                    const std::string_view bytes(reinterpret_cast<const char*>(&p), sizeof p);
                    if (to.put(MailKind::run, {bytes}) == Mailbox::Put::full) segment->free(p);
                } else {
                    mine.push_back(p);
                }
            }
            drain(slot);
            while (mine.size() > 40 || (p == nullptr && !mine.empty())) {
                const std::size_t i = random.below(mine.size());
                check(mine[i]);
                segment->free(mine[i]);
                mine[i] = mine.back();
                mine.pop_back();
            }
        }
        for (void* p : mine) segment->free(p);
        return 0;
    };

    Random random(11);
    std::array<pid_t, kChildren + 1> pids{};
    std::uint64_t seed = 0;
    auto start = [&](std::uint16_t slot) {
        ++seed;
        pids[slot] = spawn([&] { return work(slot, seed); });
    };
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) start(slot);
    constexpr std::size_t kKills = 60;
    for (std::size_t i = 0; i < kKills && !segment->damaged(); ++i) {
        const auto slot = static_cast<std::uint16_t>(1 + random.below(kChildren));
        REQUIRE(wait_for(*progress, slot, pids[slot], 200 + random.below(300)));
        kill_and_reap(pids[slot]);
        segment->recover(slot);
        start(slot);
    }
    progress->stop.store(true);
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) {
        CHECK(reap(pids[slot]) == 0);
        segment->recover(slot);
        drain(slot);
    }
    CHECK(progress->errors == 0);
    if (segment->damaged()) WARN("a process died inside the manager of the mapping");
    // A record that a dead reader had taken, or a dead writer had published but not put, is lost
    // with its block: at most one for each death. Everything else is accounted for.
    std::size_t lost = 0;
    for (const Usage& line : segment->top()) {
        if (line.tag == "test:passed") lost = line.blocks;
        CHECK(line.tag != "test:own");
    }
    CHECK(lost <= kKills);
    CHECK(segment->totals().blocks == before + lost);
    CHECK(segment->under_pressure() == segment->damaged());
}

namespace {

constexpr HandlerId kHandler{2};

/// Something with a timer, as a transaction has.
struct Owner {
    using ShmSafe = void;
    RobustMutex mutex;
    TimerEntry entry;
    bool wanted = false;     ///< set and not yet fired or cancelled
    bool uncertain = false;  ///< a process died while it changed this
    void repair() noexcept { uncertain = true; }
};

struct Timed {
    using ShmSafe = void;
    std::atomic<std::int64_t> now{1'000'000};
    Hazards hazards{};
    std::array<TimerWheel, kChildren + 1> wheels{};
    std::array<Owner, 200> owners{};
    std::atomic<std::uint64_t> fired{0};

    Owner& owner_of(TimerEntry& entry) {
        const auto offset = reinterpret_cast<char*>(&entry) - reinterpret_cast<char*>(&owners[0]);
        return owners[static_cast<std::size_t>(offset) / sizeof(Owner)];
    }
    void fire(TimerEntry& entry, std::uint16_t slot) {
        {
            Owner& owner = owner_of(entry);
            Guard guard(owner);
            if (TimerWheel::claim(entry)) {
                owner.wanted = false;
                ++fired;
            }
        }
        hazards.release(slot, &entry);
    }
    void run(TimerWheel& wheel, std::uint16_t slot) {
        std::array<TimerEntry*, 8> out{};
        std::size_t n = 0;
        do {
            n = wheel.take_due(Ms(now.load()), hazards, slot, out);
            for (std::size_t i = 0; i < n; ++i) fire(*out[i], slot);
        } while (n == out.size());
    }
    void recover(std::uint16_t dead) {
        std::array<TimerEntry*, Hazards::kPerProcess> left{};
        const std::size_t n = TimerWheel::left_firing(hazards, dead, left);
        for (std::size_t i = 0; i < n; ++i) fire(*left[i], dead);
        hazards.clear(dead);
    }
};

}  // namespace

TEST_CASE("no timer is lost when processes that set and run them are killed", "[shm][processes]") {
    const auto segment = std::move(*Segment::create(4 * kMiB));
    auto* const progress = segment->make<Progress>(Tag{});
    auto* const timed = segment->make<Timed>(Tag{});
    REQUIRE(timed != nullptr);
    for (std::uint8_t i = 0; i <= kChildren; ++i) timed->wheels[i].init(i, Ms(timed->now.load()));
    for (Owner& owner : timed->owners) owner.mutex.init(Rank::transaction);

    auto work = [&](std::uint16_t slot, std::uint64_t seed) {
        Random random(seed);
        while (!progress->stop.load()) {
            ++progress->steps[slot];
            for (int i = 0; i < 8; ++i) {
                Owner& owner = timed->owners[random.below(timed->owners.size())];
                Guard guard(owner);
                if (owner.entry.is_armed()) timed->wheels[owner.entry.wheel].cancel(owner.entry);
                owner.wanted = false;
                if (random.below(4) == 0) continue;
                const auto delay = static_cast<std::int64_t>(random.below(6000));
                timed->wheels[slot].set(owner.entry, Ms(timed->now.load() + delay), kHandler);
                owner.wanted = true;
            }
            timed->run(timed->wheels[slot], slot);
            timed->run(timed->wheels[1 + random.below(kChildren)], slot);
            if (slot == 1) timed->now.fetch_add(10);
        }
        return 0;
    };
    Random random(5);
    std::array<pid_t, kChildren + 1> pids{};
    std::uint64_t seed = 100;
    auto start = [&](std::uint16_t slot) {
        ++seed;
        pids[slot] = spawn([&] { return work(slot, seed); });
    };
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) start(slot);
    constexpr std::size_t kKills = 80;
    for (std::size_t i = 0; i < kKills; ++i) {
        const auto slot = static_cast<std::uint16_t>(1 + random.below(kChildren));
        REQUIRE(wait_for(*progress, slot, pids[slot], 20 + random.below(100)));
        kill_and_reap(pids[slot]);
        timed->recover(slot);
        start(slot);
    }
    progress->stop.store(true);
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) {
        CHECK(reap(pids[slot]) == 0);
        timed->recover(slot);
    }
    for (int i = 0; i < 1000; ++i) {
        timed->now.fetch_add(10);
        for (std::uint16_t slot = 1; slot <= kChildren; ++slot) timed->run(timed->wheels[slot], 0);
    }
    std::size_t uncertain = 0, lost = 0;
    for (Owner& owner : timed->owners) {
        CHECK_FALSE(owner.entry.is_armed());
        uncertain += owner.uncertain;
        lost += owner.wanted && !owner.uncertain;
    }
    CHECK(lost == 0);
    CHECK(uncertain <= kKills);
    CHECK(timed->fired > 100);
    for (const TimerWheel& wheel : timed->wheels) CHECK(wheel.armed() == 0);
}

TEST_CASE("records of every writer arrive in order, whoever is killed", "[shm][processes]") {
    const auto segment = std::move(*Segment::create(4 * kMiB));
    auto* const progress = segment->make<Progress>(Tag{});
    auto* const box = segment->make<Mailbox>(Tag{});
    REQUIRE(box->init(*segment, Tag{}, 8192));
    struct Record {
        std::uint64_t writer, number;
    };
    auto write = [&](std::uint16_t slot, std::uint64_t writer) {
        Record record{writer, 0};
        while (!progress->stop.load()) {
            const std::string_view bytes(reinterpret_cast<const char*>(&record), sizeof record);
            const std::string_view filling("................................................",
                                           record.number % 48);
            if (box->put(MailKind::run, {bytes, filling}) == Mailbox::Put::full) {
                ::sched_yield();
                continue;
            }
            ++record.number;
            ++progress->steps[slot];
        }
        return 0;
    };
    constexpr std::uint64_t kWriters = 30;
    std::array<pid_t, kChildren + 1> pids{};
    std::uint64_t writers = 0;
    auto start = [&](std::uint16_t slot) {
        ++writers;
        pids[slot] = spawn([&] { return write(slot, writers); });
    };
    std::vector<std::uint64_t> next(kWriters + kChildren + 2);
    auto read_all = [&] {
        char out[128];
        MailKind kind{};
        std::ptrdiff_t length = 0;
        while ((length = box->take(kind, out, sizeof out)) >= 0) {
            Record record{};
            std::memcpy(&record, out, sizeof record);
            REQUIRE(record.writer < next.size());
            REQUIRE(record.number == next[record.writer]++);
            REQUIRE(static_cast<std::size_t>(length) == sizeof record + record.number % 48);
        }
    };
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) start(slot);
    Random random(3);
    while (writers < kWriters) {
        const auto slot = static_cast<std::uint16_t>(1 + random.below(kChildren));
        const std::uint64_t until = progress->steps[slot].load() + random.below(500);
        while (progress->steps[slot].load() < until) read_all();
        kill_and_reap(pids[slot]);
        start(slot);
    }
    progress->stop.store(true);
    for (std::uint16_t slot = 1; slot <= kChildren; ++slot) CHECK(reap(pids[slot]) == 0);
    read_all();
    std::uint64_t received = 0;
    for (const std::uint64_t n : next) received += n;
    CHECK(received > 1000);
}
