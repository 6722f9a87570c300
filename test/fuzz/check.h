// What a fuzzer expects of the code under test; a failure ends the process, which is how the
// fuzzing engine learns of it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace fairlead::fuzz {

inline void check(bool good, const char* what,
                  std::source_location at = std::source_location::current()) {
    if (good) return;
    std::fprintf(stderr, "%s:%u: %s\n", at.file_name(), at.line(), what);
    std::abort();
}

}  // namespace fairlead::fuzz
