// XAVPs: the lists in the arena, and their stored form.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/avp.h"

#include <cstring>

#include "core/base/text.h"

namespace fairlead {
namespace {

// One entry of the stored form, in the order of the list, without gaps or alignment:
//
//   kind 1 | name size 4 | payload size 4 | name | 8 bytes, string, or the entries of the set
enum class Kind : std::uint8_t { null, integer, string, set };
constexpr std::size_t kPrefix = 9;

Kind kind_of(const Xavp& x) noexcept {
    if (x.is_set) return Kind::set;
    if (x.value.is_integer()) return Kind::integer;
    return x.value.is_string() ? Kind::string : Kind::null;
}

std::size_t list_size(const Xavp* first) noexcept;
std::size_t payload_size(const Xavp& x) noexcept {
    if (x.is_set) return list_size(x.fields);
    return x.value.is_integer() ? sizeof(std::int64_t) : x.value.string().size();
}
std::size_t list_size(const Xavp* first) noexcept {
    std::size_t size = 0;
    for (; first != nullptr; first = first->next)
        size += kPrefix + first->name.size() + payload_size(*first);
    return size;
}

template <class T>
void put(char** out, T n) noexcept {
    std::memcpy(*out, &n, sizeof n);
    *out += sizeof n;
}
void put_text(char** out, std::string_view s) noexcept {
    if (!s.empty()) std::memcpy(*out, s.data(), s.size());
    *out += s.size();
}
void put_list(char** out, const Xavp* first) noexcept {
    for (; first != nullptr; first = first->next) {
        put(out, kind_of(*first));
        put(out, static_cast<std::uint32_t>(first->name.size()));
        put(out, static_cast<std::uint32_t>(payload_size(*first)));
        put_text(out, first->name);
        if (first->is_set) {
            put_list(out, first->fields);
        } else if (first->value.is_integer()) {
            put(out, first->value.integer());
        } else {
            put_text(out, first->value.string());
        }
    }
}

std::uint32_t read_size(std::string_view s, std::size_t at) noexcept {
    std::uint32_t n = 0;
    std::memcpy(&n, s.data() + at, sizeof n);
    return n;
}

}  // namespace

bool Xavps::same(std::string_view a, std::string_view b) const noexcept {
    return names_ == Names::without_case ? text::ci_equal(a, b) : a == b;
}

std::size_t Xavps::count(const Xavp* first, std::string_view name) const noexcept {
    std::size_t n = 0;
    for (; first != nullptr; first = first->next) n += same(first->name, name) ? 1 : 0;
    return n;
}

Xavp* Xavps::find(Xavp* first, std::string_view name, std::int64_t index) const noexcept {
    if (index < 0) index += static_cast<std::int64_t>(count(first, name));
    if (index < 0) return nullptr;
    for (; first != nullptr; first = first->next)
        if (same(first->name, name) && index-- == 0) return first;
    return nullptr;
}

Xavp* Xavps::add(Xavp** list, std::string_view name, const Value& value) {
    *list = arena_->make<Xavp>(*list, arena_->copy(name));
    assign(*list, value);
    return *list;
}

Xavp* Xavps::add_set(Xavp** list, std::string_view name) {
    Xavp* const made = add(list, name, Value());
    made->is_set = true;
    return made;
}

Xavp* Xavps::append(Xavp** list, std::string_view name, const Value& value) {
    while (*list != nullptr) list = &(*list)->next;
    return add(list, name, value);
}

void Xavps::assign(Xavp* entry, const Value& value) {
    entry->value = value.is_string() ? Value(arena_->copy(value.string())) : value;
    entry->fields = nullptr;
    entry->is_set = false;
}

Xavp* Xavps::copy_list(const Xavp* first, int depth) {
    Xavp* out = nullptr;
    Xavp** end = &out;
    for (; first != nullptr && depth <= kMaxDepth; first = first->next) {
        *end = arena_->make<Xavp>(nullptr, first->name, first->value,
                                  copy_list(first->fields, depth + 1), first->is_set);
        end = &(*end)->next;
    }
    return out;
}

void Xavps::assign(Xavp* entry, const Xavp& from) {
    // Names and strings in the arena are never written again: the copies may share them.
    Xavp* const fields = copy_list(from.fields, 1);
    entry->value = from.value;
    entry->is_set = from.is_set;
    entry->fields = fields;
}

void Xavps::remove(Xavp** list, const Xavp* entry) noexcept {
    for (; *list != nullptr; list = &(*list)->next) {
        if (*list != entry) continue;
        *list = entry->next;
        return;
    }
}

void Xavps::remove_all(Xavp** list, std::string_view name) const noexcept {
    while (*list != nullptr) {
        if (same((*list)->name, name)) {
            *list = (*list)->next;
        } else {
            list = &(*list)->next;
        }
    }
}

std::size_t Xavps::stored_size() const noexcept {
    return list_size(first_);
}

void Xavps::store(char* out) const noexcept {
    put_list(&out, first_);
}

bool Xavps::load_list(std::string_view rest, int depth, Xavp** list) {
    if (depth > kMaxDepth) return false;
    while (!rest.empty()) {
        if (rest.size() < kPrefix) return false;
        const auto kind = static_cast<Kind>(rest[0]);
        const std::size_t name_size = read_size(rest, 1), size = read_size(rest, 5);
        rest.remove_prefix(kPrefix);
        if (name_size > rest.size() || size > rest.size() - name_size) return false;
        Xavp* const made = arena_->make<Xavp>(nullptr, rest.substr(0, name_size));
        const std::string_view payload = rest.substr(name_size, size);
        rest.remove_prefix(name_size + size);
        std::int64_t number = 0;
        switch (kind) {
            case Kind::null: break;
            case Kind::string: made->value = payload; break;
            case Kind::integer:
                if (size != sizeof number) return false;
                std::memcpy(&number, payload.data(), sizeof number);
                made->value = number;
                break;
            case Kind::set:
                made->is_set = true;
                if (!load_list(payload, depth + 1, &made->fields)) return false;
                break;
            default: return false;
        }
        *list = made;
        list = &made->next;
    }
    return true;
}

bool Xavps::load(std::string_view stored) {
    // One copy holds all names and strings: the stored bytes may go away.
    Xavp* first = nullptr;
    if (!load_list(stored.empty() ? stored : arena_->copy(stored), 0, &first)) return false;
    first_ = first;
    return true;
}

}  // namespace fairlead
