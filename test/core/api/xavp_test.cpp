// XAVPs: lists, sets, and the form in which a transaction keeps them.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/avp.h"

#include <catch2/catch.hpp>
#include <string>

#include "core/api/message.h"

using namespace fairlead;

namespace {

std::string kept(const Message& m) {
    std::string out(m.kept_size(), '?');
    if (!out.empty()) m.keep(out.data());
    return out;
}

}  // namespace

TEST_CASE("a new entry hides the older ones of its name") {
    Arena arena;
    Xavps x(arena);
    CHECK(x.empty());
    x.add(x.roots(), "a", 1);
    x.add(x.roots(), "b", std::string_view("x"));
    x.add(x.roots(), "a", 2);
    x.append(x.roots(), "a", 3);
    CHECK(x.count(*x.roots(), "a") == 3);
    CHECK(x.find(*x.roots(), "a")->value.integer() == 2);
    CHECK(x.find(*x.roots(), "a", 1)->value.integer() == 1);
    CHECK(x.find(*x.roots(), "a", -1)->value.integer() == 3);
    CHECK(x.find(*x.roots(), "a", 3) == nullptr);
    CHECK(x.find(*x.roots(), "a", -4) == nullptr);
    CHECK(x.find(*x.roots(), "A") == nullptr);
    Xavps::remove(x.roots(), x.find(*x.roots(), "a", 1));
    CHECK(x.find(*x.roots(), "a", 1)->value.integer() == 3);
    x.remove_all(x.roots(), "a");
    CHECK(x.count(*x.roots(), "a") == 0);
    CHECK(x.find(*x.roots(), "b")->value.string() == "x");
}

TEST_CASE("names without case") {
    Arena arena;
    Xavps x(arena, Xavps::Names::without_case);
    x.add(x.roots(), "WhatEver", 1);
    CHECK(x.find(*x.roots(), "whatever") != nullptr);
}

TEST_CASE("a copy of a set does not follow the original") {
    Arena arena;
    Xavps x(arena);
    Xavp* const from = x.add_set(x.roots(), "from");
    Xavp* const inner = x.add_set(&from->fields, "inner");
    x.add(&inner->fields, "f", 1);
    Xavp* const to = x.add(x.roots(), "to", 5);
    x.assign(to, *from);
    x.assign(x.find(inner->fields, "f"), 2);
    x.add(&from->fields, "new", 3);
    REQUIRE(to->is_set);
    CHECK(x.count(to->fields, "new") == 0);
    CHECK(x.find(x.find(to->fields, "inner")->fields, "f")->value.integer() == 1);
}

TEST_CASE("a message's variables come back from the form that a transaction keeps") {
    Arena arena, other;
    Message m(arena);
    CHECK(m.kept_size() == 0);
    m.avps.add("avp", 1);
    Xavp* const set = m.xavps.add_set(m.xavps.roots(), "set");
    m.xavps.add(&set->fields, "n", INT64_MIN);
    m.xavps.add(&set->fields, "s", std::string_view("a\0b", 3));
    m.xavps.add(&m.xavps.add_set(&set->fields, "deep")->fields, "", Value());
    m.xavus.add(m.xavus.roots(), "u", std::string_view("v"));
    m.xavis.add(m.xavis.roots(), "Mixed", 7);
    m.advertised_host = "sip.example.com";
    m.advertised_port = 5099;
    m.via_params = ";srvid=7";
    m.add_local_rport = true;
    std::string bytes = kept(m);

    Message again(other);
    again.xavps.add(again.xavps.roots(), "old", 1);
    REQUIRE(again.load_kept(bytes));
    CHECK(kept(again) == bytes);
    bytes.assign(bytes.size(), '?');
    CHECK(again.avps.get("avp").integer() == 1);
    Xavp* const back = again.xavps.find(*again.xavps.roots(), "set");
    REQUIRE(back != nullptr);
    CHECK(again.xavps.find(back->fields, "n")->value.integer() == INT64_MIN);
    CHECK(again.xavps.find(back->fields, "s")->value.string() == std::string_view("a\0b", 3));
    CHECK(again.xavps.find(back->fields, "deep")->fields->value.is_null());
    CHECK(again.xavps.find(*again.xavps.roots(), "old") == nullptr);
    CHECK(again.xavis.find(*again.xavis.roots(), "mixed")->value.integer() == 7);
    CHECK(again.advertised_host == "sip.example.com");
    CHECK(again.advertised_port == 5099);
    CHECK(again.via_params == ";srvid=7");
    CHECK(again.add_local_rport);
    Received from;
    again.reset(from, Ms{0});
    CHECK(again.kept_size() == 0);
}

TEST_CASE("what is no kept form is refused") {
    Arena arena;
    Message m(arena);
    m.avps.add("avp", 1);
    Xavp* const set = m.xavps.add_set(m.xavps.roots(), "set");
    m.xavps.add(&set->fields, "n", 1);
    const std::string bytes = kept(m);
    Message again(arena);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO(size);
        CHECK_FALSE(again.load_kept(std::string_view(bytes).substr(0, size)));
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string bad = bytes;
        bad[at] = '\x7f';
        (void)again.load_kept(bad);  // a name or a number may be different, but it reads no more
    }
    // Sets inside of sets without end.
    Xavp* inside = set;
    for (int i = 0; i < Xavps::kMaxDepth; ++i) inside = m.xavps.add_set(&inside->fields, "x");
    CHECK_FALSE(again.load_kept(kept(m)));
}
