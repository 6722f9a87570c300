// Walking a table. An iterator holds copies of one slot at a time and no lock, so that the script
// may do what it likes between two steps.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/api/log.h"
#include "modules/htable/htable.h"

namespace fairlead::htable {

Htable::Iterator* Htable::iterator(std::string_view name) noexcept {
    const auto found = std::ranges::find(iterators_, name, &Iterator::name);
    return name.empty() || found == iterators_.end() ? nullptr : &*found;
}

Verdict Htable::sht_iterator_start(Message& m, std::string_view name, std::string_view table) {
    (void)m;
    Table* const wanted = named(table);
    Iterator* it = iterator(name);
    if (it == nullptr) {
        const auto free = std::ranges::find(iterators_, std::string(), &Iterator::name);
        if (free == iterators_.end()) {
            LOG(error, "there are {} iterators already", kIterators);
            return Verdict::no;
        }
        it = &*free;
    }
    if (wanted == nullptr || name.empty()) return Verdict::no;
    *it = {std::string(name), wanted, 0, 0, {}};
    wanted->copy_slot(0, it->items);
    return Verdict::yes;
}

Verdict Htable::sht_iterator_end(Message& m, std::string_view name) {
    (void)m;
    Iterator* const it = iterator(name);
    if (it == nullptr) return Verdict::no;
    *it = {};
    return Verdict::yes;
}

Verdict Htable::sht_iterator_next(Message& m, std::string_view name) {
    (void)m;
    Iterator* const it = iterator(name);
    if (it == nullptr) return Verdict::no;
    if (it->item < it->items.size()) {
        ++it->item;
        return Verdict::yes;
    }
    it->item = 0;
    it->items.clear();
    while (it->items.empty() && it->slot + 1 < it->table->slots()) {
        it->table->copy_slot(++it->slot, it->items);
    }
    if (it->items.empty()) return Verdict::no;
    it->item = 1;
    return Verdict::yes;
}

Verdict Htable::sht_iterator_rm(Message& m, std::string_view name) {
    Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    if (now == nullptr) return Verdict::no;
    it->table->remove(now->key);
    constexpr int kLast = -2;  // removed, and nothing follows
    return sht_iterator_next(m, name) == Verdict::yes ? Verdict::yes : Verdict(kLast);
}

Verdict Htable::sht_iterator_sets(Message& m, std::string_view name, std::string_view value) {
    (void)m;
    Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    return Verdict::of(now != nullptr && it->table->set(now->key, value));
}

Verdict Htable::sht_iterator_seti(Message& m, std::string_view name, Value value) {
    (void)m;
    Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    const auto number = number_of(value);
    return now != nullptr && number && it->table->set(now->key, *number) ? Verdict::yes
                                                                         : Verdict::no;
}

Verdict Htable::sht_iterator_setex(Message& m, std::string_view name, Value seconds) {
    (void)m;
    Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    const auto number = number_of(seconds);
    return now != nullptr && number && it->table->set_seconds(now->key, *number) ? Verdict::yes
                                                                                 : Verdict::no;
}

Value Htable::iterator_key(Message& m, std::string_view name) {
    const Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    return now != nullptr ? Value(m.arena.copy(now->key)) : Value();
}

Value Htable::iterator_value(Message& m, std::string_view name) {
    const Iterator* const it = iterator(name);
    const Copied* const now = it != nullptr ? it->current() : nullptr;
    if (now == nullptr) return {};
    return now->is_text ? Value(m.arena.copy(now->text)) : Value(now->number);
}

}  // namespace fairlead::htable
