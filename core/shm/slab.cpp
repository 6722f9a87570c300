// Size classes: taking and giving blocks under the class lock, and rebuilding after a death.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/slab.h"

#include <new>

namespace fairlead::shm {

namespace {

/// Keeps the compiler from moving stores across. A process that is killed has made its stores
/// visible in program order as far as it came, so nothing stronger is needed.
void then() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

Slab* format_slab(char* chunk, std::size_t bytes, std::size_t size_class,
                  std::size_t payload) noexcept {
    Slab* const slab = ::new (chunk) Slab{};
    slab->bytes = bytes;
    slab->stride = static_cast<std::uint32_t>(sizeof(Block) + payload);
    slab->total = size_class == kLargeClass
                      ? 1
                      : static_cast<std::uint32_t>((bytes - sizeof(Slab)) / slab->stride);
    for (std::uint32_t i = slab->total; i-- > 0;) {
        Block* const block = ::new (static_cast<void*>(slab->block(i))) Block{};
        block->slab_offset = static_cast<std::uint32_t>(reinterpret_cast<char*>(block) - chunk);
        block->magic = Block::kMagic;
        block->size_class = static_cast<std::uint8_t>(size_class);
        block->next() = slab->free;
        slab->free = block;
    }
    slab->free_count = slab->total;
    return slab;
}

void SizeClass::init(std::atomic<std::uint64_t>* out_bytes) noexcept {
    mutex.init(Rank::allocator);
    out = out_bytes;
}

void SizeClass::push_partial(Slab* slab) noexcept {
    slab->previous_partial = nullptr;
    slab->next_partial = partial;
    if (partial) partial->previous_partial = slab;
    partial = slab;
    slab->in_partial = true;
}

void SizeClass::drop_partial(Slab* slab) noexcept {
    if (slab->next_partial) slab->next_partial->previous_partial = slab->previous_partial;
    if (slab->previous_partial) {
        slab->previous_partial->next_partial = slab->next_partial;
    } else {
        partial = slab->next_partial;
    }
    slab->in_partial = false;
}

Block* SizeClass::take(std::size_t wanted, std::size_t& got, std::uint8_t slot) noexcept {
    Block* list = nullptr;
    got = 0;
    std::uint64_t bytes = 0;
    while (got < wanted && partial) {
        Slab* const slab = partial.get();
        if (slab->free_count == slab->total) empty.fetch_sub(1, std::memory_order_relaxed);
        while (got < wanted && slab->free != nullptr) {
            Block* const block = slab->free;
            slab->free = block->next();
            --slab->free_count;
            // From here on recover(slot) finds it, whether or not the rest of this happens.
            block->set({BlockState::cached, slot});
            block->next() = list;
            list = block;
            ++got;
            bytes += slab->stride;
        }
        if (slab->free == nullptr) drop_partial(slab);
    }
    out->fetch_add(bytes, std::memory_order_relaxed);
    return list;
}

Slab* SizeClass::give(Block* block) noexcept {
    Slab* const slab = block->slab();
    // Free first: if the process dies before the block is in the list, repair() puts it there.
    block->set({BlockState::free});
    then();
    block->next() = slab->free;
    slab->free = block;
    ++slab->free_count;
    out->fetch_sub(slab->stride, std::memory_order_relaxed);
    if (!slab->in_partial) push_partial(slab);
    if (slab->free_count != slab->total) return nullptr;
    empty.fetch_add(1, std::memory_order_relaxed);
    return slab;
}

void SizeClass::adopt(Slab* slab) noexcept {
    slab->next = all;
    slab->previous = nullptr;
    then();
    Slab* const old = all.get();
    all = slab;  // the one store that makes it part of the class
    then();
    if (old != nullptr) old->previous = slab;
    if (slab->free_count > 0) {
        push_partial(slab);
        if (slab->free_count == slab->total) empty.fetch_add(1, std::memory_order_relaxed);
    }
}

void SizeClass::drop(Slab* slab) noexcept {
    if (slab->free_count == slab->total) empty.fetch_sub(1, std::memory_order_relaxed);
    if (slab->in_partial) drop_partial(slab);
    then();
    if (slab->previous) {
        slab->previous->next = slab->next;
    } else {
        all = slab->next;
    }
    then();
    if (slab->next) slab->next->previous = slab->previous;
}

void SizeClass::repair() noexcept {
    Slab* previous = nullptr;
    std::uint64_t bytes = 0;
    partial = nullptr;
    empty.store(0, std::memory_order_relaxed);
    for (Slab* slab = all.get(); slab != nullptr; slab = slab->next.get()) {
        slab->previous = previous;
        previous = slab;
        slab->free = nullptr;
        slab->free_count = 0;
        slab->in_partial = false;
        for (std::uint32_t i = slab->total; i-- > 0;) {
            Block* const block = slab->block(i);
            if (block->info().state != BlockState::free) {
                bytes += slab->stride;
                continue;
            }
            block->next() = slab->free;
            slab->free = block;
            ++slab->free_count;
        }
        if (slab->free_count > 0) push_partial(slab);
        if (slab->free_count == slab->total) empty.fetch_add(1, std::memory_order_relaxed);
    }
    out->store(bytes, std::memory_order_relaxed);
}

}  // namespace fairlead::shm
