// Blocks, slabs and size classes: the part of the allocator that lives in shared memory.
//
//   slab:  | Slab | Block payload | Block payload | ... |      one chunk of the mapping
//
// A block's header is the truth about it; free lists are made from headers and can be made again.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/shm/ptr.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/size_class.h"

namespace fairlead::shm {

enum class BlockState : std::uint8_t {
    free,     ///< in its slab's list; changes only under the lock of its class
    cached,   ///< in the private cache of the holder
    in_hand,  ///< allocated, not yet reachable from a shared structure: freed with the holder
    shared,   ///< allocated and reachable
};

/// What a header says, in one word, so that every change of state is one store.
struct BlockInfo {
    BlockState state{};
    std::uint8_t holder = 0;  ///< process slot, for cached and in_hand
    std::uint16_t tag = 0;
    std::uint32_t size = 0;  ///< as asked for

    [[nodiscard]] constexpr std::uint64_t pack() const noexcept {
        return static_cast<std::uint64_t>(state) | std::uint64_t{holder} << 8 |
               std::uint64_t{tag} << 16 | std::uint64_t{size} << 32;
    }
    [[nodiscard]] static constexpr BlockInfo unpack(std::uint64_t word) noexcept {
        return {static_cast<BlockState>(word & 0xff), static_cast<std::uint8_t>(word >> 8),
                static_cast<std::uint16_t>(word >> 16), static_cast<std::uint32_t>(word >> 32)};
    }
    [[nodiscard]] constexpr bool is_used() const noexcept {
        return state == BlockState::in_hand || state == BlockState::shared;
    }
};

struct Slab;

/// Sixteen bytes before every payload.
struct alignas(16) Block {
    static constexpr std::uint16_t kMagic = 0xfa1d;

    std::atomic<std::uint64_t> word;
    std::uint32_t slab_offset;  ///< from the slab to here
    std::uint16_t magic;
    std::uint8_t size_class;
    std::uint8_t unused;

    [[nodiscard]] BlockInfo info() const noexcept {
        return BlockInfo::unpack(word.load(std::memory_order_relaxed));
    }
    void set(BlockInfo info) noexcept { word.store(info.pack(), std::memory_order_release); }
    [[nodiscard]] void* payload() noexcept { return this + 1; }
    /// Link of the list that a free or cached block is in.
    [[nodiscard]] Block*& next() noexcept { return *reinterpret_cast<Block**>(this + 1); }
    [[nodiscard]] Slab* slab() noexcept {
        return reinterpret_cast<Slab*>(reinterpret_cast<char*>(this) - slab_offset);
    }
    [[nodiscard]] static Block* of(void* payload) noexcept {
        return static_cast<Block*>(payload) - 1;
    }
};
static_assert(sizeof(Block) == 16);

/// A chunk cut into blocks of one class. `next` chains all slabs of the class and is always valid,
/// whenever a process dies; the rest is rebuilt from it and from the headers.
struct alignas(16) Slab {
    Ptr<Slab> next, previous;
    Ptr<Slab> next_partial, previous_partial;  ///< those with free blocks
    Block* free = nullptr;
    std::uint32_t free_count = 0;
    std::uint32_t total = 0;
    std::uint32_t stride = 0;
    bool in_partial = false;
    std::uint64_t bytes = 0;  ///< of the chunk

    [[nodiscard]] Block* block(std::uint32_t n) noexcept {
        return reinterpret_cast<Block*>(reinterpret_cast<char*>(this + 1) +
                                        std::size_t{n} * stride);
    }
};

/// Makes a slab of free blocks in a chunk of `bytes`; it is not yet part of a class.
[[nodiscard]] Slab* format_slab(char* chunk, std::size_t bytes, std::size_t size_class,
                                std::size_t payload) noexcept;

/// All slabs of one size. Calls need `mutex` (through Guard) unless they say otherwise.
struct SizeClass {
    RobustMutex mutex;
    Ptr<Slab> all, partial;
    Ptr<std::atomic<std::uint64_t>> out;  ///< bytes not in free lists, read without lock
    std::atomic<std::uint32_t> empty;     ///< slabs without a used block, read without lock

    void init(std::atomic<std::uint64_t>* out_bytes) noexcept;
    /// Takes up to `wanted` free blocks, marks them cached by `slot`, links them by next().
    Block* take(std::size_t wanted, std::size_t& got, std::uint8_t slot) noexcept;
    /// Puts one block back. Returns its slab when that is wholly free.
    Slab* give(Block* block) noexcept;
    void adopt(Slab* slab) noexcept;
    /// Takes a slab out of the class; the caller gives the chunk back.
    void drop(Slab* slab) noexcept;

    /// Rebuilds back links, free lists and sums from the chain of slabs and the headers.
    void repair() noexcept;

private:
    void push_partial(Slab* slab) noexcept;
    void drop_partial(Slab* slab) noexcept;
};

}  // namespace fairlead::shm
