// The table of transactions in shared memory.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/table.h"

#include <bit>
#include <cstring>

namespace fairlead::tm {
namespace {

/// RFC 3261 8.1.1.7: nobody outside should guess the next branch. (The mix of splitmix64.)
std::uint32_t first_label(std::uint64_t seed, std::uint64_t slot) noexcept {
    std::uint64_t n = seed + (slot + 1) * 0x9e3779b97f4a7c15U;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9U;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebU;
    return static_cast<std::uint32_t>(n >> 32);
}

}  // namespace

void Bucket::repair() noexcept {
    count = 0;
    for (const Cell* c = first.get(); c != nullptr; c = c->link.get()) ++count;
}

bool Table::init(shm::Segment& memory, std::size_t size, std::uint64_t seed) noexcept {
    size = std::bit_ceil(size);
    const std::size_t bytes = size * sizeof(Bucket);
    auto* const block = memory.allocate(bytes, memory.tag("tm", "table"));
    if (block == nullptr) return false;
    std::memset(block, 0, bytes);
    buckets_ = static_cast<Bucket*>(block);
    mask_ = static_cast<std::uint32_t>(size - 1);
    seed_ = seed;
    for (std::size_t i = 0; i < size; ++i) {
        buckets_[i].mutex.init(shm::Rank::transaction);
        buckets_[i].next_label = first_label(seed, i);
    }
    return true;
}

Cell* Table::find(const Bucket& b, const RequestKey& key, sip::Method method) noexcept {
    RequestKey wanted = key;
    wanted.method = method;
    for (Cell* c = b.first.get(); c != nullptr; c = c->link.get())
        if (!c->has(Cell::dead) && !c->is_ours() && same_via(*c, wanted) && same_method(*c, wanted))
            return c;
    return nullptr;
}

Cell* Table::find_accepted(const Bucket& b, const RequestKey& ack) noexcept {
    for (Cell* c = b.first.get(); c != nullptr; c = c->link.get()) {
        if (c->has(Cell::dead) || !c->is_invite() || c->is_ours()) continue;
        if (c->status / 100 == 2 && same_call(*c, ack)) return c;
    }
    return nullptr;
}

Table::Load Table::load(std::uint32_t slot) const noexcept {
    Bucket& b = bucket(slot);
    const shm::Guard<Bucket> guard(b);
    Load found{.total = b.next_label - first_label(seed_, slot_of(slot))};
    for (const Cell* c = b.first.get(); c != nullptr; c = c->link.get()) ++found.current;
    return found;
}

Cell* Table::find(const Bucket& b, std::uint32_t label) noexcept {
    for (Cell* c = b.first.get(); c != nullptr; c = c->link.get())
        if (c->label == label && !c->has(Cell::dead)) return c;
    return nullptr;
}

void Table::link(Bucket& b, Cell& c) noexcept {
    c.link = b.first;
    b.first = &c;
    ++b.count;
}

void Table::unlink(Bucket& b, Cell& c) noexcept {
    shm::Ptr<Cell>* at = &b.first;
    while (at->get() != nullptr && at->get() != &c) at = &(*at)->link;
    if (at->get() == nullptr) return;
    *at = c.link;
    --b.count;
}

}  // namespace fairlead::tm
