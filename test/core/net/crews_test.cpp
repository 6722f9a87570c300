// Listeners with workers of their own: whose sockets there are, and who gets what.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/crews.h"

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/net/call_id.h"
#include "core/net/steering.h"
#include "core/net/stream_net.h"

namespace {

using namespace fairlead;
using namespace fairlead::net;

constexpr std::size_t kCommon = 2, kOwn = 3, kAll = kCommon + kOwn;

/// Listener 1 has workers 2, 3 and 4 of its own.
Crews two_crews() {
    Crews crews(kCommon);
    crews.give(1, crews.add(kOwn));
    return crews;
}

struct Mailboxes {
    std::unique_ptr<shm::Segment> segment =
        std::move(*shm::Segment::create(std::size_t{16} << 20U));
    Wakeup wakeup;
    std::vector<Steering::Worker> workers;

    Mailboxes() {
        for (std::size_t i = 0; i < kAll; ++i) {
            auto* const box = segment->make<shm::Mailbox>(shm::Tag{});
            REQUIRE(box->init(*segment, shm::Tag{}, 1U << 16U));
            workers.push_back({box, &wakeup});
        }
    }
    /// Empties the mailbox and says how much was in it.
    std::size_t take_all(std::size_t worker) {
        std::array<char, 4096> record;
        shm::MailKind kind{};
        std::size_t count = 0;
        while (workers[worker].mailbox->take(kind, record.data(), record.size()) >= 0) ++count;
        return count;
    }
};

TEST_CASE("workers have numbers behind those of the common ones, and serve what they are given") {
    const Crews crews = two_crews();
    CHECK(crews.workers() == kAll);
    CHECK(crews.of(0) == Crew{0, kCommon});
    CHECK(crews.of(1) == Crew{kCommon, kOwn});
    CHECK(crews.of(2) == Crew{0, kCommon});
    for (std::size_t i = 0; i < kAll; ++i) CHECK(crews.is_common(i) == (i < kCommon));
}

TEST_CASE("a datagram stays with the workers of its listener, and a call with one of them") {
    Mailboxes boxes;
    Steering steering(SteeringMode::call_id, boxes.workers, two_crews(), {});
    std::set<std::size_t> met;
    for (const std::uint16_t listener : {0, 1}) {
        const Crew crew = two_crews().of(listener);
        Received from;
        from.listener = listener;
        for (int call = 0; call < 64; ++call) {
            const std::string id = std::to_string(call * 7919);
            const std::string text = "OPTIONS sip:a SIP/2.0\r\nCall-ID: " + id + "\r\n\r\n";
            const std::size_t owner = crew.first + owner_of(id, crew.count);
            for (std::uint16_t me = crew.first; me < crew.first + crew.count; ++me)
                CHECK(steering.hand_over(me, text, from) == (me != owner));
            steering.batch_done();
            for (std::size_t worker = 0; worker < kAll; ++worker)
                CHECK(boxes.take_all(worker) == (worker == owner ? crew.count - 1U : 0));
            met.insert(owner);
        }
    }
    CHECK(met.size() == kAll);
}

TEST_CASE("one own worker keeps all that it reads") {
    Mailboxes boxes;
    Crews crews(kAll - 1);
    crews.give(1, crews.add(1));
    Steering steering(SteeringMode::call_id, boxes.workers, crews, {});
    Received from;
    from.listener = 1;
    for (int call = 0; call < 16; ++call) {
        const auto text = "OPTIONS sip:a SIP/2.0\r\ni: " + std::to_string(call) + "\r\n\r\n";
        CHECK_FALSE(steering.hand_over(kAll - 1, text, from));
    }
}

TEST_CASE("a process that is no worker opens through those who serve the listener") {
    Mailboxes boxes;
    std::vector<Listener> listeners(2);
    for (auto& listener : listeners) listener.proto = Proto::tcp;
    StreamNet net(listeners, {});
    REQUIRE(net.prepare(boxes.workers, two_crews(), {}));
    Loop loop;
    net.enter({.slot = kAll + 1, .loop = &loop});
    Target target;
    target.proto = Proto::tcp;
    for (const std::uint16_t listener : {0, 1}) {
        const Crew crew = two_crews().of(listener);
        target.listener = listener;
        for (std::uint16_t port = 5000; port < 5006; ++port) {
            target.address = *Address::parse("192.0.2.1", port);
            REQUIRE(net.send(target, "hello", {}) == Sent::queued);
        }
        net.batch_done();
        for (std::size_t worker = 0; worker < kAll; ++worker)
            CHECK(boxes.take_all(worker) == (crew.contains(worker) ? 6U / crew.count : 0));
    }
}

}  // namespace
