// A dry run: a script on a described call in a described world. Plays the server to the machine and
// says which way the script took. No I/O. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/command.h"
#include "modules/cpl/machine.h"

namespace fairlead::cpl {

class DescribedCall final : public Call {
public:
    std::map<Fact, std::string> facts;
    Instant at = 0;

    [[nodiscard]] std::optional<std::string_view> fact(Fact which) const override {
        const auto found = facts.find(which);
        return found == facts.end() ? std::nullopt : std::optional<std::string_view>(found->second);
    }
    [[nodiscard]] Instant time() const override { return at; }
};

/// What is around the call.
struct World {
    struct Registration {
        std::string uri;
        std::uint16_t priority = 1000;
    };
    std::vector<Registration> registered;        ///< of the script's owner
    std::map<std::string, std::string> answers;  ///< by host: "486", "ring", "302 URI", others 404
    bool lookup_fails = false;
};

struct Rehearsal {
    struct Step {
        Target node = kAbsent;
        std::optional<std::size_t> output;  ///< of switches, lookup and proxy
    };
    std::string outcome;   ///< "return", "486 Busy Here", "302", "fault"
    std::string tried;     ///< hosts: "a+b>c", + at the same time, > one after the other
    std::string contacts;  ///< of a 3xx
    std::vector<std::string> notes;
    std::vector<int> timeouts;  ///< of the attempts
    std::vector<Step> path;
};

/// From the first step to the end. Between steps the state is packed and unpacked, as it would be
/// between processes.
[[nodiscard]] Rehearsal rehearse(std::string_view script, const DescribedCall& call,
                                 Direction direction, const World& world,
                                 const Policy& policy = {});

/// "2024-03-06T12:00:00Z"
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);

/// A call and its world in words, one `name=value` each: from, to, uri (what the Request-URI is),
/// time (parse_instant), header ("Subject: x"), registered ("sip:anna@desk.test 0.5"), answer
/// ("desk.test=486"), lookup=fails. The first word may be incoming or outgoing. `now` is the time
/// unless one is given. The error names the word that cannot be read.
struct Situation {
    Direction direction = Direction::incoming;
    DescribedCall call;
    World world;
};
[[nodiscard]] Result<Situation> parse_situation(std::span<const std::string_view> words,
                                                Instant now);

/// The path, a line for each node: what it is, and by which output it was left.
[[nodiscard]] std::vector<std::string> path_lines(std::string_view script,
                                                  const Rehearsal& rehearsal);
/// The path and the outcome, for people.
[[nodiscard]] std::string report(std::string_view script, const Rehearsal& rehearsal);

}  // namespace fairlead::cpl
