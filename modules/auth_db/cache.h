// Subscribers in shared memory: what a table of the database has, so that no worker waits for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "core/api/shm.h"

namespace fairlead::auth_db {

/// One row; its texts lie one behind the other.
struct Entry {
    using ShmSafe = void;
    static constexpr std::size_t kTexts = 16;

    shm::Ptr<Entry> next;
    shm::Ptr<char> bytes;
    std::uint32_t hash = 0;
    std::uint32_t round = 0;  ///< of reading in which the row was last there
    std::array<std::uint16_t, kTexts> sizes{};

    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t all = 0;
        for (const std::uint16_t s : sizes) all += s;
        return all;
    }
    [[nodiscard]] std::string_view key() const noexcept { return {bytes.get(), sizes[0]}; }
};

/// One table. All calls but prepare() in any process; put() and sweep() in one at a time.
class Cache {
public:
    /// Before fork.
    Result<void> prepare(Core& core);

    /// The texts of a row behind its key, in `arena`; nullopt when there is none.
    [[nodiscard]] std::optional<std::vector<std::string_view>> find(std::string_view key,
                                                                    Arena& arena) const;
    /// The first text is the key. A key that was there in this round stays as it was. False when
    /// memory is full or a text too long.
    bool put(std::span<const std::string_view> texts, std::uint32_t round);
    /// Removes rows that were not there in this round.
    void sweep(std::uint32_t round);

private:
    static constexpr std::size_t kBuckets = 4096, kChunk = 16;
    struct Bucket {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::Ptr<Entry> first;
        /// The chain changes by one store each; at most a row that was being removed is lost.
        void repair() noexcept {}
    };
    struct Chunk {
        using ShmSafe = void;
        std::array<Bucket, kChunk> buckets;
    };
    [[nodiscard]] static std::uint32_t hash(std::string_view key) noexcept;
    [[nodiscard]] Bucket& bucket(std::size_t i) const noexcept {
        return chunks_[i / kChunk]->buckets[i % kChunk];
    }
    void discard(Entry* entry) const noexcept;
    [[nodiscard]] Entry* make(std::span<const std::string_view> texts, std::uint32_t hash,
                              std::uint32_t round) const;

    Core* core_ = nullptr;
    std::vector<Chunk*> chunks_;
    shm::Tag entry_tag_, text_tag_;
};

}  // namespace fairlead::auth_db
