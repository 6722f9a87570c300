// Replaces operator new by one that counts. The array forms call these.
// SPDX-License-Identifier: Apache-2.0
#include "test/support/counted_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> calls{0};

void* counted(std::size_t size) noexcept {
    ++calls;
    return std::malloc(size);
}

}  // namespace

namespace fairlead::test {
std::uint64_t allocations() noexcept {
    return calls;
}
}  // namespace fairlead::test

void* operator new(std::size_t size) {
    void* const block = counted(size);
    if (block == nullptr) std::abort();
    return block;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return counted(size);
}
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    std::free(block);
}
