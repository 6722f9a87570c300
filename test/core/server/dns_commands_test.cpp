// Commands about DNS: what they change in the cache, and the shapes of their answers.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/server/dns_service.h"
#include "core/server/facts.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

struct Fixture {
    Fixture() {
        host.start();
        REQUIRE(service.prepare(*host.segment, *host.counters));
        facts.dns = &service;
        host.engine().set_facts(facts);
    }
    std::string run(std::string_view command, std::vector<Value> arguments = {}) {
        return RecordedCall(std::move(arguments)).run(host.engine(), command);
    }
    ModuleHost host;
    server::DnsService service{{}, host.net};
    server::Facts facts;
};

}  // namespace

TEST_CASE("records are added by hand and seen") {
    Fixture f;
    CHECK(f.run("dns.view").empty());
    CHECK(f.run("dns.add_a", {"Host.example"sv, 300, "192.0.2.1"sv, 0}).empty());
    CHECK(f.run("dns.add_a", {"host.example"sv, 300, "192.0.2.2"sv, 0}).empty());
    const std::string view = f.run("dns.view");
    CHECK(view.starts_with("{name: \"host.example\", type: \"A\", size_bytes: "));
    CHECK(view.ends_with(
        ", reference_counter: 1, permanent: \"no\", expires: 300, last_used: 0, "
        "negative_entry: \"no\", records: ["
        "{rr_idx: 0, rr_ip: \"192.0.2.1\", rr_permanent: \"no\", rr_expires: 300}, "
        "{rr_idx: 1, rr_ip: \"192.0.2.2\", rr_permanent: \"no\", rr_expires: 300}]}"));
    f.host.clock.advance(Ms(10'000));
    CHECK(f.run("dns.debug").ends_with(" 1 290 10 0"));
    CHECK(f.run("dns.debug_all").ends_with(" 1 290 10 0 \"ip\" \"192.0.2.2\" 290"));
    CHECK(f.run("dns.mem_info").ends_with(" 512000"));
    CHECK(f.run("dns.delete_a", {"HOST.example"sv}).empty());
    CHECK(f.run("dns.delete_a", {"host.example"sv}) == "error 400 Not found");
    CHECK(f.run("dns.mem_info") == "0 512000");
}

TEST_CASE("services, entries for ever, and entries that say no") {
    Fixture f;
    CHECK(f.run("dns.add_srv", {"_sip._udp.a.example"sv, 60, 1, 2, 5070, "host.example"sv, 2})
              .empty());
    CHECK(f.run("dns.view")
              .find("permanent: \"yes\", expires: 0, last_used: 0, negative_entry: "
                    "\"no\", records: [{rr_idx: 0, rr_name: \"host.example\", "
                    "rr_port: 5070, rr_priority: 1, rr_weight: 2, rr_permanent: "
                    "\"yes\", rr_expires: 0}]}") != std::string::npos);
    CHECK(f.run("dns.delete_all") == "{status: \"ok\"}");
    CHECK_FALSE(f.run("dns.view").empty());
    CHECK(f.run("dns.delete_all_force") == "{status: \"ok\"}");
    CHECK(f.run("dns.view").empty());
    CHECK(f.run("dns.add_aaaa", {"six.example"sv, 60, "2001:db8::1"sv, 1}).empty());
    CHECK(f.run("dns.view").ends_with("negative_entry: \"yes\"}"));
}

TEST_CASE("what cannot be added or asked") {
    Fixture f;
    const std::string large(65536, 'x');
    const std::string refused = "error 400 Failed to add the entry to the cache";
    CHECK(f.run("dns.add_a", {"host.example"sv, 300, "2001:db8::1"sv, 0}) == refused);
    CHECK(f.run("dns.add_aaaa", {"host.example"sv, 300, "192.0.2.1"sv, 0}) == refused);
    CHECK(f.run("dns.add_a", {"host example"sv, 300, "192.0.2.1"sv, 0}) == refused);
    CHECK(f.run("dns.add_a", {"host.example"sv, -1, "192.0.2.1"sv, 0}) == refused);
    CHECK(f.run("dns.add_a", {std::string_view(large), 1, "192.0.2.1"sv, 0}) == refused);
    CHECK(f.run("dns.lookup", {"XX"sv, "host.example"sv}) == "error 400 Invalid type");
    CHECK(f.run("dns.lookup", {"A"sv, "host example"sv}) == "error 400 Not found");
    server::Facts none;
    f.host.engine().set_facts(none);
    CHECK(f.run("dns.view") == "error 400 dns cache support disabled");
}

TEST_CASE("what had no room to wait is counted") {
    Fixture f;
    CHECK(f.host.statistic("dns", "waits_refused") == 0);
    f.service.refuse(1);
    CHECK(f.host.statistic("dns", "waits_refused") == 1);
}
