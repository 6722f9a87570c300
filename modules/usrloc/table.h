// The bindings of one domain in shared memory: AORs in buckets, each bucket with its own lock. A
// binding is one block, so that it changes by one store. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "modules/usrloc/api.h"

namespace fairlead::usrloc {

inline constexpr std::size_t kTexts = 8;
/// Room for a ruid in each binding, so that a new block can take over the name of the old one.
inline constexpr std::size_t kMaxRuid = 64;

struct Node {
    using ShmSafe = void;
    /// How it stands to its row in the database.
    enum class Row : std::uint8_t { same, changed, to_delete };

    shm::Ptr<Node> next;
    shm::Ptr<char> bytes;  ///< its texts, in the order of texts_of(), and room for the ruid
    std::int64_t expires = 0, modified = 0;
    std::uint32_t cseq = 0, flags = 0, cflags = 0, methods = 0, connection = 0;
    std::int32_t reg_id = 0;
    std::uint32_t generation = 0;  ///< of two with one ruid the higher one counts
    std::int16_t q = kNoQ;
    std::uint16_t listener = kNoListener;
    Row row = Row::same;
    bool is_new = true;  ///< it has no row yet
    std::array<std::uint16_t, kTexts> sizes{};

    /// Bytes of its texts.
    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t all = 0;
        for (const std::uint16_t s : sizes) all += s;
        return all;
    }
    /// At most kMaxRuid bytes.
    void rename(std::string_view ruid) noexcept;
    [[nodiscard]] bool is_there() const noexcept { return row != Row::to_delete; }
    [[nodiscard]] bool is_over(std::int64_t now) const noexcept {
        return expires != 0 && expires <= now;
    }
    [[nodiscard]] std::string_view text(std::size_t n) const noexcept {
        const char* at = bytes.get();
        for (std::size_t i = 0; i < n; ++i) at += sizes[i];
        return {at, sizes[n]};
    }
    [[nodiscard]] std::string_view uri() const noexcept { return text(0); }
    [[nodiscard]] std::string_view path() const noexcept { return text(2); }
    [[nodiscard]] std::string_view call_id() const noexcept { return text(3); }
    [[nodiscard]] std::string_view instance() const noexcept { return text(5); }
    [[nodiscard]] std::string_view ruid() const noexcept { return text(kTexts - 1); }
    /// Views into `texts`: the node's own, or a copy of them.
    [[nodiscard]] Contact contact(const char* texts) const noexcept;
    [[nodiscard]] Contact contact() const noexcept { return contact(bytes.get()); }
};

/// An AOR.
struct Record {
    using ShmSafe = void;
    shm::Ptr<Record> next;
    shm::Ptr<Node> first;
    shm::Ptr<char> name;
    std::uint32_t hash = 0, size = 0;
    [[nodiscard]] std::string_view aor() const noexcept { return {name.get(), size}; }
};

struct Bucket {
    using ShmSafe = void;
    shm::RobustMutex mutex;
    shm::Ptr<Record> first;
    std::uint32_t records = 0, contacts = 0;  ///< of what is in the chains
    /// Chains change by one store each; a binding that was being moved may be there twice.
    void repair() noexcept;
};

enum class Matching : std::uint8_t { contact, contact_and_call_id, contact_and_path, call_id };

/// What all domains have in common.
struct Rules {
    Matching matching = Matching::contact;
    bool newest_first = false;
    bool has_rows = false;  ///< changes are to reach the database
    std::int64_t cseq_delay = 20;
    unsigned bits = 10;
};

/// What befell a binding, for those who watch; texts are views into an arena.
struct Happening {
    Contact contact;
    Event event = Event::added;
};

/// A copy of a binding and its AOR, for work without the lock.
struct Copy {
    std::string aor, texts;
    Node node;
    [[nodiscard]] Contact contact() const noexcept { return node.contact(texts.data()); }
};

/// All calls but prepare() in any process, without a lock.
class Table {
public:
    Table(std::string name, const Rules& rules) : name_(std::move(name)), rules_(rules) {}

    /// Before fork.
    Result<void> prepare(Core& core);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::size_t buckets() const noexcept { return std::size_t{mask_} + 1; }
    [[nodiscard]] static std::uint32_t hash(std::string_view aor) noexcept;
    [[nodiscard]] std::size_t bucket_of(std::string_view aor) const noexcept {
        return hash(aor) & mask_;
    }

    [[nodiscard]] std::vector<Contact> contacts(std::string_view aor, Arena& arena,
                                                bool with_expired) const;
    /// `ruids` makes names of new bindings.
    struct Ruids {
        std::string prefix;
        std::uint64_t next = 0;
    };
    [[nodiscard]] SaveResult save(std::string_view aor, std::span<const Change> changes,
                                  const SavePolicy& policy, Ruids& ruids, Arena& arena,
                                  std::vector<Happening>& happened);
    std::size_t remove(std::string_view aor, std::string_view ruid, Arena& arena,
                       std::vector<Happening>& happened);
    /// Before fork: a binding as the database has it. False when memory is full.
    [[nodiscard]] bool load(std::string_view aor, const Contact& contact);

    // A bucket at a time.
    /// Ends a binding of the bucket that is over, and copies it; false when there is none.
    bool expire_one(std::size_t bucket, std::int64_t now, Copy& out) noexcept;
    /// Copies a binding whose row is not the same, which it counts as from then on; one that is to
    /// be deleted is gone with that. False when there is none.
    bool take_changed(std::size_t bucket, Copy& out) noexcept;
    /// The row of this binding is not what it should be after all.
    void mark_changed(std::size_t bucket, std::string_view ruid) noexcept;
    void copy_bucket(std::size_t bucket, std::vector<Copy>& out) const;

    struct Counts {
        std::size_t records = 0, contacts = 0, most = 0;  ///< most: records in one bucket
    };
    [[nodiscard]] Counts counts() const noexcept;

private:
    friend class Saving;

    [[nodiscard]] Record* find(const Bucket& bucket, std::string_view aor,
                               std::uint32_t hash) const noexcept;
    [[nodiscard]] Node* match(const Record& record, const Contact& contact) const noexcept;
    [[nodiscard]] Node* make_node(const Contact& contact, std::string_view ruid,
                                  shm::Hold hold) const noexcept;
    [[nodiscard]] Record* make_record(std::string_view aor, std::uint32_t hash,
                                      shm::Hold hold) const noexcept;
    enum class Order : std::uint8_t { later, again, wrong };
    [[nodiscard]] Order order(const Node& known, const Contact& contact) const noexcept;
    void link(Bucket& bucket, Record& record, Node& node) const noexcept;
    /// Takes it out of its record; the record stays.
    void unlink(Bucket& bucket, Record& record, Node& node) const noexcept;
    /// It ends: at once, or when its row was deleted.
    void end(Bucket& bucket, Record& record, Node& node, bool has_row) const noexcept;
    void drop_if_empty(Bucket& bucket, Record& record) const noexcept;
    void replace(Bucket& bucket, Record& record, Node& old, Node& fresh) const noexcept;
    template <class Test>
    [[nodiscard]] bool find_one(Bucket& bucket, Copy& out, Test test, Record*& record,
                                Node*& node) const noexcept;

    std::string name_;
    Rules rules_;
    Core* core_ = nullptr;
    static constexpr std::size_t kChunk = 4;
    struct Chunk {
        using ShmSafe = void;
        std::array<Bucket, kChunk> buckets;
    };
    [[nodiscard]] Bucket& bucket(std::size_t i) const noexcept {
        return chunks_[i / kChunk]->buckets[i % kChunk];
    }
    std::vector<Chunk*> chunks_;
    std::uint32_t mask_ = 0;
    void discard(Node* node) const noexcept;
    void discard(Record* record) const noexcept;
    void publish(Node& node) const noexcept;
    shm::Tag node_tag_, record_tag_, text_tag_;
};

}  // namespace fairlead::usrloc
