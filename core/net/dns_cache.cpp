// The shared cache of DNS answers. SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_cache.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "core/net/dns_packed.h"

namespace fairlead::dns {

struct Cache::Entry {
    using ShmSafe = void;
    shm::Ptr<Entry> next;
    shm::Ptr<char> bytes;          ///< the name, then the packed answer
    std::int64_t expires = 0;      ///< ms; from then on it is stale
    std::int64_t stale_until = 0;  ///< from then on it is nothing
    std::int64_t retry_at = 0;     ///< from then on the next finder of a stale one asks
    std::int64_t last_used = 0;
    std::uint32_t hash = 0;
    std::uint32_t data_size = 0;
    Type type = Type::none;
    std::uint16_t name_size = 0;
    bool permanent = false;
    bool positive = false;

    [[nodiscard]] std::string_view name() const noexcept { return {bytes.get(), name_size}; }
    [[nodiscard]] std::string_view data() const noexcept {
        return {bytes.get() + name_size, data_size};
    }
    [[nodiscard]] std::size_t size() const noexcept {
        return sizeof(Entry) + name_size + data_size;
    }
    [[nodiscard]] bool is(const Entry& other) const noexcept {
        return hash == other.hash && type == other.type && name() == other.name();
    }
    [[nodiscard]] bool is_gone(std::int64_t now) const noexcept {
        return !permanent && now >= stale_until;
    }
};

/// A chain changes by one store; what it holds is counted anew from it.
struct Cache::Bucket {
    using ShmSafe = void;
    shm::RobustMutex mutex;
    shm::Ptr<Entry> first;
    std::atomic<std::size_t> bytes, entries;

    void repair() noexcept {
        std::size_t size = 0, count = 0;
        for (const Entry* e = first.get(); e != nullptr; e = e->next.get()) {
            size += e->size();
            ++count;
        }
        bytes = size;
        entries = count;
    }
};

struct Cache::Table {
    using ShmSafe = void;
    std::array<Bucket, kBuckets> buckets;
};

namespace {

std::uint32_t hash_of(std::string_view name, Type type) noexcept {
    std::uint32_t h = 2166136261U ^ static_cast<std::uint32_t>(type);
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
    return h ^ h >> 15U;
}

constexpr std::int64_t kSecond = 1000;

}  // namespace

Result<std::unique_ptr<Cache>> Cache::create(shm::Segment& segment, const CacheOptions& options) {
    const shm::Tag tag = segment.tag("core", "dns");
    auto* const table = segment.make<Table>(tag);
    if (table == nullptr) return fail("no shared memory for the cache of DNS");
    for (Bucket& bucket : table->buckets) bucket.mutex.init(shm::Rank::table);
    return std::unique_ptr<Cache>(new Cache(segment, table, tag, options));
}

Cache::Cache(shm::Segment& segment, Table* table, shm::Tag tag,
             const CacheOptions& options) noexcept
    : segment_(segment), table_(table), tag_(tag), options_(options) {}

void Cache::count_in(shm::Counters& counters) {
    hits_ = counters.add("dns", "cache_hits", "Questions that the cache answered.");
    misses_ = counters.add("dns", "cache_misses", "Questions that the cache could not answer.");
    stale_ = counters.add("dns", "cache_stale", "Answers that were given beyond their time.");
    full_ = counters.add("dns", "cache_full", "Answers that there was no room for.");
}

/// 0: it is not remembered.
std::uint32_t Cache::ttl_of(const Answer& answer) const noexcept {
    if (answer.status == Status::failed) return kFailureTtl;
    if (answer.is_negative()) {
        // RFC 2308 5: what the zone says, but not longer than we want.
        const std::uint32_t said = answer.ttl != 0 ? answer.ttl : options_.negative_ttl;
        return std::min(said, options_.negative_ttl);
    }
    return std::clamp(answer.ttl, std::min(options_.min_ttl, options_.max_ttl), options_.max_ttl);
}

Cache::Entry* Cache::make(const Question& question, const Answer& answer) {
    const std::string name = canonical(question.name);
    const std::string data = pack(answer);
    if (name.size() > kMaxName || options_.most_bytes == 0) return nullptr;
    auto* const entry = segment_.make<Entry>(tag_, shm::Hold::in_hand);
    if (entry == nullptr) return nullptr;
    entry->bytes = segment_.copy(name + data, tag_, shm::Hold::in_hand);
    if (!entry->bytes) {
        segment_.free(entry);
        return nullptr;
    }
    entry->hash = hash_of(name, question.type);
    entry->type = question.type;
    entry->name_size = static_cast<std::uint16_t>(name.size());
    entry->data_size = static_cast<std::uint32_t>(data.size());
    entry->positive = answer.status == Status::found || !answer.alias.empty();
    return entry;
}

void Cache::release(Entry* entry) noexcept {
    if (entry == nullptr) return;
    segment_.free(entry->bytes.get());
    segment_.free(entry);
}

/// Takes out of the bucket, whose lock is held, what `f` says.
template <class F>
void Cache::remove_if(Bucket& bucket, F f) noexcept {
    for (shm::Ptr<Entry>* at = &bucket.first; *at;) {
        Entry* const entry = at->get();
        if (!f(*entry)) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        bucket.bytes -= entry->size();
        --bucket.entries;
        release(entry);
    }
}

Cache::Found Cache::find(const Question& question, Ms now) {
    const std::string name = canonical(question.name);
    const std::uint32_t hash = hash_of(name, question.type);
    Bucket& bucket = table_->buckets[hash & (kBuckets - 1)];
    Found found;
    std::string data;
    {
        const shm::Guard guard(bucket);
        Entry* entry = bucket.first.get();
        while (entry != nullptr &&
               (entry->hash != hash || entry->type != question.type || entry->name() != name))
            entry = entry->next.get();
        if (entry != nullptr && !entry->is_gone(now.count())) {
            const std::int64_t left = entry->expires - now.count();
            found.age = entry->permanent || left > 0 ? Age::fresh : Age::stale;
            if (found.age == Age::stale && now.count() >= entry->retry_at) {
                found.refresh = true;
                entry->retry_at = (now + kRefreshTime).count();
            }
            entry->last_used = now.count();
            found.permanent = entry->permanent;
            found.answer.ttl =
                static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0) / kSecond);
            data = entry->data();
        }
    }
    (found.age == Age::missing ? misses_ : found.age == Age::fresh ? hits_ : stale_).add();
    if (found.age == Age::missing) return found;
    const std::uint32_t ttl = found.answer.ttl;
    found.answer = unpack(data);
    found.answer.ttl = ttl;
    return found;
}

bool Cache::put(const Question& question, const Answer& answer, Ms now, bool permanent) {
    const std::uint32_t ttl = ttl_of(answer);
    if (ttl == 0 && !permanent) return false;
    Entry* const entry = make(question, answer);
    if (entry == nullptr || !make_room(entry->size(), now)) {
        full_.add();
        release(entry);
        return false;
    }
    entry->expires = now.count() + ttl * kSecond;
    entry->stale_until = entry->expires + (entry->positive ? options_.stale_ttl * kSecond : 0);
    entry->last_used = now.count();
    entry->permanent = permanent;
    const bool failed = answer.status == Status::failed && answer.alias.empty();
    Bucket& bucket = table_->buckets[entry->hash & (kBuckets - 1)];
    bool keeps_old = false;
    {
        const shm::Guard guard(bucket);
        for (Entry* e = bucket.first.get(); e != nullptr; e = e->next.get()) {
            if (!e->is(*entry)) continue;
            const bool usable = e->positive && !e->is_gone(now.count());
            keeps_old = (e->permanent && !permanent) || (failed && usable);
            if (failed && usable) e->retry_at = now.count() + kFailureTtl * kSecond;
        }
        if (!keeps_old) {
            remove_if(bucket, [&](const Entry& e) { return e.is(*entry); });
            entry->next = bucket.first;
            bucket.bytes += entry->size();
            ++bucket.entries;
            bucket.first = entry;
            segment_.publish(entry->bytes.get());
            segment_.publish(entry);
        }
    }
    if (keeps_old) release(entry);
    return true;
}

bool Cache::add(const Question& question, const Record& record, std::uint32_t ttl, Ms now,
                bool permanent) {
    auto found = find(question, now);
    Answer answer{.status = Status::found, .ttl = ttl};
    if (found.permanent && !permanent) return false;
    if (found.age == Age::fresh && found.answer.status == Status::found)
        answer.records = std::move(found.answer.records);
    if (answer.records.size() >= kMaxRecords) return false;
    answer.records.push_back(record);
    return put(question, answer, now, permanent);
}

/// One lock at a time. First what has expired goes, then, if that is allowed, what has not.
bool Cache::make_room(std::size_t bytes, Ms now) noexcept {
    constexpr std::size_t kShare = 4;  // no entry takes more than a quarter of all
    if (bytes > options_.most_bytes / kShare) return false;
    const auto has_room = [&] { return use().bytes + bytes <= options_.most_bytes; };
    if (has_room()) return true;
    for (const bool unexpired : {false, true}) {
        if (unexpired && !options_.delete_unexpired) break;
        for (Bucket& bucket : table_->buckets) {
            const shm::Guard guard(bucket);
            remove_if(bucket, [&](const Entry& e) {
                return !e.permanent && (unexpired || now.count() >= e.expires);
            });
            if (unexpired && has_room()) return true;
        }
        if (has_room()) return true;
    }
    return false;
}

bool Cache::erase(const Question& question) noexcept {
    const std::string name = canonical(question.name);
    const std::uint32_t hash = hash_of(name, question.type);
    Bucket& bucket = table_->buckets[hash & (kBuckets - 1)];
    bool erased = false;
    const shm::Guard guard(bucket);
    remove_if(bucket, [&](const Entry& e) {
        const bool is_it = e.hash == hash && e.type == question.type && e.name() == name;
        erased = erased || is_it;
        return is_it;
    });
    return erased;
}

void Cache::erase_all(bool permanent_too) noexcept {
    for (Bucket& bucket : table_->buckets) {
        const shm::Guard guard(bucket);
        remove_if(bucket, [&](const Entry& e) { return permanent_too || !e.permanent; });
    }
}

void Cache::collect(Ms now) noexcept {
    for (Bucket& bucket : table_->buckets) {
        const shm::Guard guard(bucket);
        remove_if(bucket, [&](const Entry& e) { return e.is_gone(now.count()); });
    }
}

/// What is unpacked is a copy: no lock is held over it.
template <class F>
void Cache::copy_if(Bucket& bucket, F f, std::vector<Row>& rows) const {
    std::vector<std::string> packed;
    const std::size_t first = rows.size();
    {
        const shm::Guard guard(bucket);
        for (const Entry* e = bucket.first.get(); e != nullptr; e = e->next.get()) {
            if (!f(*e)) continue;
            Row row;
            row.question = {std::string(e->name()), e->type};
            row.bytes = e->size();
            row.expires = Ms(e->expires);
            row.last_used = Ms(e->last_used);
            row.permanent = e->permanent;
            rows.push_back(std::move(row));
            packed.emplace_back(e->data());
        }
    }
    for (std::size_t i = 0; i < packed.size(); ++i) rows[first + i].answer = unpack(packed[i]);
}

std::vector<Cache::Row> Cache::rows() const {
    std::vector<Row> rows;
    for (Bucket& bucket : table_->buckets) copy_if(bucket, [](const Entry&) { return true; }, rows);
    return rows;
}

std::optional<Cache::Row> Cache::row(const Question& question) const {
    const std::string name = canonical(question.name);
    const std::uint32_t hash = hash_of(name, question.type);
    std::vector<Row> rows;
    const auto is_it = [&](const Entry& e) {
        return e.hash == hash && e.type == question.type && e.name() == name;
    };
    copy_if(table_->buckets[hash & (kBuckets - 1)], is_it, rows);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
}

Cache::Use Cache::use() const noexcept {
    Use use{.most_bytes = options_.most_bytes};
    for (const Bucket& bucket : table_->buckets) {
        use.bytes += bucket.bytes.load(std::memory_order_relaxed);
        use.entries += bucket.entries.load(std::memory_order_relaxed);
    }
    return use;
}

}  // namespace fairlead::dns
