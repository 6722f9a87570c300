// Start order, interfaces and counters. SPDX-License-Identifier: Apache-2.0
#include "core/module/order.h"

#include <catch2/catch.hpp>

#include "core/module/registry.h"

using namespace fairlead;
using Catch::Matchers::Contains;

namespace {

struct LightApi {
    static constexpr ApiId api_id{"light", 2};
    virtual int shine() = 0;

protected:
    ~LightApi() = default;
};

class Lamp final : public Module, public LightApi {
public:
    shm::Counter shone;
    int shine() override {
        shone.add();
        return 7;
    }
};
class Reader final : public Module {
public:
    LightApi* light = nullptr;
};

struct OldApi {
    static constexpr ApiId api_id{"light", 1};
};
class OldReader final : public Module {
public:
    OldApi* light = nullptr;
};

constexpr Offer lamp_offers[] = {offers<Lamp, LightApi>()};
constexpr Statistic lamp_statistics[] = {statistic<&Lamp::shone>("shone", "How often.")};
constexpr Need reader_needs[] = {needs<&Reader::light>()};
constexpr Need reader_wants[] = {needs<&Reader::light>(true)};
constexpr Descriptor lamp{.name = "lamp",
                          .create = make_module<Lamp>,
                          .statistics = lamp_statistics,
                          .offers = lamp_offers};
constexpr Descriptor reader{.name = "reader", .create = make_module<Reader>, .needs = reader_needs};
constexpr Descriptor content{
    .name = "content", .create = make_module<Reader>, .needs = reader_wants};

struct Fixture {
    std::unique_ptr<shm::Segment> segment = shm::Segment::create(4 << 20).value();
    std::unique_ptr<shm::Counters> counters{shm::Counters::create(*segment).value()};
    module::Registry registry;
    Fixture() {
        segment->enter(1);
        counters->enter(1);
    }
    template <class M>
    M& object(std::string_view name) {
        return static_cast<M&>(*registry.find(name)->object);
    }
    std::vector<std::string> connect() {
        std::vector<std::string> names;
        const auto order = registry.connect(*counters).value();
        for (const module::Loaded* m : order) names.push_back(m->name);
        return names;
    }
};

}  // namespace

TEST_CASE("each comes after what it needs, else as loaded") {
    using module::OrderItem;
    const std::vector<OrderItem> items{{"a", {2}}, {"b", {}}, {"c", {}}, {"d", {0}}};
    CHECK(module::start_order(items).value() == std::vector<std::size_t>{2, 0, 1, 3});
}

TEST_CASE("a cycle is named whole, without what only leads to it") {
    using module::OrderItem;
    const std::vector<OrderItem> items{{"x", {1}}, {"a", {2}}, {"b", {1}}};
    CHECK(module::start_order(items).error().text ==
          "modules need each other in a circle: a -> b -> a");
}

TEST_CASE("an interface is bound before it is needed, whatever the order of loading") {
    Fixture f;
    REQUIRE(f.registry.add(reader));
    REQUIRE(f.registry.add(lamp));
    CHECK(f.connect() == std::vector<std::string>{"lamp", "reader"});
    CHECK(f.object<Reader>("reader").light->shine() == 7);
}

TEST_CASE("counters are bound under the module's name") {
    Fixture f;
    REQUIRE(f.registry.add(lamp));
    f.connect();
    f.object<Lamp>("lamp").shine();
    CHECK(f.counters->sum("lamp", "shone") == 1);
}

TEST_CASE("an interface that nobody offers is refused when needed, null when optional") {
    Fixture f;
    REQUIRE(f.registry.add(content));
    CHECK(f.connect() == std::vector<std::string>{"content"});
    CHECK(f.object<Reader>("content").light == nullptr);
    REQUIRE(f.registry.add(reader));
    CHECK_THAT(f.registry.connect(*f.counters).error().text,
               Contains("module reader needs the interface \"light\" (version 2), which no loaded "
                        "module offers"));
}

TEST_CASE("another version of an interface is refused, naming both") {
    static constexpr Need old_needs[] = {needs<&OldReader::light>(true)};
    static constexpr Descriptor old{
        .name = "old", .create = make_module<OldReader>, .needs = old_needs};
    Fixture f;
    REQUIRE(f.registry.add(lamp));
    REQUIRE(f.registry.add(old));
    CHECK_THAT(f.registry.connect(*f.counters).error().text,
               Contains("module old needs version 1 of the interface \"light\", module lamp "
                        "offers version 2"));
}

TEST_CASE("two modules with one interface are refused") {
    static constexpr Descriptor torch{
        .name = "torch", .create = make_module<Lamp>, .offers = lamp_offers};
    Fixture f;
    REQUIRE(f.registry.add(lamp));
    REQUIRE(f.registry.add(torch));
    CHECK(f.registry.connect(*f.counters).error().text ==
          "modules lamp and torch both offer the interface \"light\"");
}
