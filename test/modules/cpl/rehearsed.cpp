// The dry run as tests use it. SPDX-License-Identifier: Apache-2.0
#include "test/modules/cpl/rehearsed.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "modules/cpl/compile.h"

namespace fairlead::cpl::test {

Instant instant(std::string_view text) {
    const auto parsed = parse_instant(text);
    REQUIRE(parsed);
    return *parsed;
}

std::vector<std::string> split(const std::string& line, char by) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, by);) fields.push_back(field);
    return fields;
}

std::string compiled(std::string_view xml) {
    Faults faults;
    auto bytes = compile(xml, {}, faults);
    INFO(faults.str());
    REQUIRE(bytes);
    return std::move(*bytes);
}

}  // namespace fairlead::cpl::test
