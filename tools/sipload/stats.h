// What a run counts. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "tools/sipload/histogram.h"

namespace fairlead::sipload {

struct Stats {
    std::uint64_t started = 0, completed = 0, failed = 0;
    std::uint64_t sent = 0, received = 0;
    std::uint64_t retransmitted = 0;     ///< sent again by us
    std::uint64_t repeats_received = 0;  ///< came again from the other side
    std::uint64_t late = 0;              ///< for a call that is over
    std::uint64_t unreadable = 0;        ///< not SIP, or of nobody's call
    std::uint64_t order_violations = 0;
    std::map<std::string, std::uint64_t> reasons;     ///< of failures
    std::map<std::string, std::uint64_t> violations;  ///< "180 after 200", …
    Histogram latency;  ///< request to final response, of what was measured

    void fail(const std::string& reason) {
        ++failed;
        ++reasons[reason];
    }
    void violate(const std::string& what) {
        ++order_violations;
        ++violations[what];
    }
};

}  // namespace fairlead::sipload
