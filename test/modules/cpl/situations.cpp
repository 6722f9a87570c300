// The table of situations. SPDX-License-Identifier: Apache-2.0
#include "test/modules/cpl/situations.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fairlead::cpl::test {

std::string read_script(const std::string& name) {
    std::ifstream file(FAIRLEAD_CPL_DATA "/scripts/" + name + ".xml", std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::vector<std::string>> situations() {
    std::ifstream file(FAIRLEAD_CPL_DATA "/situations.tsv");
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#') || line.starts_with("file\t")) continue;
        std::istringstream in(line);
        auto& row = rows.emplace_back();
        for (std::string field; std::getline(in, field, '\t');) row.push_back(field);
        row.resize(kColumns);
    }
    return rows;
}

}  // namespace fairlead::cpl::test
