// The table of situations: scripts, calls and their outcomes. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace fairlead::cpl::test {

enum Column : std::size_t {
    kFile,
    kValid,
    kWhy,
    kKind,
    kFrom,
    kRequestUri,
    kTo,
    kTime,
    kHeader,
    kRegistered,
    kAnswers,
    kTried,
    kExpected,
    kContacts,
    kColumns
};

/// Rows of kColumns texts each.
std::vector<std::vector<std::string>> situations();
/// The bytes of a script of the table; ends the test case when there is none.
std::string read_script(const std::string& name);

}  // namespace fairlead::cpl::test
