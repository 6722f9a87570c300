// The table of transactions in shared memory: buckets, each with its own lock.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/api/shm.h"
#include "modules/tm/match.h"
#include "modules/tm/transaction.h"

namespace fairlead::tm {

/// A list of cells. Linking and unlinking are one store each, so a process that dies between two
/// instructions leaves a whole list.
struct Bucket {
    using ShmSafe = void;
    shm::RobustMutex mutex;
    shm::Ptr<Cell> first;
    std::uint32_t next_label;
    std::uint32_t count;
    /// The list is whole; the count may be one off. What the dead process did to a cell is finished
    /// or undone by the process that takes its place (recovery.h).
    void repair() noexcept;
};

/// Made before fork; the same address in every process.
class Table {
public:
    /// `size` is rounded up to a power of two.
    [[nodiscard]] bool init(shm::Segment& memory, std::size_t size, std::uint64_t seed) noexcept;

    [[nodiscard]] Bucket& bucket(std::uint32_t hash) const noexcept {
        return buckets_[hash & mask_];
    }
    [[nodiscard]] std::uint32_t slot_of(std::uint32_t hash) const noexcept { return hash & mask_; }
    [[nodiscard]] std::size_t size() const noexcept { return std::size_t{mask_} + 1; }

    /// Transactions that are in a bucket, and that were ever made in it. Takes its lock.
    struct Load {
        std::uint32_t current = 0, total = 0;
    };
    [[nodiscard]] Load load(std::uint32_t slot) const noexcept;

    // Under the bucket's lock. Cells that are dead are never found, those that are our own only by
    // their label.
    [[nodiscard]] static Cell* find(const Bucket& b, const RequestKey& key,
                                    sip::Method method) noexcept;
    /// The INVITE answered with a 2xx that this ACK belongs to.
    [[nodiscard]] static Cell* find_accepted(const Bucket& b, const RequestKey& ack) noexcept;
    [[nodiscard]] static Cell* find(const Bucket& b, std::uint32_t label) noexcept;
    static void link(Bucket& b, Cell& c) noexcept;
    static void unlink(Bucket& b, Cell& c) noexcept;

private:
    Bucket* buckets_ = nullptr;
    std::uint32_t mask_ = 0;
    std::uint64_t seed_ = 0;
};

}  // namespace fairlead::tm
