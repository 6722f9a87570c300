// Tests of core/base/arena: strings survive until reset, the first chunk is kept.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/arena.h"

#include <string>

#include <catch2/catch.hpp>

using namespace fairlead;

TEST_CASE("what is put into an arena stays until reset") {
    Arena arena(64);
    std::vector<std::string_view> kept;
    for (int i = 0; i < 100; ++i) kept.push_back(arena.concat({"text ", std::to_string(i)}));
    for (int i = 0; i < 100; ++i)
        CHECK(kept[static_cast<std::size_t>(i)] == "text " + std::to_string(i));
    arena.reset();
    CHECK(arena.used() == 0);
}

TEST_CASE("after reset the first chunk is used again") {
    Arena arena(1024);
    const char* first = arena.allocate(100);
    static_cast<void>(arena.allocate(5000));
    arena.reset();
    CHECK(arena.allocate(100) == first);
}
