// Locks, hazards, counters and mailboxes, in one process and between two.
// SPDX-License-Identifier: Apache-2.0
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "core/event/fd.h"
#include "core/shm/counters.h"
#include "core/shm/hazards.h"
#include "core/shm/mailbox.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"
#include "test/core/shm/children.h"

using namespace fairlead;
using namespace fairlead::shm;
using test::reap, test::spawn;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

struct Pair {
    using ShmSafe = void;
    RobustMutex mutex;
    int a, b, repairs;
    void repair() noexcept {
        b = a;
        ++repairs;
    }
};

std::unique_ptr<Segment> make_segment() {
    return std::move(*Segment::create(4 * kMiB));
}

}  // namespace

TEST_CASE("the next taker repairs what a dead owner left", "[shm]") {
    const auto segment = make_segment();
    Pair* const pair = segment->make<Pair>(Tag{});
    pair->mutex.init(Rank::table);
    const pid_t pid = spawn([&] {
        Guard guard(*pair);
        pair->a = 5;
        ::_exit(3);
        return 0;
    });
    CHECK(reap(pid) == 3);
    {
        Guard guard(*pair);
        CHECK(pair->repairs == 1);
        CHECK(pair->b == 5);
    }
    {
        Guard guard(*pair);
    }
    CHECK(pair->repairs == 1);
    RobustMutex::Taken taken{};
    REQUIRE(pair->mutex.try_lock(taken));
    CHECK(taken == RobustMutex::Taken::clean);
    CHECK(reap(spawn([&] {
              RobustMutex::Taken t{};
              return pair->mutex.try_lock(t) ? 1 : 0;
          })) == 0);
    pair->mutex.unlock();
}

TEST_CASE("who waits for a lock gets it although its wake-up was lost", "[shm]") {
    const auto segment = make_segment();
    Pair* const pair = segment->make<Pair>(Tag{});
    pair->mutex.init(Rank::table);
    REQUIRE(pair->mutex.lock() == RobustMutex::Taken::clean);
    const pid_t pid = spawn([&] {
        ::alarm(10);
        const Guard guard(*pair);
        return 7;
    });
    // The first word is the owner, with a bit that says whether to wake somebody. A process that is
    // woken, and killed before it has the lock, leaves others waiting without that bit when a third
    // one took the lock meanwhile.
    std::atomic_ref<std::uint32_t> word(*reinterpret_cast<std::uint32_t*>(&pair->mutex));
    while ((word.load() & FUTEX_WAITERS) == 0) ::sched_yield();
    word.fetch_and(~FUTEX_WAITERS);
    pair->mutex.unlock();
    CHECK(reap(pid) == 7);
}

#ifdef FAIRLEAD_LOCK_CHECK
TEST_CASE("locks taken against the order end the process", "[shm]") {
    const auto segment = make_segment();
    Pair* const low = segment->make<Pair>(Tag{});
    Pair* const high = segment->make<Pair>(Tag{});
    low->mutex.init(Rank::transaction);
    high->mutex.init(Rank::timer);
    CHECK(reap(spawn([&] {
              Guard a(*low);
              Guard b(*high);
              return 0;
          })) == 0);
    CHECK(reap(spawn([&] {
              Guard a(*high);
              Guard b(*low);
              return 0;
          })) == -1);
}
#endif

TEST_CASE("hazards protect addresses within an object until released", "[shm]") {
    const auto hazards = std::make_unique<Hazards>();
    char object[100], beside[100];
    CHECK_FALSE(hazards->in_use(object, sizeof object));
    CHECK(hazards->protect(7, object + 48));
    CHECK(hazards->protect(7, object + 48, Hazards::Kind::timer));
    CHECK(hazards->in_use(object, sizeof object));
    CHECK_FALSE(hazards->in_use(beside, sizeof beside));
    CHECK_FALSE(hazards->in_use(object, 48));
    CHECK(hazards->at(7, 0) == object + 48);
    CHECK(hazards->at(7, 1) == object + 48);
    CHECK(hazards->kind(7, 0) == Hazards::Kind::object);
    CHECK(hazards->kind(7, 1) == Hazards::Kind::timer);
    hazards->release(7, object + 48);
    CHECK(hazards->in_use(object, sizeof object));
    hazards->release(7, object + 48);
    CHECK_FALSE(hazards->in_use(object, sizeof object));
    CHECK(hazards->protect(8, beside));
    CHECK(hazards->protect(8, object));
    hazards->release(8, beside);  // a gap does not hide what is behind it
    CHECK(hazards->in_use(object, sizeof object));
    hazards->release(8, object);
    CHECK_FALSE(hazards->in_use(object, sizeof object));
    for (std::size_t i = 0; i < Hazards::kPerProcess; ++i) REQUIRE(hazards->protect(9, object));
    CHECK_FALSE(hazards->protect(9, object));
    hazards->clear(9);
    CHECK_FALSE(hazards->in_use(object, sizeof object));
}

TEST_CASE("counters are summed over processes, dead ones included", "[shm]") {
    const auto segment = make_segment();
    const std::unique_ptr<Counters> counters(*Counters::create(*segment));
    const Counter a = counters->add("core", "a", "first");
    const Counter b = counters->add("core", "b", "second");
    CHECK(counters->add("core", "a", "again").cell() == a.cell());
    CHECK(a.cell() != 0);
    Counter().add(100);
    for (int round = 0; round < 2; ++round) {
        for (std::uint16_t slot = 1; slot <= 3; ++slot) {
            REQUIRE(reap(spawn([&] {
                        segment->enter(slot);
                        counters->enter(slot);
                        for (int i = 0; i < 1000; ++i) a.add();
                        b.add(slot);
                        return 0;
                    })) == 0);
        }
    }
    CHECK(counters->sum(a) == 6000);
    CHECK(counters->sum("core", "b") == 12);
    CHECK_FALSE(counters->sum("core", "c").has_value());
    CHECK(counters->sum(Counter()) == 0);
    counters->reset(a);
    CHECK(counters->sum(a) == 0);
    CHECK(counters->rows().size() == 3);
    CHECK(segment->totals().blocks == 5);  // two tables and three rows, used again
    for (std::size_t i = counters->rows().size(); i < shm::kMaxCounters; ++i) {
        REQUIRE(counters->add("many", std::to_string(i), "").cell() != 0);
    }
    CHECK(counters->add("many", "one too many", "").cell() == 0);
}

TEST_CASE("a mailbox keeps order, wraps, refuses when full", "[shm]") {
    const auto segment = make_segment();
    Mailbox* const box = segment->make<Mailbox>(Tag{});
    REQUIRE(box->init(*segment, Tag{}, 1024));
    char out[600];
    MailKind kind{};
    CHECK(box->take(kind, out, sizeof out) == -1);
    for (int i = 0; i < 2000; ++i) {
        const std::string text(static_cast<std::size_t>(i * 37 % 500),
                               static_cast<char>('a' + i % 26));
        REQUIRE(box->put(MailKind::datagram, {text, "", "end"}) == Mailbox::Put::ok);
        REQUIRE(box->put(MailKind::run, {}) == Mailbox::Put::ok);
        REQUIRE(box->take(kind, out, sizeof out) == static_cast<std::ptrdiff_t>(text.size() + 3));
        REQUIRE(std::string_view(out, text.size() + 3) == text + "end");
        REQUIRE(kind == MailKind::datagram);
        REQUIRE(box->take(kind, out, sizeof out) == 0);
        REQUIRE(kind == MailKind::run);
    }
    const std::string half(500, 'x');
    CHECK(box->put(MailKind::wake, {half}) == Mailbox::Put::ok);
    CHECK(box->put(MailKind::wake, {half}) == Mailbox::Put::ok);
    CHECK(box->put(MailKind::wake, {half}) == Mailbox::Put::full);
    CHECK(box->dropped() == 1);
    CHECK(box->take(kind, out, 10) == -1);  // both are longer than the caller's space: dropped
    CHECK(box->dropped() == 3);
    CHECK(box->queued_bytes() == 0);
    CHECK(box->put(MailKind::wake, {std::string(2000, 'x')}) == Mailbox::Put::full);
}

TEST_CASE("a reader is woken whenever it sleeps", "[shm]") {
    const auto segment = make_segment();
    Mailbox* const box = segment->make<Mailbox>(Tag{});
    REQUIRE(box->init(*segment, Tag{}, 4096));
    CHECK(box->prepare_to_sleep());
    CHECK(box->put(MailKind::wake, {"x"}) == Mailbox::Put::ok_wake);
    CHECK_FALSE(box->prepare_to_sleep());
    const Wakeup wakeup = Wakeup::create().value();
    constexpr int kRecords = 30'000;
    const pid_t reader = spawn([&] {
        char out[16];
        MailKind kind{};
        for (int seen = 0; seen <= kRecords;) {
            while (box->take(kind, out, sizeof out) >= 0) ++seen;
            if (seen > kRecords || !box->prepare_to_sleep()) continue;
            pollfd fd{wakeup.fd(), POLLIN, 0};
            if (::poll(&fd, 1, 10'000) != 1) return 1;
            wakeup.drain();
        }
        return 0;
    });
    for (int i = 0; i < kRecords;) {
        const Mailbox::Put put = box->put(MailKind::wake, {"y"});
        if (put == Mailbox::Put::ok_wake) wakeup.notify();
        if (put != Mailbox::Put::full) ++i;
    }
    CHECK(reap(reader) == 0);
}
