// Scripts in shared memory. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/store.h"

#include <algorithm>
#include <span>
#include <utility>

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

shm::Ptr<SharedStore::Entry>* SharedStore::find(Bucket& home, const Proposal& proposal) noexcept {
    for (shm::Ptr<Entry>* link = &home.first; *link; link = &(*link)->next)
        if ((*link)->number == proposal.number && (*link)->state != State::in_force) return link;
    return nullptr;
}

bool SharedStore::unlink_all(shm::Ptr<Entry>& from, std::string_view owner, std::uint64_t hash,
                             Entry*& gone) noexcept {
    bool was_in_force = false;
    shm::Ptr<Entry>* link = &from;
    while (Entry* const entry = link->get()) {
        if (entry->hash != hash || entry->owner() != owner) {
            link = &entry->next;
            continue;
        }
        was_in_force = was_in_force || entry->state == State::in_force;
        *link = entry->next;
        entry->next = gone;
        gone = entry;
    }
    return was_in_force;
}

void SharedStore::discard(Entry* chain) noexcept {
    while (chain != nullptr) {
        Entry* const entry = std::exchange(chain, chain->next.get());
        core_->memory().free(entry->bytes.get());
        core_->memory().free(entry);
    }
}

std::optional<Proposal> SharedStore::add(State state, std::string_view owner, std::string_view xml,
                                         std::string_view compiled) {
    shm::Segment& memory = core_->memory();
    if (owner.empty()) return std::nullopt;
    const std::size_t size = owner.size() + xml.size() + compiled.size();
    Entry* const entry = memory.make<Entry>(entry_tag_, Hold::in_hand);
    if (entry == nullptr) return std::nullopt;
    entry->bytes = static_cast<char*>(memory.allocate(size, bytes_tag_, Hold::in_hand));
    if (!entry->bytes) {
        memory.free(entry);
        return std::nullopt;
    }
    char* out = entry->bytes.get();
    for (const std::string_view part : {owner, xml, compiled})
        out = std::ranges::copy(part, out).out;
    entry->hash = hash(owner);
    entry->owner_size = static_cast<std::uint32_t>(owner.size());
    entry->xml_size = static_cast<std::uint32_t>(xml.size());
    entry->compiled_size = static_cast<std::uint32_t>(compiled.size());
    entry->state = state;

    Bucket& home = bucket(entry->hash);
    const shm::Guard guard(home);
    entry->number = ++home.last_number;
    entry->next = home.first;
    const Proposal proposal{entry->hash, entry->number};
    memory.publish(entry->bytes.get());
    memory.publish(entry);
    home.first = entry;
    return proposal;
}

std::optional<Proposal> SharedStore::propose(std::string_view owner, std::string_view xml,
                                             std::string_view compiled) {
    if (core_->memory().under_pressure()) return std::nullopt;
    return add(State::proposed, owner, xml, compiled);
}

std::optional<Proposal> SharedStore::propose_removal(std::string_view owner) {
    return add(State::removal, owner, {}, {});
}

Accepted SharedStore::accept(const Proposal& proposal) {
    Entry* gone = nullptr;
    Accepted result;
    {
        Bucket& home = bucket(proposal.hash);
        const shm::Guard guard(home);
        shm::Ptr<Entry>* const link = find(home, proposal);
        if (link == nullptr) return result;
        Entry* const entry = link->get();
        result.was_there = true;
        result.has_script = entry->state == State::proposed;
        // First the new one, then away with the old: nobody sees a moment without a script.
        if (result.has_script) entry->state = State::in_force;
        result.had_script = unlink_all(entry->next, entry->owner(), entry->hash, gone);
        if (!result.has_script) {
            *link = entry->next;
            entry->next = gone;
            gone = entry;
        }
    }
    scripts_.add((result.has_script ? 1 : 0) - (result.had_script ? 1 : 0));
    discard(gone);
    return result;
}

void SharedStore::withdraw(const Proposal& proposal) {
    Entry* gone = nullptr;
    {
        Bucket& home = bucket(proposal.hash);
        const shm::Guard guard(home);
        shm::Ptr<Entry>* const link = find(home, proposal);
        if (link == nullptr) return;
        gone = link->get();
        *link = gone->next;
        gone->next = nullptr;
    }
    discard(gone);
}

bool SharedStore::save(std::string_view owner, std::string_view xml, std::string_view compiled) {
    const auto proposal = propose(owner, xml, compiled);
    if (proposal) accept(*proposal);
    return proposal.has_value();
}

bool SharedStore::remove(std::string_view owner) {
    // Without a proposal: it needs no memory.
    const std::uint64_t h = hash(owner);
    Entry* gone = nullptr;
    bool had_script = false;
    {
        Bucket& home = bucket(h);
        const shm::Guard guard(home);
        had_script = unlink_all(home.first, owner, h, gone);
    }
    scripts_.add(had_script ? -1 : 0);
    discard(gone);
    return had_script;
}

std::optional<std::string_view> SharedStore::get(std::string_view owner, Form form,
                                                 Arena& arena) const {
    const std::uint64_t h = hash(owner);
    Bucket& home = bucket(h);
    const shm::Guard guard(home);
    for (const Entry* entry = home.first.get(); entry != nullptr; entry = entry->next.get()) {
        if (entry->hash != h || entry->state != State::in_force || entry->owner() != owner)
            continue;
        const char* const xml = entry->bytes.get() + entry->owner_size;
        if (form == Form::xml) return arena.copy({xml, entry->xml_size});
        return arena.copy({xml + entry->xml_size, entry->compiled_size});
    }
    return std::nullopt;
}

}  // namespace fairlead::cpl
