// Bindings in shared memory when a process dies while it changes them. SPDX-License-Identifier:
// Apache-2.0
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

#include "modules/usrloc/table.h"
#include "test/modules/registrar/users.h"
#include "test/support/one_cpu.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr std::uint16_t kSlot = 9;

usrloc::Contact contact(std::string_view uri, std::uint32_t cseq, std::int16_t q) {
    usrloc::Contact c;
    c.uri = uri;
    c.call_id = "call";
    c.cseq = cseq;
    c.q = q;
    c.expires = 2'000'000'000;
    return c;
}

/// Two bindings become others: one moves by its q, one is added, one ends.
void change(usrloc::Table& table) {
    usrloc::Table::Ruids ruids{"new-", 0};
    Arena arena;
    std::vector<usrloc::Happening> happened;
    const std::vector<usrloc::Change> changes{{contact("sip:1@h", 2, 900), false},
                                              {contact("sip:3@h", 2, 100), false},
                                              {contact("sip:2@h", 2, 0), true}};
    (void)table.save("anna", changes, {}, ruids, arena, happened);
}

/// Runs `change` in a process that is killed behind `most` instructions; how many it did, fewer
/// when it had ended.
long killed_after(ModuleHost& host, usrloc::Table& table, long most) {
    const OneCpu together;
    const pid_t child = ::fork();
    if (child == 0) {
        host.segment->enter(kSlot);
        (void)::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        (void)::raise(SIGSTOP);
        change(table);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    bool alive = WIFSTOPPED(status);
    long n = 0;
    for (; alive && n < most; ++n) {
        (void)::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
        alive = ::waitpid(child, &status, 0) == child && WIFSTOPPED(status);
    }
    if (alive) {
        (void)::kill(child, SIGKILL);
        (void)::waitpid(child, &status, 0);
    }
    host.segment->recover(kSlot);
    return n;
}

}  // namespace

TEST_CASE("a process killed anywhere inside save() leaves whole bindings and no lock") {
    constexpr long kDeaths = 12;  // single steps cost
    Users users;
    users.start();
    long whole = 0;
    for (long death = 0; death <= kDeaths; ++death) {
        usrloc::Table table("location", {});
        REQUIRE(table.prepare(users.engine()));
        Arena arena;
        std::vector<usrloc::Happening> happened;
        usrloc::Table::Ruids ruids{"old-", 0};
        const std::vector<usrloc::Change> first{{contact("sip:1@h", 1, 500), false},
                                                {contact("sip:2@h", 1, 400), false}};
        REQUIRE(table.save("anna", first, {}, ruids, arena, happened).added == 2);
        // The first lives to the end and tells how long that is.
        const long most = death == 0 ? std::numeric_limits<long>::max() : whole * death / kDeaths;
        const long steps = killed_after(users, table, most);
        if (death == 0) whole = steps;
        // Each binding is there once, as it was or as it was to be.
        const auto found = table.contacts("anna", arena, false);
        const auto counts = table.counts();
        std::size_t ones = 0;
        for (const usrloc::Contact& c : found) {
            if (c.uri == "sip:1@h") {
                ++ones;
                const bool is_old = c.q == 500 && c.cseq == 1, is_new = c.q == 900 && c.cseq == 2;
                CHECK((is_old || is_new));
                CHECK(c.ruid == "old-1");
            }
        }
        CHECK(ones == 1);
        CHECK(counts.contacts == found.size());
        CHECK(counts.records == 1);
        // And the table works: what was begun can be done.
        change(table);
        CHECK(table.contacts("anna", arena, false).size() == 2);
    }
    CHECK(whole > 10 * kDeaths);
}
