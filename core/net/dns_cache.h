// What DNS answered, shared by all processes: positive, negative and stale answers, bounded.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/net/dns_records.h"
#include "core/shm/counters.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"

namespace fairlead::dns {

/// How long answers hold. Seconds.
struct CacheOptions {
    std::size_t most_bytes = 500 * 1024;  ///< dns_cache_mem; 0: nothing is remembered
    std::uint32_t min_ttl = 0;            ///< dns_cache_min_ttl
    std::uint32_t max_ttl = kMaxTtl;      ///< dns_cache_max_ttl
    std::uint32_t negative_ttl = 60;      ///< dns_cache_negative_ttl: at most, of what there is not
    /// So long a positive answer is given beyond its time, while nobody knows better (RFC 8767).
    std::uint32_t stale_ttl = 3600;
    bool delete_unexpired = false;  ///< dns_cache_delete_nonexpired: when it is full
};

/// That a question was not answered is remembered so long (RFC 2308 7.1, RFC 8767 5): a dead name
/// server is not asked again for every message.
inline constexpr std::uint32_t kFailureTtl = 5;
/// So long one process has a stale answer for itself, to ask for a new one.
inline constexpr Ms kRefreshTime{5'000};

/// Entries hang on buckets; each bucket has its own lock, held only while bytes are copied.
class Cache {
public:
    /// Before fork; the table lives in the segment for ever. `segment` outlives it.
    [[nodiscard]] static Result<std::unique_ptr<Cache>> create(shm::Segment& segment,
                                                               const CacheOptions& options);
    /// Before fork.
    void count_in(shm::Counters& counters);

    enum class Age : std::uint8_t { missing, fresh, stale };
    struct Found {
        Age age = Age::missing;
        bool refresh = false;  ///< of a stale one: the caller, and nobody else, asks now
        bool permanent = false;
        Answer answer;  ///< its ttl: what is left of it
    };
    /// Any process. Names without case.
    [[nodiscard]] Found find(const Question& question, Ms now);

    /// Any process: remembers an answer, in place of what is there. One that failed does not
    /// replace a stale one, which then holds for kFailureTtl more. A permanent entry is left as it
    /// is. False when there is no room for it (cache_full counts) or it holds for no time.
    bool put(const Question& question, const Answer& answer, Ms now, bool permanent = false);
    /// Adds a record by hand to the entry, or makes one. False also when that is permanent and the
    /// record is not.
    bool add(const Question& question, const Record& record, std::uint32_t ttl, Ms now,
             bool permanent);

    /// False when there is no such entry.
    bool erase(const Question& question) noexcept;
    /// All that are not permanent, or all.
    void erase_all(bool permanent_too) noexcept;
    /// Removes what nobody may be given any more. Now and then, in one process.
    void collect(Ms now) noexcept;

    struct Row {
        Question question;
        Answer answer;
        std::size_t bytes = 0;
        Ms expires{}, last_used{};
        bool permanent = false;
    };
    [[nodiscard]] std::vector<Row> rows() const;
    /// As rows() has it, also beyond its time.
    [[nodiscard]] std::optional<Row> row(const Question& question) const;
    struct Use {
        std::size_t bytes = 0, most_bytes = 0, entries = 0;
    };
    [[nodiscard]] Use use() const noexcept;

private:
    struct Entry;
    struct Bucket;
    struct Table;
    static constexpr std::size_t kBuckets = 256;  // a power of two

    Cache(shm::Segment& segment, Table* table, shm::Tag tag, const CacheOptions& options) noexcept;
    [[nodiscard]] std::uint32_t ttl_of(const Answer& answer) const noexcept;
    [[nodiscard]] Entry* make(const Question& question, const Answer& answer);
    void release(Entry* entry) noexcept;
    [[nodiscard]] bool make_room(std::size_t bytes, Ms now) noexcept;
    template <class F>
    void copy_if(Bucket& bucket, F f, std::vector<Row>& rows) const;
    template <class F>
    void remove_if(Bucket& bucket, F f) noexcept;

    shm::Segment& segment_;
    Table* table_;
    shm::Tag tag_;
    CacheOptions options_;
    shm::Counter hits_, misses_, stale_, full_;
};

}  // namespace fairlead::dns
