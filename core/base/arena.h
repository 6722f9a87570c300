// A bump allocator that lives as long as one message: strings made by scripts and edits go here.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fairlead {

/// Per process, not shared. Nothing is freed one by one; reset() forgets everything at once and
/// keeps the first chunk, so a message that stays below it costs no call to the system allocator.
class Arena {
public:
    explicit Arena(std::size_t first_chunk = 64 * 1024) : first_size_(first_chunk) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// Never null; alignment 8. A refused system allocation ends the process.
    [[nodiscard]] char* allocate(std::size_t size);

    /// A copy of `s` that lives until reset().
    [[nodiscard]] std::string_view copy(std::string_view s);
    /// The parts, joined.
    [[nodiscard]] std::string_view concat(std::initializer_list<std::string_view> parts);

    /// A T that lives until reset(); its destructor is never run.
    template <class T, class... A>
        requires std::is_trivially_destructible_v<T>
    [[nodiscard]] T* make(A&&... args) {
        return ::new (allocate(sizeof(T))) T{std::forward<A>(args)...};
    }

    void reset() noexcept;

    /// Bytes handed out since the last reset.
    [[nodiscard]] std::size_t used() const noexcept { return used_; }

private:
    struct Chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
    };
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::size_t used_ = 0;
    std::size_t first_size_;
    std::vector<Chunk> chunks_;
};

}  // namespace fairlead
