// The books of transactions: the statistics created, freed, live, overdue and unaccounted.
// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "modules/tm/tm.h"
#include "test/modules/tm/call.h"
#include "test/support/recorded_call.h"

namespace fairlead::test {
namespace {

/// A host in which one INVITE was relayed and is not answered.
class Relayed : public TmHost {
public:
    Relayed() {
        relay_all();
        receive(Request("INVITE").branch("z9hG4bKaudit").str());
        discard_sent();
    }
    tm::Runtime& runtime() { return module<tm::Tm>("tm")->runtime(); }
    tm::Cell* cell() {
        for (std::uint32_t slot = 0; slot < runtime().table.size(); ++slot)
            if (tm::Cell* const c = runtime().table.bucket(slot).first.get()) return c;
        return nullptr;
    }
};

}  // namespace

TEST_CASE("what was made and not freed is live, and on time") {
    Relayed host;
    for (int second = 0; second < 90; ++second) {
        CHECK(host.count("live") == host.count("created") - host.count("freed"));
        CHECK(host.count("overdue") == 0);
        CHECK(host.count("unaccounted") == 0);
        host.advance(Ms(1000));
        host.discard_sent();
    }
    CHECK(host.count("created") == 1);
    CHECK(host.count("live") == 0);
    CHECK(host.leaks().empty());
}

TEST_CASE("a transaction that lost its timer is overdue") {
    Relayed host;
    host.runtime().core->timers().cancel(*host.cell());
    CHECK(host.count("overdue") == 1);
    CHECK(host.leaks().find("tm:overdue = 1") != std::string::npos);
}

TEST_CASE("a transaction whose timer should have fired is overdue, after some patience") {
    Relayed host;
    host.clock.advance(Ms(2000));  // nothing looks at the timers
    CHECK(host.count("overdue") == 0);
    host.clock.advance(Ms(2000));
    CHECK(host.count("overdue") == 1);
}

TEST_CASE("a transaction that is armed for later than it must be is overdue") {
    Relayed host;
    tm::Cell& c = *host.cell();
    c.armed_at = 60'000;
    host.runtime().core->timers().set(c, Ms(60'000), host.runtime().timer);
    CHECK(host.count("overdue") == 1);
}

TEST_CASE("a transaction beyond all of its times is overdue, whatever it is armed for") {
    Relayed host;
    tm::Cell& c = *host.cell();
    host.clock.advance(Ms(2'000'000));
    c.retransmit_at = c.branches->retransmit_at = c.branches->final_at = tm::kNever;
    c.armed_at = 3'000'000;
    CHECK(host.count("overdue") == 1);
}

TEST_CASE("a transaction that nobody counted is unaccounted for") {
    Relayed host;
    host.runtime().counts.freed.add();
    CHECK(host.count("unaccounted") == -1);
    host.runtime().counts.created.add(2);
    CHECK(host.count("unaccounted") == 1);
}

TEST_CASE("tm.audit shows the books") {
    Relayed host;
    CHECK(ask(host.engine(), "tm.audit") ==
          "{created: 1, freed: 0, live: 1, overdue: 0, unaccounted: 0}");
    host.runtime().core->timers().cancel(*host.cell());
    host.runtime().counts.created.add();
    CHECK(ask(host.engine(), "tm.audit") ==
          "{created: 2, freed: 0, live: 1, overdue: 1, unaccounted: 1}");
}

TEST_CASE("a process that dies before what it suspends is published leaves no block") {
    TmHost host;
    host.load("tmx");
    constexpr std::uint16_t kSlot = 9;  // of the process that dies
    const auto blocks = [&] {
        std::size_t count = 0;
        for (const shm::Usage& u : host.segment->top())
            if (u.tag == "tm:suspension" || u.tag == "tm:branch") count += u.blocks;
        return count;
    };
    host.on_request([&](Message& m) {
        host.call(m, "t_newtran");
        tm::Bucket* bucket = nullptr;
        tm::Runtime& rt = host.module<tm::Tm>("tm")->runtime();
        for (std::uint32_t slot = 0; slot < rt.table.size() && bucket == nullptr; ++slot)
            if (rt.table.bucket(slot).first) bucket = &rt.table.bucket(slot);
        REQUIRE(bucket != nullptr);
        int go[2];
        REQUIRE(pipe(go) == 0);
        const pid_t child = fork();
        if (child == 0) {
            char byte = 0;
            host.segment->enter(kSlot);
            if (read(go[0], &byte, 1) == 1) host.call(m, "t_suspend");  // comes as far as the lock
            _exit(0);
        }
        REQUIRE(child > 0);
        REQUIRE(bucket->mutex.lock() == shm::RobustMutex::Taken::clean);
        REQUIRE(write(go[1], "g", 1) == 1);
        pollfd taken{.fd = go[0], .events = POLLIN, .revents = 0};
        for (int i = 0; i < 20000 && blocks() != 3; ++i) (void)poll(&taken, 1, 1);
        CHECK(blocks() == 3);  // the suspension, its state, and its branch
        REQUIRE(kill(child, SIGKILL) == 0);
        REQUIRE(waitpid(child, nullptr, 0) == child);
        bucket->mutex.unlock();
        close(go[0]);
        close(go[1]);
        CHECK(host.segment->recover(kSlot) == 3);
        CHECK(blocks() == 0);
        host.call(m, "t_reply", {200, "OK"sv});
    });
    host.start();
    host.receive(Request("MESSAGE").branch("z9hG4bKdies").str());
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    host.advance(Ms(40000));
    CHECK(host.leaks().empty());
}

}  // namespace fairlead::test
