// Every script of the table is uploaded to the module, and every situation is a call through it:
// what it sends, and when, on the virtual clock. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#include "test/modules/cpl/world.h"
#include "test/support/message_builder.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace fairlead::cpl::test;

namespace {

/// Names of those who are called, and addresses in their place: nothing is resolved. In the order
/// of the names, in which the table writes what rings at once.
const Hosts kHosts = {{"desk.example.net", "198.51.100.1"},
                      {"home.example.net", "198.51.100.2"},
                      {"mobile.example.net", "198.51.100.3"},
                      {"rec.example.net", "198.51.100.4"},
                      {"vm.example.net", "198.51.100.5"}};

}  // namespace

TEST_CASE("cpl: every script of the table is taken or refused by the module") {
    World server("");
    std::string before;
    int taken = 0, refused = 0;
    for (const Row& row : situations()) {
        if (row[kFile] == before) continue;
        before = row[kFile];
        INFO(row[kFile] << ": " << row[kWhy]);
        const std::string line = server.upload(read_script(row[kFile]));
        const bool valid = row[kValid] == "yes";
        CHECK(line == (valid ? "SIP/2.0 200 OK" : "SIP/2.0 400 Bad CPL script"));
        if (!valid) CHECK(header(server.answer, "Warning").value_or("").starts_with("399 "));
        ++(valid ? taken : refused);
    }
    CHECK(taken == 67);
    CHECK(refused == 76);
    CHECK(server.statistic("cpl", "scripts") == 1);
}

TEST_CASE("cpl: every situation of the table is a call through the module") {
    setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe): one thread
    tzset();
    int seen = 0;
    std::unique_ptr<World> server;  // one for several rows while its time is theirs
    std::string time;
    for (const Row& row : situations()) {
        if (row[kValid] != "yes") continue;
        if (server == nullptr || server->has_waited || row[kTime] != time)
            server = std::make_unique<World>(row[kTime]);
        World& world = *server;
        time = row[kTime];
        INFO(row[kFile] << ": " << row[kWhy] << "; from " << row[kFrom] << " at " << row[kTime]
                        << ' ' << row[kHeader] << ' ' << row[kAnswers]);
        REQUIRE(world.upload(with_addresses(read_script(row[kFile]), kHosts)) == "SIP/2.0 200 OK");
        world.play(row, kHosts);
        CHECK(outcome(world.answer, row[kExpected]) == row[kExpected]);
        CHECK(world.tried == with_addresses(row[kTried], kHosts));
        if (!row[kContacts].empty())
            CHECK(contacts(world.answer) == with_addresses(row[kContacts], kHosts));
        CHECK(world.statistic("cpl", "failed") == 0);
        ++seen;
    }
    CHECK(seen == 163);
}
