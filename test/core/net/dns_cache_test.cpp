// The shared cache of DNS answers on a clock of our own.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/net/dns_packed.h"
#include "test/core/shm/children.h"

using namespace fairlead;
using namespace fairlead::dns;
using Age = Cache::Age;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr Ms kStart{1'000'000};
Ms after(std::int64_t seconds) {
    return kStart + Ms(seconds * 1000);
}

struct Fixture {
    explicit Fixture(const CacheOptions& options = {})
        : segment(std::move(*shm::Segment::create(4 * kMiB))),
          cache(std::move(*Cache::create(*segment, options))) {}
    std::unique_ptr<shm::Segment> segment;
    std::unique_ptr<Cache> cache;

    Cache::Found find(const Question& q, std::int64_t seconds) {
        return cache->find(q, after(seconds));
    }
};

Answer address(std::uint32_t ttl, const std::string& ip = "192.0.2.1") {
    Answer answer{.status = Status::found, .ttl = ttl};
    answer.records.resize(1);
    answer.records[0].address = *Address::parse(ip);
    return answer;
}

const Question kHost{"host.example", Type::a};

}  // namespace

TEST_CASE("what is packed comes out again") {
    Answer answer = address(0);
    Record r;
    r.priority = 1;
    r.weight = 2;
    r.port = 3;
    r.name = "a.example";
    r.flags = "s";
    r.service = "SIP+D2U";
    r.regexp = std::string(255, 'x');
    answer.records.push_back(r);
    answer.alias = "b.example";
    const std::string bytes = pack(answer);
    const Answer again = unpack(bytes);
    CHECK(again.records == answer.records);
    CHECK(again.alias == answer.alias);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK(unpack(bytes.substr(0, size)).status == Status::failed);
}

TEST_CASE("an answer holds for its time and is stale afterwards") {
    Fixture f({.stale_ttl = 100});
    CHECK(f.find(kHost, 0).age == Age::missing);
    REQUIRE(f.cache->put(kHost, address(10), after(0)));
    const auto fresh = f.find({"HOST.example.", Type::a}, 9);
    CHECK(fresh.age == Age::fresh);
    CHECK(fresh.answer.ttl == 1);
    CHECK(fresh.answer.records == address(0).records);
    CHECK(f.find({"host.example", Type::aaaa}, 9).age == Age::missing);
    CHECK(f.find(kHost, 10).age == Age::stale);
    CHECK(f.find(kHost, 109).age == Age::stale);
    CHECK(f.find(kHost, 110).age == Age::missing);
}

TEST_CASE("one finder of a stale answer asks, the others use it") {
    Fixture f;
    REQUIRE(f.cache->put(kHost, address(10), after(0)));
    CHECK_FALSE(f.find(kHost, 9).refresh);
    CHECK(f.find(kHost, 10).refresh);
    CHECK_FALSE(f.find(kHost, 10).refresh);
    // Who wanted to ask may have died.
    CHECK(f.find(kHost, 15).refresh);
    // Nobody answered: the old answer stays, and is not asked for again at once.
    CHECK(f.cache->put(kHost, Answer{}, after(16)));
    const auto kept = f.find(kHost, 17);
    CHECK(kept.age == Age::stale);
    CHECK_FALSE(kept.refresh);
    CHECK(kept.answer.records == address(0).records);
    CHECK(f.find(kHost, 21).refresh);
    // The name is gone: that is an answer.
    REQUIRE(f.cache->put(kHost, {.status = Status::no_name}, after(22)));
    CHECK(f.find(kHost, 23).answer.status == Status::no_name);
}

TEST_CASE("times have bounds") {
    Fixture f({.min_ttl = 20, .max_ttl = 30, .negative_ttl = 15, .stale_ttl = 0});
    REQUIRE(f.cache->put({"short.example", Type::a}, address(1), after(0)));
    REQUIRE(f.cache->put({"long.example", Type::a}, address(1000), after(0)));
    CHECK(f.find({"short.example", Type::a}, 19).age == Age::fresh);
    CHECK(f.find({"short.example", Type::a}, 20).age == Age::missing);
    CHECK(f.find({"long.example", Type::a}, 29).age == Age::fresh);
    CHECK(f.find({"long.example", Type::a}, 30).age == Age::missing);
    REQUIRE(f.cache->put({"no.example", Type::a}, {.status = Status::no_name}, after(0)));
    CHECK(f.find({"no.example", Type::a}, 14).answer.status == Status::no_name);
    CHECK(f.find({"no.example", Type::a}, 15).age == Age::missing);
    REQUIRE(
        f.cache->put({"soon.example", Type::a}, {.status = Status::no_data, .ttl = 3}, after(0)));
    CHECK(f.find({"soon.example", Type::a}, 3).age == Age::missing);
    REQUIRE(f.cache->put({"dead.example", Type::a}, Answer{}, after(0)));
    CHECK(f.find({"dead.example", Type::a}, kFailureTtl - 1).answer.status == Status::failed);
    CHECK(f.find({"dead.example", Type::a}, kFailureTtl).age == Age::missing);
    Fixture none;
    CHECK_FALSE(none.cache->put(kHost, address(0), after(0)));
}

TEST_CASE("the cache is bounded") {
    const std::size_t most = 8 * 1024;
    Fixture f({.most_bytes = most, .stale_ttl = 100});
    std::size_t fitted = 0;
    for (int i = 0; i < 1000; ++i)
        fitted += f.cache->put({"h" + std::to_string(i) + ".example", Type::a},
                               address(i % 2 == 0 ? 10 : 1000), after(0));
    CHECK(fitted > 20);
    CHECK(fitted < 1000);
    CHECK(f.cache->use().bytes <= most);
    CHECK(f.cache->use().entries == fitted);
    // What has expired gives way, stale or not; what has not stays.
    CHECK(f.cache->put({"new.example", Type::a}, address(10), after(11)));
    CHECK(f.find({"new.example", Type::a}, 11).age == Age::fresh);
    CHECK(f.find({"h0.example", Type::a}, 11).age == Age::missing);
    CHECK(f.find({"h1.example", Type::a}, 11).age == Age::fresh);
    f.cache->erase_all(true);
    CHECK(f.cache->use().bytes == 0);
    CHECK(f.cache->use().entries == 0);
}

TEST_CASE("with dns_cache_delete_nonexpired there is always room") {
    Fixture f({.most_bytes = 8 * 1024, .delete_unexpired = true});
    for (int i = 0; i < 1000; ++i)
        REQUIRE(
            f.cache->put({"h" + std::to_string(i) + ".example", Type::a}, address(1000), after(0)));
    CHECK(f.find({"h999.example", Type::a}, 1).age == Age::fresh);
    // But not for one that would fill it.
    Answer large{.status = Status::found, .ttl = 10};
    large.records.resize(kMaxRecords);
    for (Record& r : large.records) r.name = std::string(200, 'x');
    CHECK_FALSE(f.cache->put({"large.example", Type::ptr}, large, after(0)));
    CHECK(f.cache->use().bytes <= 8 * 1024);
}

TEST_CASE("without shared memory an answer is not remembered") {
    Fixture f;
    const std::size_t blocks = f.segment->totals().blocks;
    for (const std::uint64_t n : {1U, 2U}) {
        f.segment->fail_nth(n);
        CHECK_FALSE(f.cache->put(kHost, address(10), after(0)));
        CHECK(f.find(kHost, 1).age == Age::missing);
        CHECK(f.segment->totals().blocks == blocks);
    }
    CHECK(f.cache->put(kHost, address(10), after(0)));
}

TEST_CASE("entries made by hand") {
    Fixture f;
    REQUIRE(f.cache->add(kHost, address(0, "192.0.2.1").records[0], 100, after(0), false));
    REQUIRE(f.cache->add(kHost, address(0, "192.0.2.2").records[0], 100, after(0), false));
    CHECK(f.find(kHost, 1).answer.records.size() == 2);
    const Question fixed{"fixed.example", Type::a};
    REQUIRE(f.cache->add(fixed, address(0).records[0], 0, after(0), true));
    CHECK(f.find(fixed, 1'000'000).age == Age::fresh);
    CHECK(f.cache->put(fixed, {.status = Status::no_name}, after(1)));
    CHECK_FALSE(f.cache->add(fixed, address(0).records[0], 9, after(0), false));
    CHECK(f.find(fixed, 2).answer.status == Status::found);
    f.cache->erase_all(false);
    f.cache->collect(after(10'000'000));
    CHECK(f.find(kHost, 1).age == Age::missing);
    CHECK(f.find(fixed, 1).age == Age::fresh);
    CHECK(f.cache->erase(fixed));
    CHECK_FALSE(f.cache->erase(fixed));
}

TEST_CASE("what nobody may be given any more is collected") {
    Fixture f({.stale_ttl = 10});
    REQUIRE(f.cache->put(kHost, address(10), after(0)));
    f.cache->collect(after(19));
    CHECK(f.cache->rows().size() == 1);
    f.cache->collect(after(20));
    CHECK(f.cache->rows().empty());
    CHECK(f.cache->use().bytes == 0);
}

TEST_CASE("another process sees what one has learnt") {
    Fixture f;
    const pid_t pid = test::spawn([&] {
        f.segment->enter(1);
        return f.cache->put(kHost, address(10), after(0)) ? 0 : 1;
    });
    REQUIRE(test::reap(pid) == 0);
    CHECK(f.find(kHost, 1).answer.records == address(0).records);
    const auto rows = f.cache->rows();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].question == kHost);
    CHECK(rows[0].expires == after(10));
}
