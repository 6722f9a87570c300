// Branches whose next hop is a name that is being looked up: the branch waits, its script does not.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>

#include "core/api/next_hop.h"
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// The questions of one process. The branch is in shared memory, open and without a request
/// (Branch::waits), with all that it needs to be sent (Itinerary). Should this process die, the one
/// that takes its place asks again.
class LateBranches final : HopWaiter {
public:
    explicit LateBranches(Runtime& rt) noexcept : rt_(rt) {}

    /// The places, when they are known at once. Else nullopt: the branch `own`, which the caller
    /// links with an itinerary, waits under `tag`, and is sent when they are known. No lock is
    /// held.
    [[nodiscard]] std::optional<NextHops> find(const HopQuestion& question, const OwnBranch& own,
                                               std::uint64_t& tag) noexcept;
    /// The branch was not linked after all. 0 is none.
    void drop(std::uint64_t tag) noexcept;
    /// Asks once more for a branch that is linked and waits.
    void ask_again(const OwnBranch& own) noexcept;
    /// Sends a branch whose place is known (next_place.h).
    void go_on(const OwnBranch& own) noexcept;

    static constexpr std::size_t kMost = 1000;  ///< then no more is made (bad_address, counted)

private:
    struct Waiting {
        OwnBranch own;
        std::uint64_t ticket = 0;
    };
    void found(std::uint64_t tag, const NextHops& hops) noexcept override;
    void go_on(const OwnBranch& own, const NextHops& hops) noexcept;

    Runtime& rt_;
    std::map<std::uint64_t, Waiting> waiting_;
    std::uint64_t next_ = 1;
};

}  // namespace fairlead::tm
