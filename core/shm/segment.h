// The shared-memory segment: one anonymous mapping made before the first fork, and its allocator.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/shm/ptr.h"

namespace fairlead::shm {

inline constexpr std::size_t kMaxProcesses = 256;  ///< process slots, the supervisor's is 0

/// Who owns a block: a module and a type, as in "tm:transaction". Given out before fork.
struct Tag {
    std::uint16_t id = 0;
};

/// Whether a block is already reachable from a shared structure. A block that is `in_hand` belongs
/// to the process that allocated it until publish(); if that process dies first, recover() frees
/// it.
enum class Hold : std::uint8_t { published, in_hand };

struct Usage {  ///< one line of `shm.top`
    std::string tag;
    std::size_t blocks = 0;
    std::size_t bytes = 0;  ///< as asked for, without headers and rounding
};
struct Totals {
    std::size_t size = 0;      ///< the whole segment
    std::size_t used = 0;      ///< blocks in use, with headers and rounding
    std::size_t in_slabs = 0;  ///< taken from the mapping for size classes, in use or not
    std::size_t blocks = 0;
};

/// One per server. Made by the supervisor; workers inherit the mapping at the same address and the
/// object by fork. Above Boost.Interprocess, which hands out big chunks, blocks come from size
/// classes with a small cache per process, so that the common allocation takes no lock. Every block
/// has a header with its tag, its state and its holder; the headers are the truth from which caches
/// and free lists are rebuilt when a process dies inside the allocator.
class Segment {
public:
    /// Maps `bytes` (rounded up to 1 MiB). Fails when the system refuses the mapping.
    [[nodiscard]] static Result<std::unique_ptr<Segment>> create(std::size_t bytes);
    ~Segment();
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    /// Before fork only. The same names give the same tag.
    [[nodiscard]] Tag tag(std::string_view module, std::string_view type);

    /// Each process, right after fork (the supervisor: at creation, slot 0).
    void enter(std::uint16_t process_slot) noexcept;
    /// In the supervisor, after `process_slot` was reaped and before it is forked again: frees the
    /// blocks it held, returns its cache to the shared lists, completes what it left half done.
    /// Returns how many blocks it held in hand. Look at damaged() afterwards.
    std::size_t recover(std::uint16_t process_slot) noexcept;

    /// Null when the segment is full: an ordinary result, to be handled at every call.
    /// Alignment 16.
    [[nodiscard]] void* allocate(std::size_t bytes, Tag tag, Hold hold = Hold::published) noexcept;
    /// The block now belongs to a shared structure. Call right after linking it.
    void publish(void* block) noexcept;
    /// Null is allowed.
    void free(void* block) noexcept;

    template <ShmSafe T, class... A>
    [[nodiscard]] T* make(Tag t, Hold hold = Hold::published, A&&... args) noexcept {
        static_assert(alignof(T) <= 16, "blocks are aligned to 16 bytes");
        void* const block = allocate(sizeof(T), t, hold);
        return block != nullptr ? ::new (block) T{std::forward<A>(args)...} : nullptr;
    }
    /// A copy of `bytes`; null when full or when `bytes` is empty.
    [[nodiscard]] char* copy(std::string_view bytes, Tag t, Hold hold = Hold::published) noexcept;

    /// True above the high-water mark (85 % of the segment): new work is refused, work in progress
    /// goes on. Cheap enough to be asked for every message.
    [[nodiscard]] bool under_pressure() const noexcept;

    /// True when a process died inside the manager of the mapping (a window of some hundred
    /// nanoseconds per 64 KiB handed out), which nobody can repair: the supervisor must end all
    /// processes and start again with a new segment. Until then what is in use stays usable, and
    /// allocation goes on as far as free lists reach. Any process.
    [[nodiscard]] bool damaged() const noexcept;

    /// The whole mapping, in bytes.
    [[nodiscard]] std::size_t size() const noexcept;

    /// Exact, by walking all block headers; any process, takes milliseconds.
    [[nodiscard]] Totals totals() const;
    [[nodiscard]] std::vector<Usage> top() const;  ///< by bytes, most first

    /// Makes the n-th allocation of this process from now fail, once (tests); 0 turns it off.
    void fail_nth(std::uint64_t n) noexcept;

private:
    struct Impl;
    explicit Segment(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::shm
