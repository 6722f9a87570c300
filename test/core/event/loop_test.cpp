// The loop: descriptors, timers, signals, batches, and what a forked child may do with it.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/loop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <vector>

#include "core/event/fd.h"

using namespace fairlead;

namespace {

struct Reader final : Watcher, BatchEnd {
    Wakeup* wakeup = nullptr;
    Loop* loop = nullptr;
    Watch* drop = nullptr;
    int calls = 0, batches = 0, calls_at_batch = 0;
    Ms first{0}, second{0};

    void ready(int) noexcept override {
        ++calls;
        if (wakeup != nullptr) wakeup->drain();
        if (loop != nullptr) {
            first = loop->clock().now();
            ::usleep(3000);
            second = loop->clock().now();
        }
        if (drop != nullptr) drop->reset();
    }
    void batch_done() noexcept override {
        ++batches;
        calls_at_batch = calls;
    }
};

struct Task final : TimerTask {
    Loop& loop;
    int calls = 0, stop_at;
    Task(Loop& l, int stop) : loop(l), stop_at(stop) {}
    void expired() noexcept override {
        if (++calls == stop_at) loop.stop();
    }
};

struct Signals final : SignalHandler {
    std::vector<int> seen;
    void signalled(int number) noexcept override { seen.push_back(number); }
};

}  // namespace

TEST_CASE("a wake-up from another process runs the watcher once", "[event]") {
    Wakeup wakeup = Wakeup::create().value();
    Loop loop;
    Reader reader;
    reader.wakeup = &wakeup;
    Watch watch = loop.watch(wakeup.fd(), Loop::Interest::readable, reader);
    REQUIRE(watch);
    const pid_t pid = ::fork();
    if (pid == 0) {
        wakeup.notify();
        wakeup.notify();
        ::_exit(0);
    }
    ::waitpid(pid, nullptr, 0);
    CHECK(loop.run_once(true));
    CHECK(reader.calls == 1);
    loop.run_once(false);
    CHECK(reader.calls == 1);
}

TEST_CASE("the batch ends after all ready handlers, on one clock reading", "[event]") {
    Loop loop;
    Wakeup a = Wakeup::create().value(), b = Wakeup::create().value();
    Reader one, two;
    one.wakeup = &a;
    two.wakeup = &b;
    one.loop = &loop;
    Watch first = loop.watch(a.fd(), Loop::Interest::readable, one);
    Watch second = loop.watch(b.fd(), Loop::Interest::readable, two);
    loop.at_end_of_batch(one);
    loop.at_end_of_batch(two);
    a.notify();
    b.notify();
    loop.run_once(true);
    CHECK(one.batches == 1);
    CHECK(one.calls_at_batch == 1);
    CHECK(two.calls_at_batch == 1);
    CHECK(one.first == one.second);
    const Ms before = SystemClock().now();
    CHECK(loop.clock().now() >= before);  // outside a batch it is the time of the call
    CHECK(loop.clock().unix_seconds() > 1'600'000'000);
}

TEST_CASE("the clock moves from batch to batch", "[event]") {
    Loop loop;
    Wakeup a = Wakeup::create().value();
    Reader reader;
    reader.wakeup = &a;
    reader.loop = &loop;
    Watch watch = loop.watch(a.fd(), Loop::Interest::readable, reader);
    a.notify();
    loop.run_once(true);
    const Ms earlier = reader.first;
    a.notify();
    loop.run_once(true);
    CHECK(reader.first >= earlier + Ms(3));
}

TEST_CASE("a watch may be dropped in its own handler, paused and resumed", "[event]") {
    Loop loop;
    Wakeup a = Wakeup::create().value();
    Reader reader;
    Watch watch = loop.watch(a.fd(), Loop::Interest::readable, reader);
    a.notify();  // never drained: ready as long as it is watched
    watch.pause();
    loop.run_once(false);
    CHECK(reader.calls == 0);
    watch.resume();
    loop.run_once(true);
    loop.run_once(true);
    CHECK(reader.calls == 2);
    reader.drop = &watch;
    loop.run_once(true);
    CHECK_FALSE(watch);
    loop.run_once(false);
    CHECK(reader.calls == 3);
}

TEST_CASE("timers: periodic ones go on, single ones do not", "[event]") {
    Loop loop;
    Task every(loop, 3), once(loop, -1);
    Watch a = loop.every(Ms(2), every);
    Watch b = loop.after(Ms(1), once);
    loop.run();
    CHECK(every.calls == 3);
    CHECK(once.calls == 1);
}

TEST_CASE("run ends when nothing is watched", "[event]") {
    Loop loop;
    loop.run();
    CHECK_FALSE(loop.run_once(true));
}

TEST_CASE("signals arrive as events", "[event]") {
    Loop loop;
    Signals signals;
    Watch usr1 = loop.on_signal(SIGUSR1, signals);
    Watch usr2 = loop.on_signal(SIGUSR2, signals);
    ::raise(SIGUSR2);
    loop.run_once(true);
    ::raise(SIGUSR1);
    loop.run_once(true);
    CHECK(signals.seen == std::vector<int>{SIGUSR2, SIGUSR1});
    loop.abandon();
    sigset_t mask;
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGUSR1) == 0);
}

TEST_CASE("a child that abandons the loop does not disturb its parent's", "[event]") {
    Wakeup wakeup = Wakeup::create().value();
    Loop loop;
    Reader reader;
    reader.wakeup = &wakeup;
    Watch watch = loop.watch(wakeup.fd(), Loop::Interest::readable, reader);
    const pid_t pid = ::fork();
    if (pid == 0) {
        loop.abandon();
        watch.reset();
        ::_exit(loop.run_once(false) ? 1 : 0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
    wakeup.notify();
    loop.run_once(false);
    CHECK(reader.calls == 1);
}
