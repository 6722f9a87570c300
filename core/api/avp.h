// AVPs and XAVPs: the variables that belong to a transaction ($avp, $xavp, $xavu, $xavi). Private
// while a message is worked on; a transaction keeps them as one block of bytes in between.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
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

/// An entry of XAVPs: a value, or a set whose entries are `fields`. A null that is no set is a name
/// without a value.
struct Xavp {
    Xavp* next = nullptr;
    std::string_view name;
    Value value;
    Xavp* fields = nullptr;
    bool is_set = false;
};

/// Lists of named values and of sets of named values.
class Xavps {
public:
    /// Sets inside of sets, at most; a deeper stored form is refused.
    static constexpr int kMaxDepth = 8;
    enum class Names : std::uint8_t { as_written, without_case };

    explicit Xavps(Arena& arena, Names names = Names::as_written) noexcept
        : arena_(&arena), names_(names) {}

    void clear() noexcept { first_ = nullptr; }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    /// The list of all roots; `&set->fields` is that of a set.
    [[nodiscard]] Xavp** roots() noexcept { return &first_; }
    [[nodiscard]] const Xavp* roots() const noexcept { return first_; }

    /// The index-th entry of a name, from the last when negative; null when there is none.
    [[nodiscard]] Xavp* find(Xavp* first, std::string_view name,
                             std::int64_t index = 0) const noexcept;
    [[nodiscard]] std::size_t count(const Xavp* first, std::string_view name) const noexcept;
    /// Puts an entry in front; name and string are copied into the arena.
    Xavp* add(Xavp** list, std::string_view name, const Value& value);
    Xavp* add_set(Xavp** list, std::string_view name);
    /// The same at the end.
    Xavp* append(Xavp** list, std::string_view name, const Value& value);
    void assign(Xavp* entry, const Value& value);
    /// A copy of a set's fields or of a value, with everything in it.
    void assign(Xavp* entry, const Xavp& from);
    /// Takes an entry out of the list that it is in.
    static void remove(Xavp** list, const Xavp* entry) noexcept;
    void remove_all(Xavp** list, std::string_view name) const noexcept;

    /// For the transaction: size of the stored form, writing it, and reading it back (which
    /// replaces the list; false when the bytes are not a stored form).
    [[nodiscard]] std::size_t stored_size() const noexcept;
    void store(char* out) const noexcept;
    bool load(std::string_view stored);

private:
    [[nodiscard]] bool same(std::string_view a, std::string_view b) const noexcept;
    [[nodiscard]] Xavp* copy_list(const Xavp* first, int depth);
    bool load_list(std::string_view stored, int depth, Xavp** list);

    Arena* arena_;
    Names names_;
    Xavp* first_ = nullptr;
};

}  // namespace fairlead
