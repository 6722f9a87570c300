// When a busy worker lets datagrams gather.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/gather.h"

#include <catch2/catch.hpp>

using fairlead::net::Gather;
using namespace std::chrono_literals;

namespace {

/// What wait() says after `datagrams` came in the 10 ms before.
Gather::Duration after(Gather& gather, Gather::Time& now, int datagrams) {
    for (int i = 0; i < datagrams; ++i) gather.count();
    now += 10ms;
    return gather.wait(now);
}

}  // namespace

TEST_CASE("datagrams gather only when two or more come within a pause") {
    Gather gather(300us);
    Gather::Time now{1h};
    (void)gather.wait(now);
    CHECK(after(gather, now, 0) == 0us);
    CHECK(after(gather, now, 1) == 0us);
    CHECK(after(gather, now, 66) == 0us);  // 1.98 a pause
    CHECK(after(gather, now, 67) == 300us);
    CHECK(after(gather, now, 1000) == 300us);
    CHECK(after(gather, now, 66) == 0us);
}

TEST_CASE("a burst in the past does not delay a lone datagram") {
    Gather gather(300us);
    Gather::Time now{1h};
    (void)gather.wait(now);
    REQUIRE(after(gather, now, 1000) == 300us);
    now += 1s;
    gather.count();
    CHECK(gather.wait(now) == 0us);
}

TEST_CASE("the answer stays the same within a window of measurement") {
    Gather gather(300us);
    Gather::Time now{1h};
    (void)gather.wait(now);
    REQUIRE(after(gather, now, 1000) == 300us);
    now += 1ms;
    CHECK(gather.wait(now) == 300us);
    now += 4ms;
    CHECK(gather.wait(now) == 0us);
}

TEST_CASE("a pause of 0 never waits") {
    Gather gather(0us);
    Gather::Time now{1h};
    (void)gather.wait(now);
    CHECK(after(gather, now, 100'000) == 0us);
}
