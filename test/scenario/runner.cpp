// Plays the scenario files that it is given; each is one test. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <exception>

#include "test/scenario/player.h"

int main(int argc, char** argv) {
    int failed = 0;
    for (int i = 1; i < argc; ++i) {
        try {
            fairlead::test::Player().play(fairlead::test::read_scenario(argv[i]));
            fmt::print("ok   {}\n", argv[i]);
        } catch (const std::exception& e) {
            fmt::print("FAIL {}:{}\n", argv[i], e.what());
            ++failed;
        }
    }
    return failed == 0 ? 0 : 1;
}
