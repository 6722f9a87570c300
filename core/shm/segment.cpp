// The allocator: private caches above size classes above the mapping.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/segment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/log.h"
#include "core/shm/mapping.h"
#include "core/shm/size_class.h"
#include "core/shm/slab.h"

namespace fairlead::shm {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 31;

struct Control {
    std::array<SizeClass, kClasses + 1> classes;
    /// Per class, side by side, so that under_pressure() reads few cache lines.
    alignas(64) std::array<std::atomic<std::uint64_t>, kClasses + 1> out;
    /// The chunk that a process is making a slab of, which recover() gives back. Cleared just
    /// before the slab joins its class: a death between these two stores loses the chunk, where the
    /// other order could give it back twice.
    std::array<std::atomic<char*>, kMaxProcesses> growing;
};

/// A stack of blocks that this process may take without a lock; the headers say "cached".
struct Cache {
    Block* top = nullptr;
    std::uint32_t count = 0;
    std::uint32_t limit = 0;
};

}  // namespace

struct Segment::Impl {
    std::unique_ptr<Mapping> mapping;
    Control* control = nullptr;
    std::vector<std::string> tags{"(none)"};  // set before fork
    std::array<Cache, kClasses> caches{};     // from here on private to the process
    std::size_t slab_bytes = 0;
    std::uint64_t high_water = 0;
    std::uint64_t fail_in = 0;
    unsigned pressure_age = 0;  // calls until the sum is made again; 0 after own changes
    bool pressure = false;
    pid_t pid = 0;
    std::uint8_t slot = 0;

    Block* take_slowly(std::size_t index) noexcept;
    Block* refill(std::size_t index) noexcept;
    Block* grow(std::size_t index) noexcept;
    Block* borrow_larger(std::size_t index) noexcept;
    Block* keep_rest(std::size_t index, Block* list, std::size_t count) noexcept;
    void give_back(std::size_t index, std::size_t count) noexcept;
    void flush_caches() noexcept;
    void release_empty_slabs() noexcept;
    Block* take_large(std::size_t bytes) noexcept;
    void free_large(Block* block) noexcept;
    std::size_t recover_class(std::size_t index, std::uint8_t dead) noexcept;
    struct SlabNote {
        const Block* first;
        std::uint32_t total, stride;
        std::uint64_t bytes;
    };
    static bool note_slabs(SizeClass& size_class, std::vector<SlabNote>& notes);
    template <class F>
    void each_block(F&& f);
};

// ---- Taking ------------------------------------------------------------------------------------

/// Gives the first of `list` to the caller and puts the others into the cache.
Block* Segment::Impl::keep_rest(std::size_t index, Block* list, std::size_t count) noexcept {
    if (list == nullptr) return nullptr;
    Cache& cache = caches[index];
    cache.top = list->next();
    cache.count = static_cast<std::uint32_t>(count - 1);
    return list;
}

Block* Segment::Impl::refill(std::size_t index) noexcept {
    pressure_age = 0;
    SizeClass& size_class = control->classes[index];
    std::size_t got = 0;
    Guard guard(size_class);
    Block* const list = size_class.take(caches[index].limit / 2 + 1, got, slot);
    guard.unlock();
    return keep_rest(index, list, got);
}

/// Adds a slab to the class and takes from it. The manager's lock and the class lock are not held
/// together, so that the one that cannot be repaired is held as briefly as possible.
Block* Segment::Impl::grow(std::size_t index) noexcept {
    const std::size_t payload = class_size(index), stride = sizeof(Block) + payload;
    std::size_t count = std::max<std::size_t>(4, (slab_bytes - sizeof(Slab)) / stride);
    char* chunk = nullptr;
    for (; count > 0 && chunk == nullptr; count /= 4) {
        const std::size_t bytes = sizeof(Slab) + count * stride;
        chunk = mapping->allocate(bytes);
        if (chunk == nullptr) continue;
        control->growing[slot].store(chunk, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        Slab* const slab = format_slab(chunk, bytes, index, payload);
        SizeClass& size_class = control->classes[index];
        std::size_t got = 0;
        Guard guard(size_class);
        control->growing[slot].store(nullptr, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        size_class.adopt(slab);
        Block* const list = size_class.take(caches[index].limit / 2 + 1, got, slot);
        guard.unlock();
        return keep_rest(index, list, got);
    }
    return nullptr;
}

/// When nothing can grow: a block of a class up to twice as large, of which some may be free.
Block* Segment::Impl::borrow_larger(std::size_t index) noexcept {
    for (std::size_t larger = index + 1; larger < std::min(index + 9, kClasses); ++larger) {
        std::size_t got = 0;
        SizeClass& size_class = control->classes[larger];
        Guard guard(size_class);
        if (Block* const block = size_class.take(1, got, slot)) return block;
    }
    return nullptr;
}

Block* Segment::Impl::take_slowly(std::size_t index) noexcept {
    if (Block* const block = refill(index)) return block;
    if (Block* const block = grow(index)) return block;
    // Full: memory that lies free in other classes goes back to the mapping first.
    flush_caches();
    release_empty_slabs();
    if (Block* const block = refill(index)) return block;
    if (Block* const block = grow(index)) return block;
    return borrow_larger(index);
}

/// A chunk of its own. In the class from the start, as cached by this process, so that recover()
/// finds it.
Block* Segment::Impl::take_large(std::size_t bytes) noexcept {
    pressure_age = 0;
    const std::size_t payload = (bytes + 15) / 16 * 16;
    const std::size_t needed = sizeof(Slab) + sizeof(Block) + payload;
    char* chunk = mapping->allocate(needed);
    if (chunk == nullptr) {
        flush_caches();
        release_empty_slabs();
        chunk = mapping->allocate(needed);
        if (chunk == nullptr) return nullptr;
    }
    control->growing[slot].store(chunk, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    Slab* const slab = format_slab(chunk, needed, kLargeClass, payload);
    SizeClass& large = control->classes[kLargeClass];
    std::size_t got = 0;
    Guard guard(large);
    control->growing[slot].store(nullptr, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    large.adopt(slab);
    return large.take(1, got, slot);  // free blocks of this class exist only here, under the lock
}

// ---- Giving back -------------------------------------------------------------------------------

void Segment::Impl::give_back(std::size_t index, std::size_t count) noexcept {
    pressure_age = 0;
    Cache& cache = caches[index];
    SizeClass& size_class = control->classes[index];
    Slab* released = nullptr;
    {
        Guard guard(size_class);
        for (; count > 0 && cache.top != nullptr; --count) {
            Block* const block = cache.top;
            cache.top = block->next();
            --cache.count;
            Slab* const slab = size_class.give(block);
            // One empty slab stays, so that use around a boundary does not go to the mapping.
            if (slab == nullptr || size_class.empty.load(std::memory_order_relaxed) < 2) continue;
            size_class.drop(slab);
            slab->next = released;
            released = slab;
        }
    }
    while (released != nullptr) {
        Slab* const next = released->next.get();
        mapping->free(reinterpret_cast<char*>(released));
        released = next;
    }
}

void Segment::Impl::flush_caches() noexcept {
    for (std::size_t i = 0; i < kClasses; ++i) {
        if (caches[i].count > 0) give_back(i, caches[i].count);
    }
}

void Segment::Impl::release_empty_slabs() noexcept {
    for (std::size_t i = 0; i < kClasses; ++i) {
        SizeClass& size_class = control->classes[i];
        while (size_class.empty.load(std::memory_order_relaxed) > 0) {
            Slab* found = nullptr;
            {
                Guard guard(size_class);
                for (Slab* s = size_class.partial.get(); s != nullptr && found == nullptr;
                     s = s->next_partial.get()) {
                    if (s->free_count == s->total) found = s;
                }
                if (found == nullptr) break;
                size_class.drop(found);
            }
            mapping->free(reinterpret_cast<char*>(found));
        }
    }
}

void Segment::Impl::free_large(Block* block) noexcept {
    pressure_age = 0;
    block->set({BlockState::cached, slot});
    SizeClass& large = control->classes[kLargeClass];
    Slab* slab = nullptr;
    {
        Guard guard(large);
        slab = large.give(block);
        if (slab != nullptr) large.drop(slab);
    }
    if (slab != nullptr) mapping->free(reinterpret_cast<char*>(slab));
}

// ---- The public face ---------------------------------------------------------------------------

Segment::Segment(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Segment::~Segment() = default;

Result<std::unique_ptr<Segment>> Segment::create(std::size_t bytes) {
    constexpr std::size_t kMiB = 1024 * 1024;
    bytes = std::max<std::size_t>((bytes + kMiB - 1) / kMiB, 1) * kMiB;
    auto impl = std::make_unique<Impl>();
    impl->mapping = TRY(Mapping::create(bytes, sizeof(Control)));
    impl->control = ::new (impl->mapping->control()) Control{};
    for (std::size_t i = 0; i <= kClasses; ++i) {
        impl->control->classes[i].init(&impl->control->out[i]);
        if (i < kClasses) {
            impl->caches[i].limit = static_cast<std::uint32_t>(cache_limit(i, bytes));
        }
    }
    impl->slab_bytes = std::clamp<std::size_t>(bytes / 256, 8 * 1024, 64 * 1024);
    impl->high_water = bytes / 100 * 85;
    impl->pid = ::getpid();
    return std::unique_ptr<Segment>(new Segment(std::move(impl)));
}

Tag Segment::tag(std::string_view module, std::string_view type) {
    std::string name = std::string(module) + ":" + std::string(type);
    auto& tags = impl_->tags;
    const auto found = std::find(tags.begin(), tags.end(), name);
    const auto id = static_cast<std::uint16_t>(found - tags.begin());
    if (found == tags.end()) tags.push_back(std::move(name));
    return Tag{id};
}

void Segment::enter(std::uint16_t process_slot) noexcept {
    Impl& m = *impl_;
    // A forked child has a copy of its parent's cache, whose blocks stay the parent's.
    if (m.pid == ::getpid()) m.flush_caches();
    for (Cache& cache : m.caches) {
        cache.top = nullptr;
        cache.count = 0;
    }
    m.pid = ::getpid();
    m.slot = static_cast<std::uint8_t>(process_slot);
    m.fail_in = 0;
    m.pressure_age = 0;
}

void* Segment::allocate(std::size_t bytes, Tag tag, Hold hold) noexcept {
    Impl& m = *impl_;
    if (m.fail_in != 0 && --m.fail_in == 0) return nullptr;
    Block* block = nullptr;
    if (bytes <= kLargestSmall) {
        const std::size_t index = class_of(bytes);
        Cache& cache = m.caches[index];
        block = cache.top;
        if (block != nullptr) {
            cache.top = block->next();
            --cache.count;
        } else {
            block = m.take_slowly(index);
        }
    } else if (bytes < kMaxBytes) {
        block = m.take_large(bytes);
    }
    if (block == nullptr) return nullptr;
    const BlockState state = hold == Hold::in_hand ? BlockState::in_hand : BlockState::shared;
    block->set({state, m.slot, tag.id, static_cast<std::uint32_t>(bytes)});
    return block->payload();
}

void Segment::publish(void* payload) noexcept {
    Block* const block = Block::of(payload);
    BlockInfo info = block->info();
    if (info.state != BlockState::in_hand) return;
    info.state = BlockState::shared;
    block->set(info);
}

void Segment::free(void* payload) noexcept {
    if (payload == nullptr) return;
    Impl& m = *impl_;
    Block* const block = Block::of(payload);
    if (block->magic != Block::kMagic || !block->info().is_used()) {
        LOG(bug, "shared memory: {} is freed but not in use", payload);
        return;
    }
    const std::size_t index = block->size_class;
    if (index == kLargeClass) {
        m.free_large(block);
        return;
    }
    block->set({BlockState::cached, m.slot});
    std::atomic_signal_fence(std::memory_order_seq_cst);
    Cache& cache = m.caches[index];
    block->next() = cache.top;
    cache.top = block;
    if (++cache.count > cache.limit) m.give_back(index, cache.limit / 2 + 1);
}

char* Segment::copy(std::string_view bytes, Tag tag, Hold hold) noexcept {
    if (bytes.empty()) return nullptr;
    char* const out = static_cast<char*>(allocate(bytes.size(), tag, hold));
    if (out != nullptr) std::memcpy(out, bytes.data(), bytes.size());
    return out;
}

bool Segment::under_pressure() const noexcept {
    Impl& m = *impl_;
    if (m.pressure_age == 0) {
        std::uint64_t out = 0;
        for (const auto& bytes : m.control->out) out += bytes.load(std::memory_order_relaxed);
        m.pressure = out > m.high_water;
        m.pressure_age = 8;  // others' changes are seen that many messages late
    }
    --m.pressure_age;
    return m.pressure || damaged();
}

bool Segment::damaged() const noexcept {
    return impl_->mapping->damaged();
}

std::size_t Segment::size() const noexcept {
    return impl_->mapping->size();
}

void Segment::fail_nth(std::uint64_t n) noexcept {
    impl_->fail_in = n;
}

// ---- Recovery and reports ----------------------------------------------------------------------

std::size_t Segment::Impl::recover_class(std::size_t index, std::uint8_t dead) noexcept {
    SizeClass& size_class = control->classes[index];
    std::size_t held = 0;
    Slab* released = nullptr;
    {
        Guard guard(size_class);
        for (Slab *slab = size_class.all.get(), *next = nullptr; slab != nullptr; slab = next) {
            next = slab->next.get();
            for (std::uint32_t i = 0; i < slab->total; ++i) {
                Block* const block = slab->block(i);
                const BlockInfo info = block->info();
                const bool its = info.holder == dead && (info.state == BlockState::cached ||
                                                         info.state == BlockState::in_hand);
                if (!its) continue;
                if (info.state == BlockState::in_hand) ++held;
                size_class.give(block);
            }
            const bool spare =
                index == kLargeClass || size_class.empty.load(std::memory_order_relaxed) > 1;
            if (slab->free_count != slab->total || !spare) continue;
            size_class.drop(slab);
            slab->next = released;
            released = slab;
        }
    }
    while (released != nullptr) {
        Slab* const next = released->next.get();
        mapping->free(reinterpret_cast<char*>(released));
        released = next;
    }
    return held;
}

std::size_t Segment::recover(std::uint16_t process_slot) noexcept {
    Impl& m = *impl_;
    m.pressure_age = 0;
    m.mapping->check();
    char* const chunk = m.control->growing[process_slot].exchange(nullptr);
    if (chunk != nullptr) m.mapping->free(chunk);
    std::size_t held = 0;
    for (std::size_t i = 0; i <= kClasses; ++i) {
        held += m.recover_class(i, static_cast<std::uint8_t>(process_slot));
    }
    return held;
}

/// What slabs a class has now. Its lock is held for as long as it takes to write them down, and not
/// while memory for that is found: false when they are more than there is room for.
bool Segment::Impl::note_slabs(SizeClass& size_class, std::vector<SlabNote>& notes) {
    notes.clear();
    Guard guard(size_class);
    for (Slab* slab = size_class.all.get(); slab != nullptr; slab = slab->next.get()) {
        if (notes.size() == notes.capacity()) return false;
        notes.push_back({slab->block(0), slab->total, slab->stride, slab->bytes});
    }
    return true;
}

/// Calls f for every block of the segment. Headers are read without a lock, or with a million
/// blocks every process would wait: a slab that is given back meanwhile may hold anything, of which
/// the marks of a block do not remain.
template <class F>
void Segment::Impl::each_block(F&& f) {
    std::vector<SlabNote> notes(1024);
    for (std::size_t index = 0; index < std::size(control->classes); ++index) {
        while (!note_slabs(control->classes[index], notes)) notes.reserve(notes.capacity() * 2);
        for (const SlabNote& slab : notes) {
            const char* at = reinterpret_cast<const char*>(slab.first);
            for (std::uint32_t i = 0; i < slab.total; ++i, at += slab.stride) {
                const auto& block = *reinterpret_cast<const Block*>(at);
                if (block.magic == Block::kMagic && block.size_class == index) f(slab, block);
            }
        }
    }
}

Totals Segment::totals() const {
    Totals totals;
    totals.size = size();
    const Impl::SlabNote* last = nullptr;
    impl_->each_block([&](const Impl::SlabNote& slab, const Block& block) {
        if (&slab != last && block.size_class != kLargeClass) totals.in_slabs += slab.bytes;
        last = &slab;
        if (!block.info().is_used()) return;
        totals.used += slab.stride;
        ++totals.blocks;
    });
    return totals;
}

std::vector<Usage> Segment::top() const {
    std::vector<Usage> usage(impl_->tags.size());
    impl_->each_block([&](const Impl::SlabNote&, const Block& block) {
        const BlockInfo info = block.info();
        if (!info.is_used() || info.tag >= usage.size()) return;
        ++usage[info.tag].blocks;
        usage[info.tag].bytes += info.size;
    });
    for (std::size_t i = 0; i < usage.size(); ++i) usage[i].tag = impl_->tags[i];
    std::erase_if(usage, [](const Usage& line) { return line.blocks == 0; });
    std::sort(usage.begin(), usage.end(),
              [](const Usage& a, const Usage& b) { return a.bytes > b.bytes; });
    return usage;
}

}  // namespace fairlead::shm
