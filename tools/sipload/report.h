// The result of a run, for people and as JSON. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tools/sipload/stats.h"

namespace fairlead::sipload {

struct Report {
    Stats uac;
    Stats uas;
    double seconds = 0;            ///< that were measured
    std::uint64_t units = 0;       ///< completed in them
    double cpu_microseconds = -1;  ///< per unit; negative: not asked for
    bool answers_only = false;

    [[nodiscard]] std::uint64_t failed() const { return uac.failed; }
    [[nodiscard]] std::uint64_t violations() const {
        return uac.order_violations + uas.order_violations;
    }
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string json() const;
};

}  // namespace fairlead::sipload
