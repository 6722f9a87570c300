// A scenario file as lines: what the runner walks through. docs/scenarios.md describes the
// language. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace fairlead::test {

/// One command with the indented lines below it.
struct Command {
    std::size_t line = 0;  ///< in the file, for messages
    std::vector<std::string> words;
    struct Detail {
        std::size_t line = 0;
        std::string text;
    };
    std::vector<Detail> details;
};

/// Comments (#) and empty lines are gone, except in `config … end`, whose text comes as one detail.
/// Throws std::runtime_error with the line.
[[nodiscard]] std::vector<Command> read_scenario(const std::string& path);

}  // namespace fairlead::test
