// A bump allocator that lives as long as one message.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/arena.h"

#include <algorithm>
#include <cstring>

namespace fairlead {

char* Arena::allocate(std::size_t size) {
    size = (size + 7) & ~std::size_t{7};
    if (static_cast<std::size_t>(end_ - at_) < size) {
        const std::size_t want = std::max(size, first_size_);
        chunks_.push_back({std::make_unique_for_overwrite<char[]>(want), want});
        at_ = chunks_.back().bytes.get();
        end_ = at_ + want;
    }
    char* const block = at_;
    at_ += size;
    used_ += size;
    return block;
}

std::string_view Arena::copy(std::string_view s) {
    return concat({s});
}

std::string_view Arena::concat(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (auto part : parts) size += part.size();
    char* const block = allocate(size);
    char* at = block;
    for (auto part : parts) {
        if (part.empty()) continue;
        std::memcpy(at, part.data(), part.size());
        at += part.size();
    }
    return {block, size};
}

void Arena::reset() noexcept {
    used_ = 0;
    if (chunks_.empty()) return;
    if (chunks_.size() > 1) chunks_.resize(1);
    at_ = chunks_.front().bytes.get();
    end_ = at_ + chunks_.front().size;
}

}  // namespace fairlead
