// AVPs: the list in the arena, and its stored form.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/avp.h"

#include <cstdint>
#include <cstring>

namespace fairlead {
namespace {

// One entry of the stored form, newest first, without gaps or alignment:
//
//   type 1 | name size 4 | string size 4 (integers: 8) | name | string or 8 bytes
constexpr std::size_t kPrefix = 9;

std::size_t payload_size(const Value& value) noexcept {
    return value.is_integer() ? sizeof(std::int64_t) : value.string().size();
}

template <class T>
void put(char*& out, T n) noexcept {
    std::memcpy(out, &n, sizeof n);
    out += sizeof n;
}

void put_text(char*& out, std::string_view s) noexcept {
    if (!s.empty()) std::memcpy(out, s.data(), s.size());
    out += s.size();
}

std::uint32_t read_size(std::string_view s, std::size_t at) noexcept {
    std::uint32_t n;
    std::memcpy(&n, s.data() + at, sizeof n);
    return n;
}

/// Takes an entry off `rest`; false when it is none.
bool take_entry(std::string_view& rest, std::string_view& name, Value& value) noexcept {
    if (rest.size() < kPrefix) return false;
    const auto type = static_cast<Value::Type>(rest[0]);
    const std::size_t name_size = read_size(rest, 1), size = read_size(rest, 5);
    rest.remove_prefix(kPrefix);
    if (name_size > rest.size() || size > rest.size() - name_size) return false;
    name = rest.substr(0, name_size);
    const std::string_view payload = rest.substr(name_size, size);
    rest.remove_prefix(name_size + size);
    if (type == Value::Type::string) {
        value = Value(payload);
        return true;
    }
    std::int64_t number;
    if (type != Value::Type::integer || size != sizeof number) return false;
    std::memcpy(&number, payload.data(), sizeof number);
    value = Value(number);
    return true;
}

}  // namespace

Value Avps::get(std::string_view name, std::size_t index) const noexcept {
    for (const Node* node = first_; node != nullptr; node = node->next)
        if (node->name == name && index-- == 0) return node->value;
    return {};
}

std::size_t Avps::count(std::string_view name) const noexcept {
    std::size_t n = 0;
    for (const Node* node = first_; node != nullptr; node = node->next)
        n += node->name == name ? 1 : 0;
    return n;
}

void Avps::add(std::string_view name, const Value& value) {
    if (value.is_null()) return;
    const Value kept = value.is_string() ? Value(arena_->copy(value.string())) : value;
    first_ = arena_->make<Node>(first_, arena_->copy(name), kept);
}

void Avps::remove_newest(std::string_view name) noexcept {
    for (Node** link = &first_; *link != nullptr; link = &(*link)->next) {
        if ((*link)->name != name) continue;
        *link = (*link)->next;
        return;
    }
}

void Avps::remove_all(std::string_view name) noexcept {
    Node** link = &first_;
    while (*link != nullptr) {
        if ((*link)->name == name)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
}

std::size_t Avps::stored_size() const noexcept {
    std::size_t size = 0;
    for (const Node* node = first_; node != nullptr; node = node->next)
        size += kPrefix + node->name.size() + payload_size(node->value);
    return size;
}

void Avps::store(char* out) const noexcept {
    for (const Node* node = first_; node != nullptr; node = node->next) {
        put(out, node->value.type());
        put(out, static_cast<std::uint32_t>(node->name.size()));
        put(out, static_cast<std::uint32_t>(payload_size(node->value)));
        put_text(out, node->name);
        if (node->value.is_integer())
            put(out, node->value.integer());
        else
            put_text(out, node->value.string());
    }
}

bool Avps::load(std::string_view stored) {
    // One copy holds all names and strings: the stored bytes may go away.
    std::string_view rest = stored.empty() ? stored : arena_->copy(stored);
    Node* first = nullptr;
    Node** link = &first;
    while (!rest.empty()) {
        std::string_view name;
        Value value;
        if (!take_entry(rest, name, value)) return false;
        *link = arena_->make<Node>(nullptr, name, value);
        link = &(*link)->next;
    }
    first_ = first;
    return true;
}

}  // namespace fairlead
