// What stored CPL scripts cost: memory of each, and CPU time of compiling, of storing, and of
// look-up and run, which is what a call costs more than one without CPL. `cpl_bench [scripts]
// [runs]`. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "modules/cpl/compile.h"
#include "modules/cpl/luggage.h"
#include "modules/cpl/rehearsal.h"
#include "modules/cpl/store.h"
#include "test/support/module_host.h"

namespace {

using namespace fairlead;

std::int64_t cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Colleagues ring the desk in office hours and then the mobile; all others get voicemail.
std::string script(std::size_t n) {
    return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?>
<cpl xmlns="urn:ietf:params:xml:ns:cpl">
  <subaction id="voicemail"><location url="sip:user{0}@voicemail.example.com"><redirect/></location></subaction>
  <incoming>
    <address-switch field="origin" subfield="host">
      <address subdomain-of="example.com">
        <time-switch tzid="Europe/Vienna">
          <time dtstart="20240101T080000" duration="PT10H" freq="weekly" byday="MO,TU,WE,TH,FR">
            <location url="sip:user{0}@desk.example.com">
              <proxy timeout="10"><busy><sub ref="voicemail"/></busy><noanswer>
                <location url="sip:user{0}@mobile.example.com"><proxy/></location></noanswer></proxy>
            </location>
          </time>
          <otherwise><sub ref="voicemail"/></otherwise>
        </time-switch>
      </address>
      <otherwise><sub ref="voicemail"/></otherwise>
    </address-switch>
  </incoming>
</cpl>
)",
                       n);
}

std::size_t number(int argc, char** argv, int at, std::size_t otherwise) {
    std::size_t n = otherwise;
    if (at < argc) std::from_chars(argv[at], argv[at] + std::string_view(argv[at]).size(), n);
    return n;
}

void print(std::string_view what, std::int64_t spent, std::size_t count) {
    fmt::print("{:<34} {:>9.2f} us\n", what,
               static_cast<double>(spent) / 1000.0 / static_cast<double>(count));
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t scripts = number(argc, argv, 1, 100000);
    const std::size_t runs = number(argc, argv, 2, 200000);
    test::ModuleHost host((std::size_t{scripts} * 2560) + (64 << 20));
    host.on_request([](Message&) {});
    host.start();
    cpl::SharedStore store;
    shm::Counter stored;
    if (!store.prepare(host.engine(), 20, stored)) return EXIT_FAILURE;

    const auto before = host.memory_in_use();
    // Each is stored on its own, but only so many are compiled: that takes longest.
    struct Both {
        std::string xml, compiled;
    };
    std::vector<Both> different;
    const std::size_t most = std::min<std::size_t>(scripts, 10000);
    std::int64_t at = cpu_ns();
    for (std::size_t n = 0; n < most; ++n) {
        cpl::Faults faults;
        const std::string xml = script(scripts - most + n);
        auto compiled = cpl::compile(xml, {}, faults);
        if (!compiled) return EXIT_FAILURE;
        different.push_back({xml, std::move(*compiled)});
    }
    const std::int64_t compiling = cpu_ns() - at;
    std::size_t bytes = 0, xml_bytes = 0;
    at = cpu_ns();
    for (std::size_t n = 0; n < scripts; ++n) {
        const auto& [xml, compiled] = different[n % most];
        if (!store.save(fmt::format("user{}", n), xml, compiled)) {
            fmt::print(stderr, "no room for script {}\n", n);
            return EXIT_FAILURE;
        }
        bytes += compiled.size();
        xml_bytes += xml.size();
    }
    const std::int64_t storing = cpu_ns() - at;
    const auto after = host.memory_in_use();

    cpl::DescribedCall call;
    call.facts = {{cpl::Fact::from, "\"Bob\" <sip:bob@pc.example.com>;tag=1"},
                  {cpl::Fact::to, "<sip:anna@example.com>"},
                  {cpl::Fact::request_uri, "sip:anna@example.com"}};
    call.at = 1709719200;  // a Wednesday morning
    const cpl::Policy policy;
    cpl::Zones zones;
    Arena arena;
    std::size_t proxied = 0, luggage = 0;
    const std::int64_t begin = cpu_ns();
    for (std::size_t i = 0, n = 0; i < runs; ++i) {
        n = (n + 7919) % scripts;  // far apart, so that no cache of the processor helps
        const auto found = store.get(fmt::format("user{}", n), cpl::Store::Form::compiled, arena);
        const auto script = found ? cpl::Script::trusted(*found) : std::nullopt;
        if (!script) return EXIT_FAILURE;
        cpl::Run run{.script = *found};
        cpl::Machine machine(*script, call, policy, zones, run.state);
        proxied += machine.start(cpl::Direction::incoming).kind == cpl::Action::Kind::proxy;
        luggage += cpl::pack(run, 16384).size();
        arena.reset();
    }
    const std::int64_t spent = cpu_ns() - begin;
    if (proxied != runs) return EXIT_FAILURE;
    fmt::print("{} scripts of {} bytes, {} compiled\n", scripts, xml_bytes / scripts,
               bytes / scripts);
    print("compiling", compiling, most);
    print("storing", storing, scripts);
    print("look-up, run and packing", spent, runs);
    fmt::print("{:<34} {:>9} bytes\n", "shared memory of each",
               (after.used - before.used) / scripts);
    fmt::print("{:<34} {:>9} bytes\n", "luggage of a waiting run", luggage / runs);
    return EXIT_SUCCESS;
}
