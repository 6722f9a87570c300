// AVPs: the variables that belong to a transaction ($avp). Private while a message is worked on; a
// transaction keeps them as one block of bytes in between.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>

#include "core/api/value.h"
#include "core/base/arena.h"

namespace fairlead {

/// A stack per name: a new value hides the older ones (index 0 is the newest).
class Avps {
public:
    explicit Avps(Arena& arena) noexcept : arena_(&arena) {}

    void clear() noexcept { first_ = nullptr; }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    /// Null when there is no such value.
    [[nodiscard]] Value get(std::string_view name, std::size_t index = 0) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    /// Puts a value in front; name and string are copied into the arena.
    void add(std::string_view name, const Value& value);
    void remove_newest(std::string_view name) noexcept;
    void remove_all(std::string_view name) noexcept;

    /// For the transaction: size of the stored form, writing it, and reading it back (which
    /// replaces the list; false when the bytes are not a stored form).
    [[nodiscard]] std::size_t stored_size() const noexcept;
    void store(char* out) const noexcept;
    bool load(std::string_view stored);

private:
    struct Node {
        Node* next;
        std::string_view name;
        Value value;
    };
    Arena* arena_;
    Node* first_ = nullptr;
};

}  // namespace fairlead
