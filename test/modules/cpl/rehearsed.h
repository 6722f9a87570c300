// The dry run as tests use it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "modules/cpl/rehearsal.h"

namespace fairlead::cpl::test {

/// "2024-03-06T12:00:00Z"; ends the test case when it is something else.
Instant instant(std::string_view text);
std::vector<std::string> split(const std::string& line, char by);

/// The bytes of a valid script; ends the test case with the faults of another one.
std::string compiled(std::string_view xml);

}  // namespace fairlead::cpl::test
