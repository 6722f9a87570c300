// Mail between processes reaches the slot it is for, wakes it, and is bounded.
// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "core/proc/post_office.h"

using namespace fairlead;
using fairlead::proc::PostOffice;
using fairlead::shm::MailKind;

namespace {

constexpr MailId kTo{2};

/// An office of two slots in a segment of its own.
struct Office {
    Office() : segment(std::move(*shm::Segment::create(4 << 20))) {
        counters.reset(*shm::Counters::create(*segment));
        segment->enter(1);
        counters->enter(1);
        office.count_dropped(counters->add("process", "mail_dropped", ""));
        for (int i = 0; i < 2; ++i)
            if (!office.add(*segment, 1024)) throw std::runtime_error("no room");
    }
    std::string take(std::uint16_t slot) {
        MailKind kind{};
        std::array<char, 1024> out;
        const auto size = office.box(slot).mailbox->take(kind, out.data(), out.size());
        if (size >= 0 && PostOffice::id(kind) != kTo) return "for another";
        return size < 0 ? "none" : std::string(out.data(), static_cast<std::size_t>(size));
    }
    bool is_woken(std::uint16_t slot) {
        pollfd wakeup{office.box(slot).wakeup.fd(), POLLIN, 0};
        return poll(&wakeup, 1, 0) == 1;
    }

    std::unique_ptr<shm::Segment> segment;
    std::unique_ptr<shm::Counters> counters;
    PostOffice office;
};

}  // namespace

TEST_CASE("what one slot is woken by stays where it is when slots are added") {
    Office o;
    const Wakeup* const first = &o.office.box(1).wakeup;
    for (int i = 0; i < 20; ++i) REQUIRE(o.office.add(*o.segment, 1024));
    CHECK(&o.office.box(1).wakeup == first);
}

TEST_CASE("mail reaches the slot that it is posted to, in order, and wakes it when it sleeps") {
    Office o;
    REQUIRE(o.office.box(2).mailbox->prepare_to_sleep());
    CHECK(o.office.post(2, kTo, "one"));
    CHECK(o.office.post(2, kTo, "two"));
    CHECK(o.is_woken(2));
    CHECK_FALSE(o.is_woken(1));
    CHECK(o.take(2) == "one");
    CHECK(o.take(2) == "two");
    CHECK(o.take(1) == "none");
}

TEST_CASE("mail to a slot that does not exist is refused") {
    Office o;
    CHECK_FALSE(o.office.post(0, kTo, "x"));
    CHECK_FALSE(o.office.post(3, kTo, "x"));
}

TEST_CASE("mail to a full mailbox is refused and counted") {
    Office o;
    const std::string big(500, 'x');
    CHECK(o.office.post(1, kTo, big));
    CHECK(o.office.post(1, kTo, big));
    CHECK_FALSE(o.office.post(1, kTo, big));
    CHECK(o.counters->sum("process", "mail_dropped") == 1);
    CHECK(o.take(1) == big);
    CHECK(o.office.post(1, kTo, big));
}

TEST_CASE("a server of one process gets all mail itself") {
    Office o;
    o.office.set_alone();
    CHECK(o.office.post(7, kTo, "x"));
    CHECK(o.take(1) == "x");
}
