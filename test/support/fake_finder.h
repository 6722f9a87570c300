// Next hops that are found when a test says so. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/api/next_hop.h"
#include "core/api/route_target.h"

namespace fairlead::test {

/// Questions have numbers from 1 on.
class FakeFinder final : public NextHopFinder {
public:
    explicit FakeFinder(const Net& net) : net_(net) {}
    std::optional<NextHops> find(const HopQuestion& question, HopWaiter& waiter, std::uint64_t tag,
                                 std::uint64_t& ticket) noexcept override {
        NextHops hops;
        const auto listed = known.find(std::string(question.uri));
        if (listed != known.end()) {
            for (const std::string& uri : listed->second) add(hops, uri);
            hops.count = std::min(hops.count, static_cast<std::uint8_t>(question.most));
            return hops;
        }
        if (const auto literal = resolve(net_, question.uri, 0, kNoListener)) {
            hops.targets[hops.count++] = *literal;
            return hops;
        }
        ticket = ++last;
        asked[ticket] = {&waiter, tag, std::string(question.uri)};
        return std::nullopt;
    }
    void cancel(std::uint64_t ticket) noexcept override { asked.erase(ticket); }
    void refuse(std::uint64_t ticket) noexcept override {
        ++refused;
        cancel(ticket);
    }
    [[nodiscard]] Ms deadline() const noexcept override { return Ms(2000); }
    [[nodiscard]] bool fails_over() const noexcept override { return fails; }

    /// None of which is an address: the name is not found.
    void answer(std::uint64_t ticket, const std::vector<std::string>& uris) {
        NextHops hops;
        for (const std::string& uri : uris) add(hops, uri);
        if (hops.count == 0) hops.error = ScriptError::bad_address;
        const Asked a = asked.at(ticket);
        asked.erase(ticket);
        a.waiter->found(a.tag, hops);
    }

    struct Asked {
        HopWaiter* waiter;
        std::uint64_t tag;
        std::string uri;
    };
    std::map<std::uint64_t, Asked> asked;
    std::uint64_t last = 0, refused = 0;
    bool fails = false;                                     ///< use_dns_failover
    std::map<std::string, std::vector<std::string>> known;  ///< the places of URIs known at once

private:
    void add(NextHops& hops, const std::string& uri) const {
        if (const auto target = resolve(net_, uri, 0, kNoListener))
            hops.targets[hops.count++] = *target;
    }
    const Net& net_;
};

}  // namespace fairlead::test
