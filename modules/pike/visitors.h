// How often each address asked, in shared memory. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/api/core.h"
#include "core/api/shm.h"

namespace fairlead::pike {

/// One address, in one period after another.
struct Visitor {
    using ShmSafe = void;
    Address ip;                ///< not set: the place is free
    std::uint32_t hits = 0;    ///< in the period in which it was seen last
    std::uint32_t before = 0;  ///< in the one before that
    bool is_blocked = false;
    Ms last{0};
};

/// Those whose addresses share some bits of a hash.
struct Place {
    using ShmSafe = void;
    static constexpr std::size_t kVisitors = 8;
    shm::RobustMutex mutex;
    /// What its owner was writing when it died cannot be told: all here begin anew.
    void repair() noexcept { visitors = {}; }
    std::array<Visitor, kVisitors> visitors;
};

struct House {
    using ShmSafe = void;
    static constexpr std::size_t kPlaces = 1024;
    std::array<Place, kPlaces> places;
};

/// A fixed number of addresses; the one that was seen longest ago makes room for a new one. No
/// timer looks after them: what a period was worth is found when its address comes again.
class Visitors {
public:
    struct Limits {
        Ms period{2000};
        std::uint32_t hits = 30;  ///< that a period may have
        Ms latency{120'000};      ///< behind the last hit the address is forgotten
    };
    enum class Seen : std::uint8_t { allowed, unblocked, newly_blocked, blocked };
    struct Entry {
        Address ip;
        std::uint32_t hits = 0, before = 0;
        bool is_blocked = false;
        Ms left{0};  ///< until it is forgotten
    };

    /// Before fork. False when there is no memory.
    [[nodiscard]] bool init(Core& core, const Limits& limits);
    /// Any process: one more request of this address. The port does not matter. `displaced` is set
    /// when another address that still counted made room.
    Seen count(const Address& source, Ms now, bool& displaced) noexcept;
    /// Those that are not forgotten, in no order.
    [[nodiscard]] std::vector<Entry> list(Ms now) const;

private:
    [[nodiscard]] Place& place_of(const Address& ip) const noexcept;
    void move_on(Visitor& v, Ms now) const noexcept;
    [[nodiscard]] bool is_forgotten(const Visitor& v, Ms now) const noexcept {
        return !v.ip.is_set() || now - v.last > limits_.latency;
    }

    Limits limits_;
    House* house_ = nullptr;
    std::uint64_t seed_ = 0;
};

}  // namespace fairlead::pike
