// One hash table in shared memory: items in slots, each slot with its own lock.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "core/api/message.h"
#include "core/api/shm.h"
#include "core/api/value.h"

namespace fairlead::htable {

/// Longest key and text that are kept.
inline constexpr std::size_t kMaxKey = 4096, kMaxText = 65535;

/// A null `text` means that the value is `number`. A text is one block, its length (4 bytes) and
/// the bytes, so that a value changes by one store.
struct Item {
    using ShmSafe = void;
    shm::Ptr<Item> next;
    shm::Ptr<char> key, text;
    std::int64_t number = 0;
    std::int64_t expires = 0;  ///< on the server's clock, in milliseconds; 0: never
    std::uint32_t hash = 0;
    std::uint32_t key_size = 0;
};

struct Slot {
    using ShmSafe = void;
    shm::RobustMutex mutex;
    shm::Ptr<Item> first;
    std::int64_t held_until = 0;  ///< sht_lock: until when, at most
    std::uint32_t depth = 0;      ///< … how often by its holder
    std::uint16_t holder = 0;     ///< … process slot + 1; 0: nobody
    /// Links and values change by one store each; at most one item or text is lost.
    void repair() noexcept {}
};

/// Whether a text can stand in SQL as the name of a table or column.
[[nodiscard]] bool is_column(std::string_view name) noexcept;

/// What the operator wrote: "a=>size=8;autoexpire=120;initval=0".
struct Definition {
    std::string name;
    unsigned size = 8;  ///< 2^size slots
    std::int64_t autoexpire = 0;
    bool update_expire = true;
    std::optional<std::int64_t> initial;
    std::string database_table;        ///< "" when it is read from none
    std::vector<std::string> columns;  ///< "cols": the key's, and one or more for the value
    bool write_back = false;           ///< dbmode
};
[[nodiscard]] Result<Definition> parse_definition(std::string_view text);

/// A copy of an item, for work without the lock.
struct Copied {
    std::string key;
    bool is_text = false;
    std::int64_t number = 0;
    std::int64_t expires = 0;  ///< as Item::expires
    std::string text;
    [[nodiscard]] Value value() const noexcept {
        return is_text ? Value(std::string_view(text)) : Value(number);
    }
};

struct Counts {
    shm::Counter added, removed, refused, expired, lock_refused;
};

/// All calls but prepare() in any process. No lock may be held.
class Table {
public:
    explicit Table(Definition definition) : definition_(std::move(definition)) {}

    /// Before fork.
    Result<void> prepare(Core& core, const Counts& counts);

    [[nodiscard]] const Definition& definition() const noexcept { return definition_; }
    [[nodiscard]] std::size_t slots() const noexcept { return std::size_t{mask_} + 1; }

    /// Null when there is no such item and the table has no initial value.
    [[nodiscard]] Value get(Arena& arena, std::string_view key) const;
    /// False when the key is too long or memory is full (counted).
    bool set(std::string_view key, const Value& value, std::optional<std::int64_t> seconds = {});
    /// As it was copied, with the time when it expires.
    bool restore(const Copied& item);
    bool remove(std::string_view key);
    /// In one step for all processes. Null when there is no number to add to.
    [[nodiscard]] Value add(std::string_view key, std::int64_t n);

    /// Seconds that are left; 0 for items that do not exist or never expire.
    [[nodiscard]] std::int64_t seconds_left(std::string_view key) const;
    /// False when there is no such item, or the items of this table do not expire.
    bool set_seconds(std::string_view key, std::int64_t seconds);

    /// Copies of all items of a slot.
    void copy_slot(std::size_t slot, std::vector<Copied>& out) const;
    [[nodiscard]] std::size_t count_slot(std::size_t slot) const noexcept;
    /// Removes what has expired in a slot; copies of it go to `out` when that is wanted.
    void expire_slot(std::size_t slot, std::vector<Copied>* out);

    /// sht_lock: never waits. False when another process holds the slot.
    bool hold(std::string_view key);
    bool let_go(std::string_view key);
    void let_go_of_all(std::uint16_t process) noexcept;
    [[nodiscard]] std::int64_t now() const noexcept;

private:
    static constexpr std::int64_t kHoldFor = 5000;

    [[nodiscard]] std::uint32_t hash(std::string_view key) const noexcept;
    [[nodiscard]] Slot& slot_of(std::uint32_t hash) const noexcept { return slots_[hash & mask_]; }
    [[nodiscard]] Item* find(const Slot& slot, std::string_view key, std::uint32_t hash,
                             Item** before = nullptr) const noexcept;
    [[nodiscard]] Item* make(std::string_view key, std::uint32_t hash) noexcept;
    bool put(Item& item, const Value& value) noexcept;
    void touch(Item& item, bool is_new, std::optional<std::int64_t> seconds) const noexcept;
    void link(Slot& slot, Item& item) noexcept;
    void unlink(Slot& slot, Item* before, Item& item) noexcept;
    [[nodiscard]] static bool is_over(const Item& item, std::int64_t at) noexcept {
        return item.expires != 0 && item.expires <= at;
    }
    [[nodiscard]] bool is_over(const Item& item) const noexcept { return is_over(item, now()); }
    /// With the slot's lock held.
    void remove_over(Slot& slot, std::int64_t at) noexcept;

    Definition definition_;
    Core* core_ = nullptr;
    Slot* slots_ = nullptr;
    std::uint32_t mask_ = 0, seed_ = 0;
    shm::Tag item_tag_, key_tag_, text_tag_;
    [[nodiscard]] char* store(std::string_view text) const noexcept;
    void discard(Item& item) noexcept;
    Counts counts_;
};

}  // namespace fairlead::htable
