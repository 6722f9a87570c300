// Which workers serve which listener: those of `children` all that have none of their own
// (`socket_workers`). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead::net {

/// Workers that serve the same listeners: `count` of them, > 0, from number `first` on.
struct Crew {
    std::uint16_t first = 0, count = 1;
    [[nodiscard]] bool contains(std::size_t worker) const noexcept {
        return worker >= first && worker - first < count;
    }
    friend bool operator==(const Crew&, const Crew&) = default;
};

/// Made before fork, never changed behind it. The common workers have the lowest numbers.
class Crews {
public:
    Crews() = default;
    /// `workers` > 0 serve every listener that is given to nobody else.
    explicit Crews(std::size_t workers)
        : common_{0, static_cast<std::uint16_t>(workers)}, workers_(workers) {}

    /// `workers` > 0 more. They serve what is given to them, and nothing else.
    Crew add(std::size_t workers) {
        const Crew crew{static_cast<std::uint16_t>(workers_), static_cast<std::uint16_t>(workers)};
        workers_ += workers;
        return crew;
    }
    void give(std::size_t listener, const Crew& crew) {
        if (listener >= given_.size()) given_.resize(listener + 1, common_);
        given_[listener] = crew;
    }

    [[nodiscard]] Crew of(std::size_t listener) const noexcept {
        return listener < given_.size() ? given_[listener] : common_;
    }
    [[nodiscard]] bool is_common(std::size_t worker) const noexcept {
        return common_.contains(worker);
    }
    /// Of all crews together.
    [[nodiscard]] std::size_t workers() const noexcept { return workers_; }

private:
    Crew common_;
    std::vector<Crew> given_;  ///< by listener
    std::size_t workers_ = 1;
};

}  // namespace fairlead::net
