// Scripts in shared memory. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/store.h"

#include <algorithm>
#include <span>

namespace fairlead::cpl {

namespace {

using shm::Hold;

}  // namespace

Result<void> SharedStore::prepare(Core& core, unsigned bits, shm::Counter scripts) {
    core_ = &core;
    scripts_ = scripts;
    shm::Segment& memory = core.memory();
    entry_tag_ = memory.tag("cpl", "entry");
    bytes_tag_ = memory.tag("cpl", "script");
    seed_ = core.random().next();
    const std::size_t count = std::size_t{1} << bits;
    buckets_ =
        static_cast<Bucket*>(memory.allocate(count * sizeof(Bucket), memory.tag("cpl", "buckets")));
    if (buckets_ == nullptr)
        return fail("no shared memory for scripts: raise shm_mem_size (-m) or lower hash_size");
    for (Bucket& bucket : std::span(buckets_, count)) {
        bucket = {};
        bucket.mutex.init(shm::Rank::table);
    }
    mask_ = count - 1;
    return {};
}

std::uint64_t SharedStore::hash(std::string_view owner) const noexcept {
    // FNV-1a with a seed that nobody outside knows, so that owners cannot be made to collide.
    std::uint64_t h = 0xcbf29ce484222325ULL ^ seed_;
    for (const char c : owner) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return h ^ h >> 32U;
}

bool SharedStore::is(const Entry& entry, std::uint64_t hash, std::string_view owner) noexcept {
    return entry.hash == hash && owner == std::string_view(entry.bytes.get(), entry.owner_size);
}

SharedStore::Entry* SharedStore::unlink(shm::Ptr<Entry>& from, std::uint64_t hash,
                                        std::string_view owner) noexcept {
    for (shm::Ptr<Entry>* link = &from; *link; link = &(*link)->next) {
        Entry* const entry = link->get();
        if (!is(*entry, hash, owner)) continue;
        *link = entry->next;
        return entry;
    }
    return nullptr;
}

void SharedStore::discard(Entry* entry) noexcept {
    if (entry == nullptr) return;
    core_->memory().free(entry->bytes.get());
    core_->memory().free(entry);
}

bool SharedStore::save(std::string_view owner, std::string_view xml, std::string_view compiled) {
    shm::Segment& memory = core_->memory();
    if (owner.empty() || memory.under_pressure()) return false;
    const std::size_t size = owner.size() + xml.size() + compiled.size();
    Entry* const entry = memory.make<Entry>(entry_tag_, Hold::in_hand);
    if (entry == nullptr) return false;
    entry->bytes = static_cast<char*>(memory.allocate(size, bytes_tag_, Hold::in_hand));
    if (!entry->bytes) {
        memory.free(entry);
        return false;
    }
    char* out = entry->bytes.get();
    for (const std::string_view part : {owner, xml, compiled})
        out = std::ranges::copy(part, out).out;
    entry->hash = hash(owner);
    entry->owner_size = static_cast<std::uint32_t>(owner.size());
    entry->xml_size = static_cast<std::uint32_t>(xml.size());
    entry->compiled_size = static_cast<std::uint32_t>(compiled.size());

    Entry* old = nullptr;
    {
        Bucket& home = bucket(entry->hash);
        const shm::Guard guard(home);
        entry->next = home.first;
        memory.publish(entry->bytes.get());
        memory.publish(entry);
        home.first = entry;
        // The new one stands in front: nobody sees a moment without a script.
        old = unlink(entry->next, entry->hash, owner);
    }
    if (old == nullptr) scripts_.add();
    discard(old);
    return true;
}

bool SharedStore::remove(std::string_view owner) {
    const std::uint64_t h = hash(owner);
    Entry* old = nullptr;
    {
        Bucket& home = bucket(h);
        const shm::Guard guard(home);
        old = unlink(home.first, h, owner);
    }
    if (old == nullptr) return false;
    scripts_.add(-1);
    discard(old);
    return true;
}

std::optional<std::string_view> SharedStore::get(std::string_view owner, Form form,
                                                 Arena& arena) const {
    const std::uint64_t h = hash(owner);
    Bucket& home = bucket(h);
    const shm::Guard guard(home);
    for (const Entry* entry = home.first.get(); entry != nullptr; entry = entry->next.get()) {
        if (!is(*entry, h, owner)) continue;
        const char* const xml = entry->bytes.get() + entry->owner_size;
        if (form == Form::xml) return arena.copy({xml, entry->xml_size});
        return arena.copy({xml + entry->xml_size, entry->compiled_size});
    }
    return std::nullopt;
}

}  // namespace fairlead::cpl
