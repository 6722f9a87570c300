// How long a long configuration takes to compile, and how many statements run in a second. Run by
// hand on an optimised build: not a test. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "test/cfg/script_host.h"

using namespace fairlead;

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::string long_configuration(int lines) {
    std::string out = "request_route { route(R0); }\n";
    for (int route = 0; route * 10 < lines; ++route) {
        out += fmt::format(
            "route[R{}] {{\n    if ($rm == \"INVITE\" && src_ip != 10.0.0.0/8) {{\n"
            "        $var(a) = $var(a) + {};\n        quiet(\"from $rm $(rm{{s.len}})\");\n"
            "    }} else if ($rm =~ \"^OPT[A-Z]*{}$\") {{\n        say(\"x\");\n    }}\n"
            "    switch ($var(a)) {{ case 1: exit; default: break; }}\n    return 1;\n}}\n",
            route, route, route % 50);
    }
    return out;
}

void compile_time() {
    const std::string text = long_configuration(5000);
    double best = 1e9;
    for (int i = 0; i < 10; ++i) {
        test::ScriptHost host;
        const auto begin = Clock::now();
        if (!host.compile(text)) std::abort();
        best = std::min(best, milliseconds_since(begin));
    }
    std::printf("compile %ld lines: %.1f ms\n",
                static_cast<long>(std::count(text.begin(), text.end(), '\n')), best);
}

void statements(const char* what, std::string_view body, int count) {
    test::ScriptHost host;
    host.run(body);
    double best = 1e9;
    constexpr int kRuns = 20'000;
    for (int round = 0; round < 10; ++round) {
        const auto begin = Clock::now();
        for (int i = 0; i < kRuns; ++i) {
            host.arena.reset();
            host.run_again();
        }
        best = std::min(best, milliseconds_since(begin));
    }
    std::printf("%-28s %6.1f million statements/s\n", what, kRuns * count / best / 1000);
}

}  // namespace

int main() {
    compile_time();
    statements("assignments of integers", "$var(a) = 1; $var(a) = 2 + 3; $var(b) = $var(a);", 3);
    statements("comparisons", "if ($rm == \"INVITE\") exit; if (method == \"X\") exit;", 2);
    statements("function with a format", "quiet(\"a $rm b\"); quiet(\"c\");", 2);
    statements("regular expressions", "if ($rm =~ \"^INV\") exit; if ($rm =~ \"^REG\") exit;", 2);
}
