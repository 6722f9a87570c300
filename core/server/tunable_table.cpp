// The tunables of all modules and what operators changed of them, in shared memory.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/tunable_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace fairlead::server {

Result<void> TunableTable::fill(const module::Registry& registry, shm::Segment& memory) {
    const auto tag = memory.tag("core", "tunables");
    shared_ = memory.make<Shared>(tag);
    if (shared_ == nullptr) return fail("no shared memory for what can be tuned");
    shared_->mutex.init(shm::Rank::table);
    for (const auto& loaded : registry.modules()) {
        for (const Tunable& row : loaded->descriptor->tunables) {
            entries_.push_back({row.group.empty() ? std::string_view(loaded->name) : row.group,
                                row.name, &row, loaded->object.get()});
            const Value now = row.get(*loaded->object);
            originals_.push_back({now.is_string(), now.integer(), std::string(now.string())});
            cells_.push_back(memory.make<Cell>(tag));
            if (cells_.back() == nullptr) return fail("no shared memory for what can be tuned");
        }
    }
    return {};
}

const Tunables::Entry* TunableTable::find(std::string_view group,
                                          std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(
        entries_, [&](const Entry& e) { return e.group == group && e.name == name; });
    return found != entries_.end() ? &*found : nullptr;
}

Value TunableTable::original(const Entry& entry) const {
    const Original& value = originals_[static_cast<std::size_t>(&entry - entries_.data())];
    return value.is_text ? Value(std::string_view(value.text)) : Value(value.number);
}

Result<void> TunableTable::set(const Entry& entry, const Value& value) {
    const Tunable& row = *entry.row;
    if (row.is_text != value.is_string() || value.is_null())
        return fail(fmt::format("{}.{} is {}", entry.group, entry.name,
                                row.is_text ? "a text" : "an integer"));
    if (row.is_text && value.string().size() > kMaxTunableText)
        return fail(fmt::format("{}.{} takes {} bytes", entry.group, entry.name, kMaxTunableText));
    if (!row.is_text && (value.integer() < row.min || value.integer() > row.max))
        return fail(
            fmt::format("{}.{} is between {} and {}", entry.group, entry.name, row.min, row.max));
    Cell& cell = *cells_[static_cast<std::size_t>(&entry - entries_.data())];
    {
        const shm::Guard guard(*shared_);
        cell.number = value.integer();
        cell.size = static_cast<std::uint32_t>(value.string().size());
        std::memcpy(cell.text.data(), value.string().data(), cell.size);
        const auto next = shared_->version.load(std::memory_order_relaxed) + 1;
        cell.version = next;
        shared_->version.store(next, std::memory_order_release);
    }
    follow();
    return {};
}

void TunableTable::take_changes() noexcept {
    // Read first: what changes meanwhile is looked at again at the next call.
    const auto now = shared_->version.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        Cell copy;
        {
            const shm::Guard guard(*shared_);
            copy = *cells_[i];
        }
        if (copy.version <= seen_) continue;
        const Value value = entries_[i].row->is_text
                                ? Value(std::string_view(copy.text.data(), copy.size))
                                : Value(copy.number);
        entries_[i].row->set(*entries_[i].object, value);
    }
    seen_ = now;
}

}  // namespace fairlead::server
