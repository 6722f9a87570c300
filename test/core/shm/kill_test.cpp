// A process is killed after every few instructions of an operation, and what it left is checked.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "core/shm/hazards.h"
#include "core/shm/mailbox.h"
#include "core/shm/segment.h"
#include "core/shm/timer_wheel.h"
#include "test/core/shm/children.h"

using namespace fairlead;
using namespace fairlead::shm;
using test::kill_after, test::Stepped;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr HandlerId kHandler{4};
constexpr Ms kStart{1'000'000};

std::size_t fill_and_empty(Segment& segment, std::size_t size) {
    const Tag tag{};
    std::vector<void*> blocks;
    while (void* p = segment.allocate(size, tag)) blocks.push_back(p);
    for (void* p : blocks) segment.free(p);
    return blocks.size();
}

/// Runs `work(segment)`, which may or may not reach the manager of the mapping, in slot 1 and kills
/// it every `stride` instructions; after each death the segment must be whole.
template <class F>
void kill_allocator(long stride, bool uses_manager, F&& work) {
    std::size_t damaged = 0, killed = 0, lost = 0;
    for (long n = 0;; n += stride) {
        auto segment = std::move(*Segment::create(kMiB));
        const std::size_t room = fill_and_empty(*segment, 3000);
        fill_and_empty(*segment, 100);
        const Stepped stepped = kill_after(n, [&] {
            segment->enter(1);
            work(*segment);
        });
        if (stepped == Stepped::not_allowed) {
            WARN("ptrace is not allowed here");
            return;
        }
        segment->recover(1);
        ++killed;
        damaged += segment->damaged();
        REQUIRE(segment->totals().blocks == 0);
        if (!segment->damaged()) {
            // A chunk may be lost, when death fell between the manager and its caller.
            lost += fill_and_empty(*segment, 3000) + 3 < room;
            REQUIRE(segment->totals().used == 0);
            REQUIRE_FALSE(segment->under_pressure());
        } else {
            REQUIRE(segment->under_pressure());
        }
        if (stepped == Stepped::finished) break;
    }
    INFO("killed " << killed << " times, manager damaged " << damaged << ", chunk lost " << lost);
    CHECK(killed > 5);
    CHECK(lost * 4 <= killed);
    CHECK((uses_manager || damaged == 0));
}

}  // namespace

TEST_CASE("killed at any point of taking and giving one block", "[shm][kill]") {
    kill_allocator(53, true, [](Segment& segment) {
        void* const p = segment.allocate(200, Tag{}, Hold::in_hand);
        segment.free(p);
        (void)segment.allocate(200, Tag{}, Hold::in_hand);
    });
}

TEST_CASE("killed while the cache is enough, the manager is never touched", "[shm][kill]") {
    kill_allocator(7, false, [](Segment& segment) {
        void* const p = segment.allocate(100, Tag{}, Hold::in_hand);
        void* const q = segment.allocate(100, Tag{}, Hold::in_hand);
        segment.free(p);
        segment.free(q);
    });
}

TEST_CASE("killed at any point of growing, flushing and releasing slabs", "[shm][kill]") {
    kill_allocator(1009, true, [](Segment& segment) {
        std::array<void*, 12> blocks{};
        for (auto& p : blocks) p = segment.allocate(2500, Tag{}, Hold::in_hand);
        for (auto& p : blocks) segment.free(p);
        segment.enter(1);
    });
}

TEST_CASE("killed at any point of taking and freeing a chunk of its own", "[shm][kill]") {
    kill_allocator(139, true, [](Segment& segment) {
        void* const p = segment.allocate(100'000, Tag{}, Hold::in_hand);
        segment.free(p);
    });
}

namespace {

struct Wheels {
    using ShmSafe = void;
    TimerWheel wheel;
    Hazards hazards;
    std::array<TimerEntry, 8> entries;
    std::array<TimerEntry*, 8> out;
};

}  // namespace

TEST_CASE("killed at any point of setting, moving, cancelling and taking timers", "[shm][kill]") {
    auto segment = std::move(*Segment::create(4 * kMiB));
    enum { set, moved, cancelled, due, far, other };
    for (long n = 0;; n += 7) {
        auto* const w = segment->make<Wheels>(Tag{});
        REQUIRE(w != nullptr);
        auto& e = w->entries;
        w->wheel.init(0, kStart);
        for (const int i : {moved, cancelled, far}) {
            w->wheel.set(e[static_cast<std::size_t>(i)], kStart + Ms(9000), kHandler);
        }
        w->wheel.set(e[due], kStart + Ms(10), kHandler);
        const Stepped stepped = kill_after(n, [&] {
            w->wheel.set(e[set], kStart + Ms(70), kHandler);
            w->wheel.set(e[moved], kStart + Ms(50'000), kHandler);
            w->wheel.cancel(e[cancelled]);
            w->wheel.take_due(kStart + Ms(20), w->hazards, 1, w->out);
        });
        if (stepped == Stepped::not_allowed) {
            WARN("ptrace is not allowed here");
            return;
        }
        std::array<int, 8> fired{};
        auto fire = [&](TimerEntry* entry, std::uint16_t slot) {
            if (TimerWheel::claim(*entry)) ++fired[static_cast<std::size_t>(entry - e.data())];
            w->hazards.release(slot, entry);
        };
        std::array<TimerEntry*, 8> out{};
        const std::size_t left = TimerWheel::left_firing(w->hazards, 1, out);
        for (std::size_t i = 0; i < left; ++i) fire(out[i], 1);
        w->hazards.clear(1);
        // Only now does anybody take the lock, and so repair: after the successor has looked.
        w->wheel.set(e[other], kStart + Ms(100), kHandler);
        for (Ms now = kStart; now < kStart + Ms(60'000); now += Ms(10)) {
            const std::size_t taken = w->wheel.take_due(now, w->hazards, 2, out);
            for (std::size_t i = 0; i < taken; ++i) fire(out[i], 2);
        }
        INFO("killed after " << n << " instructions");
        REQUIRE(w->wheel.armed() == 0);
        REQUIRE(fired[due] == 1);
        REQUIRE(fired[moved] == 1);
        REQUIRE(fired[far] == 1);
        REQUIRE(fired[other] == 1);
        REQUIRE(fired[set] <= 1);
        REQUIRE(fired[cancelled] <= 1);
        for (const TimerEntry& entry : e) REQUIRE_FALSE(entry.is_armed());
        segment->free(w);
        if (stepped != Stepped::finished) continue;
        REQUIRE(fired[set] == 1);
        REQUIRE(fired[cancelled] == 0);
        REQUIRE(n > 100);
        break;
    }
}

TEST_CASE("killed at any point of a put: the record is there, or nothing is", "[shm][kill]") {
    auto segment = std::move(*Segment::create(4 * kMiB));
    for (long n = 0;; n += 5) {
        auto* const box = segment->make<Mailbox>(Tag{});
        REQUIRE(box != nullptr);
        REQUIRE(box->init(*segment, Tag{}, 256));
        const Stepped stepped =
            kill_after(n, [&] { (void)box->put(MailKind::wake, {"first", "record"}); });
        if (stepped == Stepped::not_allowed) {
            WARN("ptrace is not allowed here");
            return;
        }
        REQUIRE(box->put(MailKind::run, {"second"}) != Mailbox::Put::full);
        char out[64];
        MailKind kind{};
        std::ptrdiff_t length = box->take(kind, out, sizeof out);
        if (kind == MailKind::wake) {
            REQUIRE(std::string_view(out, 11) == "firstrecord");
            length = box->take(kind, out, sizeof out);
        }
        REQUIRE(length == 6);
        REQUIRE(std::string_view(out, 6) == "second");
        REQUIRE(box->take(kind, out, sizeof out) == -1);
        if (stepped == Stepped::finished) break;
    }
}
