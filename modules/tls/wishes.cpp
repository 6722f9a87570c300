// Numbers of what scripts want of connections. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/wishes.h"

#include <algorithm>

namespace fairlead::tls {

bool Wishes::prepare(Core& core) {
    table_ = core.memory().make<Table>(core.memory().tag("tls", "wishes"));
    if (table_ == nullptr) return false;
    table_->mutex.init(shm::Rank::table);
    return true;
}

std::uint16_t Wishes::find(const Wish& wish, std::uint16_t count) const noexcept {
    for (std::uint16_t n = 1; n <= count; ++n) {
        const Wish known = get(n);
        if (known.server_id == wish.server_id && known.server_name == wish.server_name) return n;
    }
    return 0;
}

std::uint16_t Wishes::number(const Wish& wish) noexcept {
    if (wish.server_id.empty() && wish.server_name.empty()) return 0;
    if (wish.server_id.size() > kText || wish.server_name.size() > kText) return kNone;
    // Nearly always it is there already.
    if (const auto n = find(wish, table_->count.load(std::memory_order_acquire)); n != 0) return n;
    const shm::Guard guard(*table_);
    const auto count = table_->count.load(std::memory_order_relaxed);
    if (const auto n = find(wish, count); n != 0) return n;
    if (count == kMost) return kNone;
    Item& item = table_->items[count];
    item.id_size = static_cast<std::uint16_t>(wish.server_id.size());
    item.name_size = static_cast<std::uint16_t>(wish.server_name.size());
    std::ranges::copy(wish.server_id, item.id.begin());
    std::ranges::copy(wish.server_name, item.name.begin());
    table_->count.store(count + 1, std::memory_order_release);
    return static_cast<std::uint16_t>(count + 1);
}

Wishes::Wish Wishes::get(std::uint16_t number) const noexcept {
    if (number == 0 || number > table_->count.load(std::memory_order_acquire)) return {};
    const Item& item = table_->items[number - 1U];
    return {{item.id.data(), item.id_size}, {item.name.data(), item.name_size}};
}

}  // namespace fairlead::tls
