// One hash table in shared memory.
// SPDX-License-Identifier: Apache-2.0
#include "modules/htable/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "core/api/core.h"
#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::htable {

namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr std::int64_t kMaxSeconds = 10LL * 365 * 24 * 3600;

std::string_view key_of(const Item& item) noexcept {
    return {item.key.get(), item.key_size};
}

constexpr std::size_t kLength = sizeof(std::uint32_t);

std::string_view view(const char* text) noexcept {
    std::uint32_t size = 0;
    std::memcpy(&size, text, kLength);
    return {text + kLength, size};
}

/// Items noted under a slot's lock, which must not allocate. note() says false when there is no
/// room; then the caller lets go of the lock, calls grow() and begins again.
class Notes {
public:
    bool note(const Item& item) noexcept {
        const char* const text = item.text.get();
        const std::string_view key = key_of(item);
        const std::string_view value = text != nullptr ? view(text) : std::string_view();
        bytes_needed_ += key.size() + value.size();
        if (++items_needed_ > items_.size() || bytes_needed_ > bytes_.size()) return false;
        items_[items_needed_ - 1] = {key.size(), value.size(), item.number, item.expires,
                                     text != nullptr};
        put(key);
        put(value);
        return true;
    }
    /// True when everything fitted.
    [[nodiscard]] bool complete() const noexcept {
        return items_needed_ <= items_.size() && bytes_needed_ <= bytes_.size();
    }
    void grow() {
        items_.resize(std::max(items_.size(), items_needed_));
        bytes_.resize(std::max(bytes_.size(), bytes_needed_));
        items_needed_ = bytes_needed_ = used_ = 0;
    }
    void append_to(std::vector<Copied>& out) const {
        std::string_view rest(bytes_);
        const auto take = [&rest](std::size_t size) {
            const std::string_view part = rest.substr(0, size);
            rest.remove_prefix(size);
            return std::string(part);
        };
        for (const Noted& n : std::span(items_).first(items_needed_)) {
            Copied& copy = out.emplace_back();
            copy.key = take(n.key);
            copy.text = take(n.text);
            copy.number = n.number;
            copy.expires = n.expires;
            copy.is_text = n.is_text;
        }
    }

private:
    struct Noted {
        std::size_t key, text;
        std::int64_t number, expires;
        bool is_text;
    };
    void put(std::string_view s) noexcept {
        if (!s.empty()) std::memcpy(bytes_.data() + used_, s.data(), s.size());
        used_ += s.size();
    }
    std::vector<Noted> items_;
    std::string bytes_;
    std::size_t used_ = 0, items_needed_ = 0, bytes_needed_ = 0;
};

/// "'key,value,more'", with or without the quotes.
Result<void> set_columns(Definition& d, std::string_view list) {
    if (list.size() >= 2 && (list.front() == '\'' || list.front() == '"') &&
        list.back() == list.front()) {
        list = list.substr(1, list.size() - 2);
    }
    constexpr std::size_t kMost = 32;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        const std::string_view one = text::trim(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
        if (!is_column(one)) return fail(fmt::format("cols: \"{}\" cannot be a column", one));
        d.columns.emplace_back(one);
    }
    if (d.columns.size() >= 2 && d.columns.size() <= kMost) return {};
    return fail("cols names the key's column and one or more for the value");
}

Result<void> set_attribute(Definition& d, std::string_view name, std::string_view value) {
    const auto number = text::parse_int(value);
    if (name == "cols") return set_columns(d, value);
    if (name == "dbtable") {
        d.database_table = value;
        if (value.empty() || is_column(value)) return {};
        return fail(fmt::format("dbtable: \"{}\" cannot be a table", value));
    }
    if (name == "dmqreplicate") {
        if (value.empty() || (number && *number == 0)) return {};
        return fail("dmqreplicate: tables are not replicated");
    }
    if (!number) return fail(fmt::format("\"{}={}\" is no number", name, value));
    if (name == "size") {
        constexpr unsigned kLeast = 3, kMost = 14;
        d.size = *number < 2 ? kLeast : *number > 31 ? kMost : static_cast<unsigned>(*number);
    } else if (name == "autoexpire") {
        if (*number < 0 || *number > kMaxSeconds) {
            return fail(fmt::format("autoexpire={} is out of range", value));
        }
        d.autoexpire = *number;
    } else if (name == "initval") {
        d.initial = number;
    } else if (name == "updateexpire") {
        d.update_expire = *number != 0;
    } else if (name == "dbmode") {
        d.write_back = *number != 0;
    } else {
        return fail(fmt::format("a table has no attribute \"{}\"", name));
    }
    return {};
}

}  // namespace

bool is_column(std::string_view name) noexcept {
    return !name.empty() && !text::is_digit(name.front()) && std::ranges::all_of(name, [](char c) {
        const char l = text::to_lower(c);
        return c == '_' || text::is_digit(c) || (l >= 'a' && l <= 'z');
    });
}

Result<Definition> parse_definition(std::string_view text) {
    const std::size_t arrow = text.find("=>");
    Definition d;
    d.name = text::trim(text.substr(0, arrow));
    if (d.name.empty()) return fail(fmt::format("\"{}\" is not name=>size=number", text));
    std::string_view rest = arrow == text.npos ? std::string_view() : text.substr(arrow + 2);
    while (!text::trim(rest).empty()) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view one = text::trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (one.empty()) continue;
        const std::size_t equals = one.find('=');
        TRY(set_attribute(
            d, text::trim(one.substr(0, equals)),
            equals == one.npos ? std::string_view() : text::trim(one.substr(equals + 1))));
    }
    return d;
}

Result<void> Table::prepare(Core& core, const Counts& counts) {
    core_ = &core;
    counts_ = counts;
    shm::Segment& memory = core.memory();
    item_tag_ = memory.tag("htable", "item");
    key_tag_ = memory.tag("htable", "key");
    text_tag_ = memory.tag("htable", "text");
    seed_ = static_cast<std::uint32_t>(core.random().next());
    const std::size_t count = std::size_t{1} << definition_.size;
    slots_ =
        static_cast<Slot*>(memory.allocate(count * sizeof(Slot), memory.tag("htable", "slots")));
    if (slots_ == nullptr) {
        return fail(
            fmt::format("no shared memory for table {} with {} slots: raise shm_mem_size "
                        "(-m) or lower its size",
                        definition_.name, count));
    }
    for (Slot& slot : std::span(slots_, count)) {
        slot = {};
        slot.mutex.init(shm::Rank::table);
    }
    mask_ = static_cast<std::uint32_t>(count - 1);
    return {};
}

std::int64_t Table::now() const noexcept {
    return core_->clock().now().count();
}

std::uint32_t Table::hash(std::string_view key) const noexcept {
    // FNV-1a with a seed that nobody outside knows, so that keys cannot be made to collide easily.
    std::uint64_t h = 0xcbf29ce484222325ULL ^ seed_;
    for (const char c : key) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return static_cast<std::uint32_t>(h ^ h >> 32);
}

Item* Table::find(const Slot& slot, std::string_view key, std::uint32_t hash,
                  Item** before) const noexcept {
    Item* previous = nullptr;
    for (Item* item = slot.first.get(); item != nullptr; item = item->next.get()) {
        if (item->hash == hash && key_of(*item) == key) {
            if (before != nullptr) *before = previous;
            return item;
        }
        previous = item;
    }
    return nullptr;
}

Item* Table::make(std::string_view key, std::uint32_t hash) noexcept {
    shm::Segment& memory = core_->memory();
    if (memory.under_pressure()) return nullptr;
    Item* const item = memory.make<Item>(item_tag_, shm::Hold::in_hand);
    if (item == nullptr) return nullptr;
    item->key = memory.copy(key, key_tag_, shm::Hold::in_hand);
    if (!item->key && !key.empty()) {
        memory.free(item);
        return nullptr;
    }
    item->hash = hash;
    item->key_size = static_cast<std::uint32_t>(key.size());
    return item;
}

void Table::link(Slot& slot, Item& item) noexcept {
    item.next = slot.first;
    // A process that dies between these lines loses a block; the other order could free one that is
    // linked.
    if (item.key) core_->memory().publish(item.key.get());
    core_->memory().publish(&item);
    slot.first = &item;
    counts_.added.add();
}

void Table::discard(Item& item) noexcept {
    core_->memory().free(item.text.get());
    core_->memory().free(item.key.get());
    core_->memory().free(&item);
}

char* Table::store(std::string_view text) const noexcept {
    char* const block =
        static_cast<char*>(core_->memory().allocate(kLength + text.size(), text_tag_));
    if (block == nullptr) return nullptr;
    const auto size = static_cast<std::uint32_t>(text.size());
    std::memcpy(block, &size, kLength);
    if (!text.empty()) std::memcpy(block + kLength, text.data(), text.size());
    return block;
}

bool Table::put(Item& item, const Value& value) noexcept {
    char* const old = item.text.get();
    if (value.is_string()) {
        char* const text = store(value.string());
        if (text == nullptr) return false;
        item.text = text;
    } else {
        item.number = value.integer();
        item.text = nullptr;
    }
    core_->memory().free(old);
    return true;
}

void Table::touch(Item& item, bool is_new, std::optional<std::int64_t> seconds) const noexcept {
    if (definition_.autoexpire == 0) return;
    if (!seconds && !is_new && !definition_.update_expire) return;
    const std::int64_t wanted =
        std::clamp<std::int64_t>(seconds.value_or(definition_.autoexpire), 0, kMaxSeconds);
    item.expires = now() + wanted * kMsPerSecond;
}

void Table::unlink(Slot& slot, Item* before, Item& item) noexcept {
    (before != nullptr ? before->next : slot.first) = item.next;
    discard(item);
    counts_.removed.add();
}

Value Table::get(Arena& arena, std::string_view key) const {
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    const Item* const item = find(slot, key, h);
    if (item == nullptr || is_over(*item)) {
        return definition_.initial ? Value(*definition_.initial) : Value();
    }
    const char* const text = item->text.get();
    return text != nullptr ? Value(arena.copy(view(text))) : Value(item->number);
}

bool Table::set(std::string_view key, const Value& value, std::optional<std::int64_t> seconds) {
    if (key.size() > kMaxKey || value.string().size() > kMaxText) {
        counts_.refused.add();
        return false;
    }
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    Item* const known = find(slot, key, h);
    Item* const item = known != nullptr ? known : make(key, h);
    const bool is_new = known == nullptr || is_over(*known);
    if (item == nullptr || !put(*item, value)) {
        if (known == nullptr && item != nullptr) discard(*item);
        counts_.refused.add();
        return false;
    }
    touch(*item, is_new, seconds);
    if (known != nullptr) return true;
    link(slot, *item);
    return true;
}

bool Table::restore(const Copied& item) {
    if (!set(item.key, item.value())) return false;
    const std::uint32_t h = hash(item.key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    if (Item* const stored = find(slot, item.key, h); stored != nullptr)
        stored->expires = item.expires;
    return true;
}

bool Table::remove(std::string_view key) {
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    Item* before = nullptr;
    Item* const item = find(slot, key, h, &before);
    if (item == nullptr) return false;
    unlink(slot, before, *item);
    return true;
}

Value Table::add(std::string_view key, std::int64_t n) {
    if (key.size() > kMaxKey) return {};
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    Item* const known = find(slot, key, h);
    const bool fresh = known == nullptr || is_over(*known);
    if (fresh && !definition_.initial) return {};
    if (!fresh && known->text) return {};
    Item* const item = known != nullptr ? known : make(key, h);
    if (item == nullptr) {
        counts_.refused.add();
        return {};
    }
    // Overflow wraps: the sum is made on unsigned numbers.
    const auto base = static_cast<std::uint64_t>(fresh ? *definition_.initial : item->number);
    (void)put(*item, static_cast<std::int64_t>(base + static_cast<std::uint64_t>(n)));
    touch(*item, fresh, std::nullopt);
    if (known == nullptr) link(slot, *item);
    return item->number;
}

std::int64_t Table::seconds_left(std::string_view key) const {
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    const Item* const item = find(slot, key, h);
    if (item == nullptr || item->expires == 0 || is_over(*item)) return 0;
    return (item->expires - now() + kMsPerSecond - 1) / kMsPerSecond;
}

bool Table::set_seconds(std::string_view key, std::int64_t seconds) {
    const std::uint32_t h = hash(key);
    Slot& slot = slot_of(h);
    const shm::Guard<Slot> guard(slot);
    Item* const item = find(slot, key, h);
    if (item == nullptr || is_over(*item) || definition_.autoexpire == 0) return false;
    touch(*item, false, seconds);
    return true;
}

void Table::copy_slot(std::size_t index, std::vector<Copied>& out) const {
    Slot& slot = slots_[index];
    Notes notes;
    const std::int64_t at = now();
    for (;; notes.grow()) {
        const shm::Guard<Slot> guard(slot);
        for (const Item* item = slot.first.get(); item != nullptr; item = item->next.get()) {
            if (!is_over(*item, at)) (void)notes.note(*item);
        }
        if (notes.complete()) break;
    }
    notes.append_to(out);
}

std::size_t Table::count_slot(std::size_t index) const noexcept {
    Slot& slot = slots_[index];
    const shm::Guard<Slot> guard(slot);
    std::size_t count = 0;
    for (const Item* item = slot.first.get(); item != nullptr; item = item->next.get())
        if (!is_over(*item)) ++count;
    return count;
}

void Table::expire_slot(std::size_t index, std::vector<Copied>* out) {
    Notes notes;
    const std::int64_t at = now();
    Slot& slot = slots_[index];
    for (;; notes.grow()) {
        const shm::Guard<Slot> guard(slot);
        for (const Item* item = slot.first.get(); item != nullptr; item = item->next.get()) {
            if (out != nullptr && is_over(*item, at)) (void)notes.note(*item);
        }
        if (!notes.complete()) continue;
        remove_over(slot, at);
        break;
    }
    if (out != nullptr) notes.append_to(*out);
}

void Table::remove_over(Slot& slot, std::int64_t at) noexcept {
    Item* before = nullptr;
    for (Item* item = slot.first.get(); item != nullptr;) {
        Item* const next = item->next.get();
        if (is_over(*item, at)) {
            unlink(slot, before, *item);
            counts_.expired.add();
        } else {
            before = item;
        }
        item = next;
    }
}

bool Table::hold(std::string_view key) {
    Slot& slot = slot_of(hash(key));
    const auto self = static_cast<std::uint16_t>(core_->process().slot + 1);
    const shm::Guard<Slot> guard(slot);
    const bool taken = slot.holder != 0 && slot.holder != self && slot.held_until > now();
    if (taken) {
        counts_.lock_refused.add();
        return false;
    }
    slot.depth = slot.holder == self ? slot.depth + 1 : 1;
    slot.holder = self;
    slot.held_until = now() + kHoldFor;
    return true;
}

bool Table::let_go(std::string_view key) {
    Slot& slot = slot_of(hash(key));
    const auto self = static_cast<std::uint16_t>(core_->process().slot + 1);
    const shm::Guard<Slot> guard(slot);
    if (slot.holder != self) return false;
    if (--slot.depth == 0) slot.holder = 0;
    return true;
}

void Table::let_go_of_all(std::uint16_t process) noexcept {
    const auto holder = static_cast<std::uint16_t>(process + 1);
    for (std::size_t i = 0; i < slots(); ++i) {
        const shm::Guard<Slot> guard(slots_[i]);
        if (slots_[i].holder == holder) slots_[i].holder = 0;
    }
}

}  // namespace fairlead::htable
