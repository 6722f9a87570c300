// A waiting run as bytes: it comes back as it was, and no other bytes do harm.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <memory>

#include "modules/cpl/luggage.h"

using namespace fairlead::cpl;

namespace {

std::unique_ptr<Run> waiting() {
    auto run = std::make_unique<Run>();
    run->owner = "anna@example.test";
    run->script = "the bytes of a script";
    run->source_hash = 0x1234567890abcdef;
    run->request_uri = "sip:anna@example.test";
    run->time = 1709726400;
    run->mode = Mode::force_stateful;
    State& s = run->state;
    s.node = 77;
    s.best = 486;
    s.earlier = 404;
    s.waiting = State::Waiting::proxy;
    s.recursions = 1;
    s.invites = 2;
    s.notes = 3;
    s.changed = s.lost = true;
    CHECK(s.locations.add(run->script,
                          {.uri = "sip:a@b.test",
                           .priority = 300,
                           .received = "sip:192.0.2.1",
                           .path = "<sip:p.test;lr>",
                           .flags = 5,
                           .listener = 2},
                          LocationSet::Standing::offered));
    CHECK(s.locations.add_constant(run->script, 4, 5, 1000));
    return run;
}

}  // namespace

TEST_CASE("cpl: a waiting run comes back as it was") {
    const auto run = waiting();
    const std::string bytes = pack(*run, 16384);
    CHECK(bytes.size() < 250);
    const auto back = unpack(bytes);
    REQUIRE(back);
    CHECK(back->owner == run->owner);
    CHECK(back->script == run->script);
    CHECK(back->source_hash == run->source_hash);
    CHECK(back->request_uri == run->request_uri);
    CHECK(back->time == run->time);
    CHECK(back->mode == run->mode);
    CHECK(back->resumed);
    const State &a = run->state, &b = back->state;
    CHECK(
        (a.node == b.node && a.best == b.best && a.earlier == b.earlier && a.waiting == b.waiting));
    CHECK((a.recursions == b.recursions && a.invites == b.invites && a.notes == b.notes));
    CHECK((a.changed == b.changed && a.proxied == b.proxied && a.lost == b.lost));
    const Contact first = b.locations.contact(back->script, 0);
    CHECK(first.uri == "sip:a@b.test");
    CHECK(first.priority == 300);
    CHECK(first.received == "sip:192.0.2.1");
    CHECK(first.path == "<sip:p.test;lr>");
    CHECK(first.flags == 5);
    CHECK(first.listener == 2);
    CHECK(b.locations.count(LocationSet::Standing::offered) == 1);
    CHECK(b.locations.contact(back->script, 1).uri == "bytes");
}

TEST_CASE("cpl: a script without room is left out; what is too much even then is refused") {
    const auto run = waiting();
    const std::string bytes = pack(*run, 16384);
    const std::string without = pack(*run, bytes.size() - 1);
    CHECK(without.size() == bytes.size() - run->script.size());
    CHECK(unpack(without)->script.empty());
    CHECK(pack(*run, without.size() - 1).empty());
}

TEST_CASE("cpl: other bytes are no run, or one that does no harm") {
    const std::string bytes = pack(*waiting(), 16384);
    CHECK_FALSE(unpack(""));
    CHECK_FALSE(unpack("CPLW"));
    for (std::size_t size = 0; size + waiting()->script.size() < bytes.size(); ++size)
        CHECK_FALSE(unpack(std::string_view(bytes).substr(0, size)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 0xff);
        const auto run = unpack(changed);
        if (!run) continue;
        for (std::size_t n = 0; n < 2; ++n)
            CHECK(run->state.locations.contact(run->script, n).uri.size() <= kLocationText);
    }
}
