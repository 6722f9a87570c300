// pike: which requests are counted, when an address is blocked, and what pike.top says.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

/// Ten requests in two seconds, at the beginning of a period.
struct Flood : ModuleHost {
    explicit Flood(int limit = 10) {
        load("pike");
        param("pike", "reqs_density_per_unit", limit);
        param("pike", "remove_latency", 4);
        on_request([this](Message& m) { codes.push_back(call(m, "pike_check_req")); });
        start();
        advance(Ms(2000 - clock.now().count() % 2000));
    }
    /// What so many requests were answered.
    std::vector<int> from(std::string_view source, int count) {
        codes.clear();
        for (int i = 0; i < count; ++i) receive(Request("OPTIONS").str(), source);
        return codes;
    }
    std::string top(std::vector<Value> filter = {}) {
        return ask(engine(), "pike.top", std::move(filter));
    }
    std::vector<int> codes;
};

const std::vector<int> kTen(10, 1);

}  // namespace

TEST_CASE("an address is blocked when it sends more than it may, others are not") {
    Flood flood;
    CHECK(flood.from("192.0.2.1:5060", 10) == kTen);
    CHECK(flood.from("192.0.2.1:5070", 3) == std::vector<int>{-2, -1, -1});
    CHECK(flood.from("192.0.2.2:5060", 10) == kTen);
    CHECK(flood.from("[2001:db8::1]:5060", 11).back() == -2);
    CHECK(flood.from("[2001:db8::2]:5060", 10) == kTen);
    CHECK(flood.statistic("pike", "blocked_addresses") == 2);
    CHECK(flood.statistic("pike", "blocked_requests") == 4);
}

TEST_CASE("what is sent in two periods is not added up") {
    Flood flood;
    CHECK(flood.from("192.0.2.1:5060", 10) == kTen);
    flood.advance(Ms(2000));
    CHECK(flood.from("192.0.2.1:5060", 10) == kTen);
}

TEST_CASE("a blocked address is allowed again when a period had no more than it may") {
    Flood flood;
    CHECK(flood.from("192.0.2.1:5060", 20).back() == -1);
    flood.advance(Ms(2000));
    // And this is too much again.
    CHECK(flood.from("192.0.2.1:5060", 11) == std::vector<int>(11, -1));
    flood.advance(Ms(2000));
    CHECK(flood.from("192.0.2.1:5060", 10) == std::vector<int>(10, -1));
    flood.advance(Ms(2000));
    CHECK(flood.from("192.0.2.1:5060", 10) == kTen);
    CHECK(flood.from("192.0.2.1:5060", 1) == std::vector<int>{-2});
    flood.advance(Ms(4000));  // a whole period without any
    CHECK(flood.from("192.0.2.1:5060", 1) == std::vector<int>{1});
}

// Each process takes the time once for a batch of messages: a busy one lags behind.
TEST_CASE("a process whose clock is behind counts in the period of the others") {
    Flood flood;
    CHECK(flood.from("192.0.2.1:5060", 11).back() == -2);
    flood.clock.advance(Ms(-10));
    CHECK(flood.from("192.0.2.1:5060", 1) == std::vector<int>{-1});
    CHECK(flood.top().find("leaf_hits_curr: 12") != std::string::npos);
}

TEST_CASE("pike_check_ip counts the address that it is given") {
    ModuleHost host;
    host.load("pike");
    host.param("pike", "reqs_density_per_unit", 1);
    std::vector<int> codes;
    host.on_request([&](Message& m) {
        for (const auto ip : {"192.0.2.9"sv, "2001:db8::9"sv, "192.0.2.9"sv, "no address"sv, ""sv})
            codes.push_back(host.call(m, "pike_check_ip", {ip}));
        codes.push_back(host.call(m, "pike_check_req"));
    });
    host.start();
    host.receive(Request("OPTIONS").str(), "192.0.2.1:5060");
    CHECK(codes == std::vector<int>{1, 1, -2, 1, 1, 1});
}

TEST_CASE("pike.top lists addresses by what they send") {
    Flood flood;
    CHECK(flood.top() == "{max_hits: 10, list: [], number_of_rows: 0}");
    flood.from("192.0.2.1:5060", 3);
    flood.from("192.0.2.2:5060", 7);
    flood.from("192.0.2.3:5060", 12);
    flood.advance(Ms(1000));
    const std::string cold = R"({ip_addr: "192.0.2.1", leaf_hits_prev: 0, leaf_hits_curr: 3, )"
                             R"(expires: 3, status: ""})";
    const std::string warm = R"({ip_addr: "192.0.2.2", leaf_hits_prev: 0, leaf_hits_curr: 7, )"
                             R"(expires: 3, status: "WARM"})";
    const std::string hot = R"({ip_addr: "192.0.2.3", leaf_hits_prev: 0, leaf_hits_curr: 12, )"
                            R"(expires: 3, status: "HOT"})";
    CHECK(flood.top() == "{max_hits: 10, list: [" + hot + "], number_of_rows: 1}");
    CHECK(flood.top({Value("warm")}) == "{max_hits: 10, list: [" + warm + "], number_of_rows: 1}");
    CHECK(flood.top({Value("ALL")}) ==
          "{max_hits: 10, list: [" + hot + ", " + warm + ", " + cold + "], number_of_rows: 3}");
    CHECK(ask(flood.engine(), "pike.list", {Value("ALL")}) == flood.top({Value("ALL")}));
    CHECK(flood.top({Value("COLD")}) == "error 500 Bad argument. Select: ALL, HOT or WARM");
    // A period later these are what it had before, and in the end nobody is known.
    flood.advance(Ms(1000));
    CHECK(flood.top().find("leaf_hits_prev: 12, leaf_hits_curr: 0") != std::string::npos);
    flood.advance(Ms(2000));
    CHECK(flood.top().find("list: []") != std::string::npos);
    CHECK(flood.top({Value("ALL")}).find("number_of_rows: 3") != std::string::npos);
    flood.advance(Ms(1000));
    CHECK(flood.top({Value("ALL")}) == "{max_hits: 10, list: [], number_of_rows: 0}");
}

TEST_CASE(
    "addresses beyond those that have room displace the oldest, not those that keep sending") {
    Flood flood;
    CHECK(flood.from("192.0.2.1:5060", 11).back() == -2);
    int n = 0;
    while (flood.statistic("pike", "displaced_addresses") < 1000) {
        const int third = ++n / 250, fourth = n % 250;
        REQUIRE(third < 250);
        (void)flood.from("10.0." + std::to_string(third) + "." + std::to_string(fourth) + ":5060",
                         1);
        if (n % 100 == 0) {
            flood.advance(Ms(10));
            flood.from("192.0.2.1:5060", 11);
        }
    }
    CHECK(n > 4000);
    CHECK(flood.from("192.0.2.1:5060", 1) == std::vector<int>{-1});
}
