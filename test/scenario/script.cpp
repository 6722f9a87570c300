// Reading scenario files. SPDX-License-Identifier: Apache-2.0
#include "test/scenario/script.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fairlead::test {

namespace {

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

/// Everything up to the line "end", with its line breaks.
std::string read_block(std::istream& in, std::size_t& number) {
    std::string text, line;
    while (std::getline(in, line)) {
        ++number;
        if (line == "end") return text;
        text += line + "\n";
    }
    throw std::runtime_error("config without end");
}

}  // namespace

std::vector<Command> read_scenario(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot be read");
    std::vector<Command> commands;
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string::npos || line[first] == '#') continue;
        if (first > 0) {
            if (commands.empty()) throw std::runtime_error("begins with an indented line");
            commands.back().details.push_back({number, line.substr(first)});
            continue;
        }
        commands.push_back({number, split(line), {}});
        if (line == "config") {
            const std::size_t begin = number + 1;
            commands.back().details.push_back({begin, read_block(in, number)});
        }
    }
    return commands;
}

}  // namespace fairlead::test
