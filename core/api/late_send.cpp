// Messages that wait for their place. SPDX-License-Identifier: Apache-2.0
#include "core/api/late_send.h"

namespace fairlead {

ScriptError LateSends::send(NextHopFinder& finder, HopQuestion question, std::string_view bytes) {
    if (finder.fails_over()) question.most = NextHops::kMost;
    const std::uint64_t tag = next_++;
    std::uint64_t ticket = 0;
    const auto hops = finder.find(question, *this, tag, ticket);
    if (hops) return send(*hops, bytes);
    if (waiting_.size() >= kMost) {
        finder.refuse(ticket);
        return ScriptError::bad_address;
    }
    waiting_.emplace(tag, bytes);
    return ScriptError::none;
}

ScriptError LateSends::send(const NextHops& hops, std::string_view bytes) noexcept {
    for (const Target& target : hops.list())
        if (net_.send(target, bytes) == Sent::queued) return ScriptError::none;
    return hops.count == 0 ? hops.error : ScriptError::send;
}

void LateSends::found(std::uint64_t tag, const NextHops& hops) noexcept {
    const auto node = waiting_.extract(tag);
    if (!node.empty()) (void)send(hops, node.mapped());  // nobody is there any more to be told
}

}  // namespace fairlead
