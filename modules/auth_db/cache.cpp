// Subscribers in shared memory. SPDX-License-Identifier: Apache-2.0
#include "modules/auth_db/cache.h"

#include <algorithm>
#include <cstring>

namespace fairlead::auth_db {

Result<void> Cache::prepare(Core& core) {
    core_ = &core;
    entry_tag_ = core.memory().tag("auth_db", "subscriber");
    text_tag_ = core.memory().tag("auth_db", "text");
    for (std::size_t i = 0; i < kBuckets / kChunk; ++i) {
        auto* const chunk = core.memory().make<Chunk>(core.memory().tag("auth_db", "buckets"));
        if (chunk == nullptr) return fail("no shared memory for the subscribers of auth_db");
        for (Bucket& b : chunk->buckets) b.mutex.init(shm::Rank::table);
        chunks_.push_back(chunk);
    }
    return {};
}

std::uint32_t Cache::hash(std::string_view key) noexcept {
    std::uint32_t h = 2166136261U;  // FNV-1a
    for (const char c : key) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
    return h;
}

std::optional<std::vector<std::string_view>> Cache::find(std::string_view key, Arena& arena) const {
    const std::uint32_t h = hash(key);
    Bucket& b = bucket(h % kBuckets);
    char* room = nullptr;
    std::size_t capacity = 0;
    std::array<std::uint16_t, Entry::kTexts> sizes{};
    // Copied under the lock into room that was made without it.
    for (;;) {
        std::size_t needed = 0;
        {
            const shm::Guard guard(b);
            const Entry* e = b.first.get();
            while (e != nullptr && (e->hash != h || e->key() != key)) e = e->next.get();
            if (e == nullptr) return std::nullopt;
            needed = e->size();
            sizes = e->sizes;
            if (needed <= capacity) std::memcpy(room, e->bytes.get(), needed);
        }
        if (needed <= capacity) break;
        room = arena.allocate(needed);
        capacity = needed;
    }
    std::vector<std::string_view> out;
    const char* at = room + sizes[0];
    for (std::size_t i = 1; i < Entry::kTexts; at += sizes[i++]) out.emplace_back(at, sizes[i]);
    return out;
}

Entry* Cache::make(std::span<const std::string_view> texts, std::uint32_t hash,
                   std::uint32_t round) const {
    Entry made;
    std::string all;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (i >= Entry::kTexts || texts[i].size() > UINT16_MAX) return nullptr;
        made.sizes[i] = static_cast<std::uint16_t>(texts[i].size());
        all.append(texts[i]);
    }
    made.hash = hash;
    made.round = round;
    if (all.empty()) return nullptr;
    auto* const entry = core_->memory().make<Entry>(entry_tag_, shm::Hold::published, made);
    if (entry == nullptr) return nullptr;
    entry->bytes = core_->memory().copy(all, text_tag_);
    if (entry->bytes) return entry;
    core_->memory().free(entry);
    return nullptr;
}

void Cache::discard(Entry* entry) const noexcept {
    if (entry == nullptr) return;
    core_->memory().free(entry->bytes.get());
    core_->memory().free(entry);
}

bool Cache::put(std::span<const std::string_view> texts, std::uint32_t round) {
    const std::uint32_t h = hash(texts.front());
    Entry* const fresh = make(texts, h, round);
    if (fresh == nullptr) return false;
    Bucket& b = bucket(h % kBuckets);
    Entry* unused = nullptr;
    {
        const shm::Guard guard(b);
        shm::Ptr<Entry>* at = &b.first;
        while (*at && ((*at)->hash != h || (*at)->key() != texts.front())) at = &(*at)->next;
        Entry* const old = at->get();
        if (old != nullptr && old->round == round) {
            unused = fresh;
        } else {
            fresh->next = old != nullptr ? old->next : nullptr;
            *at = fresh;
            unused = old;
        }
    }
    discard(unused);
    return true;
}

void Cache::sweep(std::uint32_t round) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
        Bucket& b = bucket(i);
        const shm::Guard guard(b);
        shm::Ptr<Entry>* at = &b.first;
        while (Entry* const e = at->get()) {
            if (e->round == round) {
                at = &e->next;
                continue;
            }
            *at = e->next;
            discard(e);
        }
    }
}

}  // namespace fairlead::auth_db
