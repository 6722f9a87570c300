// A server with one subscriber's script, and those who are called: calls go through the whole
// module, on the virtual clock. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/modules/cpl/situations.h"
#include "test/support/module_host.h"

namespace fairlead::cpl::test {

/// As a row of the table of situations has it; see Column.
using Row = std::vector<std::string>;
/// Names, and numeric addresses in their place: nothing is resolved.
using Hosts = std::vector<std::pair<std::string_view, std::string_view>>;

[[nodiscard]] std::string with_addresses(std::string text, const Hosts& hosts);
/// "486" of "SIP/2.0 486 Busy Here" when only the number is wanted; "return" when the route goes
/// on.
[[nodiscard]] std::string outcome(const std::string& answer, const std::string& expected);
/// The value of Contact without < and >.
[[nodiscard]] std::string contacts(const std::string& answer);

struct World : fairlead::test::ModuleHost {
    /// "2024-03-06T12:00:00Z"; "": whenever.
    explicit World(const std::string& time);

    /// The script of anna; the first line of the answer.
    std::string upload(const std::string& xml);
    /// Plays the row's call to its end: `tried`, and the final answer in `answer`.
    void play(const Row& row, const Hosts& hosts = {});

    std::string answer, tried;
    bool has_waited = false;

private:
    /// What was sent at once is answered at once.
    void burst();
    void respond(const fairlead::test::Packet& packet);

    std::string direction_;
    std::map<std::string, std::string> answers_, asked_;
    std::deque<std::string> texts_;
    int calls_ = 0;
};

}  // namespace fairlead::cpl::test
