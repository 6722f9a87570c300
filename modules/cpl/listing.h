// A compiled script in words: its nodes with their outputs, and the whole of it as a text for
// people. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "modules/cpl/script.h"

namespace fairlead::cpl {

/// A node, and where it leads to: a switch by its conditions in order and then "otherwise", lookup
/// and proxy by their named outputs in the order of their fields, all others by one output without
/// a name or by none.
struct NodeText {
    struct Output {
        std::string name;
        Target target = kAbsent;
    };
    Op op = Op::reject;
    std::string title;  ///< "location sip:anna@desk.test (priority 0.5)"
    std::vector<Output> outputs;
};

/// Nullopt when there is no node at that place, or a broken one.
[[nodiscard]] std::optional<NodeText> describe_node(const Script& script, Target at);

/// The nodes that more than one output leads to (subactions), in the order of the bytes backwards,
/// which is that of a run. Pieces of text that name a node by a number count from 1 in this list.
[[nodiscard]] std::vector<Target> shared_nodes(const Script& script);

/// What the script does, as indented lines.
[[nodiscard]] std::string explain(const Script& script);

/// "daily from 2024-03-04 09:00:00 for 8 h, on MO TU WE, until …"
[[nodiscard]] std::string describe_rule(const Rule& rule);

}  // namespace fairlead::cpl
