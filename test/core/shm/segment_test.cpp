// The allocator in one process: classes, limits, tags, holds, pressure, faults.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/segment.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <vector>

#include "core/base/random.h"
#include "core/shm/size_class.h"

using namespace fairlead;
using namespace fairlead::shm;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::unique_ptr<Segment> make_segment(std::size_t bytes) {
    auto segment = Segment::create(bytes);
    REQUIRE(segment.has_value());
    (*segment)->enter(0);
    return std::move(*segment);
}

}  // namespace

TEST_CASE("size classes: each size fits, with at most an eighth wasted", "[shm]") {
    for (std::size_t bytes = 1; bytes <= kLargestSmall; ++bytes) {
        const std::size_t index = class_of(bytes), size = class_size(index);
        REQUIRE(index < kClasses);
        REQUIRE(size >= bytes);
        if (index > 0) REQUIRE(class_size(index - 1) < bytes);
        if (bytes > 128) REQUIRE((size - bytes) * 8 < size);
        REQUIRE(size % 16 == 0);
    }
}

TEST_CASE("blocks are aligned, distinct and keep what is written", "[shm]") {
    const auto segment = make_segment(16 * kMiB);
    const Tag tag = segment->tag("test", "block");
    Random random(4);
    std::map<char*, std::size_t> blocks;
    for (int i = 0; i < 3000; ++i) {
        const std::size_t size = 1 + random.below(i % 100 == 0 ? 200'000 : 5000);
        char* const p = static_cast<char*>(segment->allocate(size, tag));
        REQUIRE(p != nullptr);
        REQUIRE(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
        std::memset(p, static_cast<int>(size), size);
        blocks.emplace(p, size);
        while (blocks.size() > 1000) {
            const auto it = std::next(blocks.begin(), static_cast<int>(random.below(50)));
            for (std::size_t k = 0; k < it->second; ++k) {
                REQUIRE(it->first[k] == static_cast<char>(it->second));
            }
            segment->free(it->first);
            blocks.erase(it);
        }
    }
    CHECK(segment->totals().blocks == blocks.size());
    for (const auto& [p, size] : blocks) segment->free(p);
    CHECK(segment->totals().blocks == 0);
    CHECK(segment->totals().used == 0);
    CHECK(segment->top().empty());
}

TEST_CASE("usage is told by tag", "[shm]") {
    const auto segment = make_segment(4 * kMiB);
    const Tag a = segment->tag("tm", "transaction"), b = segment->tag("sl", "reply");
    CHECK(segment->tag("tm", "transaction").id == a.id);
    CHECK(a.id != b.id);
    void* const x = segment->allocate(1000, a);
    void* const y = segment->allocate(100, b);
    void* const z = segment->allocate(70'000, b);
    const auto top = segment->top();
    REQUIRE(top.size() == 2);
    CHECK(top[0].tag == "sl:reply");
    CHECK(top[0].blocks == 2);
    CHECK(top[0].bytes == 70'100);
    CHECK(top[1].tag == "tm:transaction");
    CHECK(top[1].bytes == 1000);
    for (void* p : {x, y, z}) segment->free(p);
}

TEST_CASE("a full segment gives null, and works on when something is freed", "[shm]") {
    const auto segment = make_segment(2 * kMiB);
    const Tag tag = segment->tag("test", "fill");
    const std::size_t size = GENERATE(24u, 700u, 9000u, 100'000u);
    CHECK_FALSE(segment->under_pressure());
    std::vector<void*> blocks;
    bool pressed = false;
    while (void* p = segment->allocate(size, tag)) {
        blocks.push_back(p);
        pressed = pressed || segment->under_pressure();
    }
    CHECK(pressed);
    const std::size_t stride = (size <= kLargestSmall ? class_size(class_of(size)) : size) + 16;
    CHECK(blocks.size() * stride > kMiB * 2 * 85 / 100);
    CHECK(segment->allocate(size, tag) == nullptr);
    segment->free(blocks.back());
    blocks.pop_back();
    void* const again = segment->allocate(size, tag);
    CHECK(again != nullptr);
    segment->free(again);
    for (void* p : blocks) segment->free(p);
    CHECK_FALSE(segment->under_pressure());
    CHECK(segment->totals().used == 0);
}

TEST_CASE("memory moves between size classes", "[shm]") {
    const auto segment = make_segment(2 * kMiB);
    const Tag tag = segment->tag("test", "move");
    std::size_t least = SIZE_MAX;
    for (const std::size_t size : {48u, 5000u, 300u, 60'000u, 16u, 1500u, 150'000u, 48u}) {
        std::vector<void*> blocks;
        std::size_t bytes = 0;
        while (void* p = segment->allocate(size, tag)) {
            blocks.push_back(p);
            bytes += size + 16;
        }
        least = std::min(least, bytes * (size == 16 ? 1 : 1));
        for (void* p : blocks) segment->free(p);
    }
    CHECK(least > kMiB * 2 * 80 / 100);
}

TEST_CASE("when nothing can grow, a larger class helps out", "[shm]") {
    const auto segment = make_segment(kMiB);
    const Tag tag = segment->tag("test", "borrow");
    std::vector<void*> blocks;
    while (void* p = segment->allocate(512, tag)) blocks.push_back(p);
    while (void* p = segment->allocate(16, tag)) blocks.push_back(p);
    // Every slab of the larger class stays in use, with one block free in each.
    for (std::size_t i = 0; i < blocks.size(); i += 10) {
        segment->free(blocks[i]);
        blocks[i] = nullptr;
    }
    void* const p = segment->allocate(300, tag);
    CHECK(p != nullptr);
    segment->free(p);
    for (void* block : blocks) segment->free(block);
    CHECK(segment->totals().used == 0);
}

TEST_CASE("what a slot held in hand is freed by recover, what it published stays", "[shm]") {
    const auto segment = make_segment(4 * kMiB);
    const Tag tag = segment->tag("test", "hold");
    segment->enter(5);
    void* const shared = segment->allocate(100, tag, Hold::in_hand);
    segment->publish(shared);
    (void)segment->allocate(100, tag, Hold::in_hand);
    (void)segment->allocate(100'000, tag, Hold::in_hand);
    segment->enter(0);
    CHECK(segment->totals().blocks == 3);
    CHECK(segment->recover(5) == 2);
    CHECK(segment->totals().blocks == 1);
    CHECK(segment->recover(5) == 0);
    segment->free(shared);
    CHECK(segment->totals().blocks == 0);
    CHECK_FALSE(segment->damaged());
}

TEST_CASE("the n-th allocation fails, once", "[shm]") {
    const auto segment = make_segment(kMiB);
    const Tag tag = segment->tag("test", "fault");
    segment->fail_nth(3);
    CHECK(segment->allocate(10, tag) != nullptr);
    CHECK(segment->copy("abc", tag) != nullptr);
    CHECK(segment->make<int>(tag) == nullptr);
    CHECK(segment->make<int>(tag) != nullptr);
}

TEST_CASE("freeing twice or freeing null changes nothing", "[shm]") {
    const auto segment = make_segment(kMiB);
    const Tag tag = segment->tag("test", "twice");
    segment->free(nullptr);
    void* const p = segment->allocate(64, tag);
    segment->free(p);
    segment->free(p);
    void* const a = segment->allocate(64, tag);
    void* const b = segment->allocate(64, tag);
    CHECK(a != b);
}

TEST_CASE("copies are what was given; copies of nothing are null", "[shm]") {
    const auto segment = make_segment(kMiB);
    const Tag tag = segment->tag("test", "copy");
    const char* const p = segment->copy("hello", tag);
    REQUIRE(p != nullptr);
    CHECK(std::string_view(p, 5) == "hello");
    CHECK(segment->copy("", tag) == nullptr);
}

TEST_CASE("absurd sizes are refused", "[shm]") {
    const auto segment = make_segment(kMiB);
    const Tag tag = segment->tag("test", "huge");
    CHECK(segment->allocate(SIZE_MAX, tag) == nullptr);
    CHECK(segment->allocate(SIZE_MAX / 2, tag) == nullptr);
    CHECK(segment->allocate(kMiB, tag) == nullptr);
    CHECK_FALSE(Segment::create(std::size_t{1} << 62).has_value());
}
