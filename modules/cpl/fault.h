// What is wrong with a script, for the person who wrote it: place, rule and a sentence.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cpl {

struct Fault {
    int line = 0, column = 0;  ///< both from 1; 0 when it concerns the whole script
    std::string_view rule;     ///< the rule that is broken, a constant: "RFC 3880 4.1"
    std::string text;

    /// "3:5: text (RFC 3880 4.1)"
    [[nodiscard]] std::string str() const;
};

/// The first faults of a script, in the order in which they were found.
class Faults {
public:
    static constexpr std::size_t kMax = 20;

    void add(Fault fault) {
        if (all_.size() < kMax) all_.push_back(std::move(fault));
    }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    [[nodiscard]] const std::vector<Fault>& all() const noexcept { return all_; }
    /// One line each.
    [[nodiscard]] std::string str() const;

private:
    std::vector<Fault> all_;
};

}  // namespace fairlead::cpl
