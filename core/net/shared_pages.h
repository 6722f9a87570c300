// Plain memory that a process shares with its successor and the supervisor: mapped before fork,
// zeroed, outside the segment. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <span>
#include <type_traits>

#include "core/base/result.h"

namespace fairlead::net {

/// An array of T. Pages cost nothing until they are touched.
template <class T>
    requires std::is_trivially_destructible_v<T>
class SharedPages {
public:
    SharedPages() = default;
    SharedPages(const SharedPages&) = delete;
    SharedPages& operator=(const SharedPages&) = delete;
    ~SharedPages() {
        if (!items_.empty()) munmap(items_.data(), items_.size_bytes());
    }

    /// Once.
    [[nodiscard]] Result<void> map(std::size_t count) {
        auto* const at = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) return fail("cannot map memory for packets");
        items_ = {static_cast<T*>(at), count};
        return {};
    }
    [[nodiscard]] std::span<T> items() const noexcept { return items_; }

private:
    std::span<T> items_;
};

}  // namespace fairlead::net
