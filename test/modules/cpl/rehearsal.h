// Runs a script on a described call in a described world: plays the server to the machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/cpl/machine.h"

namespace fairlead::cpl::test {

/// "2024-03-06T12:00:00Z"
Instant instant(std::string_view text);
std::vector<std::string> split(const std::string& line, char by);

class FakeCall final : public Call {
public:
    std::map<Fact, std::string> facts;
    Instant at = 0;

    std::optional<std::string_view> fact(Fact which) const override {
        const auto found = facts.find(which);
        return found == facts.end() ? std::nullopt : std::optional<std::string_view>(found->second);
    }
    Instant time() const override { return at; }
};

struct World {
    struct Registration {
        std::string uri;
        std::uint16_t priority;
    };
    std::vector<Registration> registered;
    std::map<std::string, std::string> answers;  ///< by host: "486", "ring", "302 URI"
    bool lookup_fails = false;
};

/// What became of the call, in words: "return", "486 Busy Here", "302", "fault".
struct Result {
    std::string outcome;
    std::string tried;     ///< "a+b>c"
    std::string contacts;  ///< of a 3xx
    std::vector<std::string> notes;
    std::vector<int> timeouts;  ///< of the attempts
};

/// From the first step to the end. Between steps the state is moved to other memory, as it would be
/// between processes.
Result rehearse(std::string_view script, const FakeCall& call, Direction direction,
                const World& world, const Policy& policy = {});

/// The bytes of a valid script; ends the test case with the faults of another one.
std::string compiled(std::string_view xml);

}  // namespace fairlead::cpl::test
