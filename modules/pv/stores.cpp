// Variables that scripts make themselves.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/stores.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::pv {

namespace {

struct Given {
    std::string name;
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;
};

/// "name=i:5", "name=s:text".
Result<Given> given(const Value& value) {
    const std::string_view all = value.string();
    const std::size_t equals = all.find('=');
    const std::string_view name = text::trim(all.substr(0, equals));
    const std::string_view rest =
        equals == all.npos ? std::string_view() : text::trim(all.substr(equals + 1));
    if (name.empty() || rest.size() < 2 || rest[1] != ':' || (rest[0] != 'i' && rest[0] != 's')) {
        return fail(fmt::format("\"{}\" is not name=i:number or name=s:text", all));
    }
    Given out{std::string(name), rest[0] == 's', 0, std::string(rest.substr(2))};
    if (out.is_text) return out;
    const auto number = text::parse_int(rest.substr(2));
    if (!number) return fail(fmt::format("\"{}\" is no number", rest.substr(2)));
    out.number = *number;
    return out;
}

}  // namespace

// ---- In the process -----------------------------------------------------------------------------

std::uint64_t PrivateStore::resolve(std::string_view name) {
    if (const auto known = names_.find(name); known != names_.end()) return known->second + 1;
    fill(slots_.emplace_back(), initial_);
    names_.emplace(name, slots_.size() - 1);
    return slots_.size();
}

void PrivateStore::fill(Slot& slot, const Value& value) {
    slot.type = value.type();
    slot.number = value.integer();
    if (value.is_string()) slot.text.assign(value.string());
}

Value PrivateStore::get(Message& m, const VariableName& name) const {
    std::size_t index = name.handle;
    if (index == 0) {
        const auto known = names_.find(name.inner);
        if (known == names_.end()) return initial_;
        index = known->second + 1;
    }
    const Slot& slot = slots_[index - 1];
    switch (slot.type) {
        case Value::Type::integer: return slot.number;
        // A copy: the slot may be set anew while the value is still used.
        case Value::Type::string: return m.arena.copy(slot.text);
        case Value::Type::null: break;
    }
    return {};
}

bool PrivateStore::set(const VariableName& name, const Value& value) {
    std::size_t index = name.handle;
    if (index == 0) {
        if (slots_.size() >= kMost && names_.find(name.inner) == names_.end()) {
            LOG(error, "more than {} variables: \"{}\" was not set", kMost, name.inner);
            return false;
        }
        index = resolve(name.inner);
    }
    fill(slots_[index - 1], value.is_null() ? initial_ : value);
    return true;
}

Result<void> PrivateStore::parameter(const Value& value) {
    const Given g = TRY(given(value));
    fill(slots_[resolve(g.name) - 1],
         g.is_text ? Value(std::string_view(g.text)) : Value(g.number));
    return {};
}

// ---- In shared memory ---------------------------------------------------------------------------

std::uint64_t SharedStore::resolve(std::string_view name) {
    return names_.emplace(name, names_.size()).first->second + 1;
}

Result<void> SharedStore::parameter(const Value& value) {
    Given g = TRY(given(value));
    (void)resolve(g.name);
    initial_[g.name] = {g.is_text, g.number, std::move(g.text)};
    return {};
}

Result<void> SharedStore::prepare(Core& core) {
    memory_ = &core.memory();
    cell_tag_ = memory_->tag("pv", "shv");
    text_tag_ = memory_->tag("pv", "shv_text");
    cells_.resize(names_.size());
    for (const auto& [name, index] : names_) {
        Cell* const cell = memory_->make<Cell>(cell_tag_);
        if (cell == nullptr) return fail("not enough shared memory for $shv variables");
        cell->mutex.init(shm::Rank::table);
        cell->type = static_cast<std::uint8_t>(Value::Type::integer);
        cells_[index] = cell;
        const auto initial = initial_.find(name);
        if (initial == initial_.end()) continue;
        const Initial& i = initial->second;
        if (!put(*cell, i.is_text ? Value(std::string_view(i.text)) : Value(i.number))) {
            return fail(fmt::format("$shv({}) could not be given its first value", name));
        }
    }
    return {};
}

SharedStore::Cell* SharedStore::find(const VariableName& name) const noexcept {
    if (name.handle != 0 && name.handle <= cells_.size()) return cells_[name.handle - 1];
    const auto known = names_.find(name.inner);
    return known != names_.end() && known->second < cells_.size() ? cells_[known->second] : nullptr;
}

Value SharedStore::get(Message& m, const VariableName& name) const {
    Cell* const cell = find(name);
    if (cell == nullptr) return {};
    // Room for the text is made outside of the lock; a text that grew meanwhile needs another turn.
    for (std::size_t room = 0;;) {
        char* const out = m.arena.allocate(room);
        const shm::Guard guard(*cell);
        if (cell->type == static_cast<std::uint8_t>(Value::Type::integer)) return cell->number;
        if (cell->type != static_cast<std::uint8_t>(Value::Type::string)) return {};
        if (cell->size <= room) {
            if (cell->size != 0) std::memcpy(out, cell->text.get(), cell->size);
            return std::string_view(out, cell->size);
        }
        room = cell->size;
    }
}

bool SharedStore::put(Cell& cell, const Value& value) {
    char* fresh = nullptr;
    if (value.is_string() && !value.string().empty()) {
        if (value.string().size() > kMaxText) {
            LOG(error, "a text of more than {} bytes was not stored in $shv", kMaxText);
            return false;
        }
        fresh = memory_->copy(value.string(), text_tag_);
        if (fresh == nullptr) {
            LOG(error, "shared memory is full: $shv was not set");
            return false;
        }
    }
    char* old = nullptr;
    {
        const shm::Guard guard(cell);
        cell.type = static_cast<std::uint8_t>(Value::Type::null);
        old = cell.text.get();
        cell.text = fresh;
        cell.size = static_cast<std::uint32_t>(value.string().size());
        cell.number = value.integer();
        cell.type = static_cast<std::uint8_t>(value.type());
    }
    memory_->free(old);
    return true;
}

bool SharedStore::set(const VariableName& name, const Value& value) {
    Cell* const cell = find(name);
    if (cell == nullptr) {
        LOG(error, "$shv({}) was not set: its name is written nowhere in the configuration",
            name.inner);
        return false;
    }
    return put(*cell, value.is_null() ? Value(0) : value);
}

}  // namespace fairlead::pv
