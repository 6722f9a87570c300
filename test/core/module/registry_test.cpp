// Registry: rows are checked when a module is added, names are found, parameters are set.
// SPDX-License-Identifier: Apache-2.0
#include "core/module/registry.h"

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace fairlead;
using Catch::Matchers::Contains;
using fairlead::module::Registry;

namespace {

class Probe final : public Module {
public:
    int limit = 70;
    std::int8_t small = 3;
    bool loud = true;
    std::string text = "abc";
    std::vector<std::string> many;
    std::int64_t seen = 0;

    Result<void> set_seen(const Value& v) {
        if (v.integer() == 13) return fail("13 is bad luck");
        seen = v.integer();
        return {};
    }
    Verdict one(Message&, int n) { return Verdict(n); }
    Verdict two(Message&, int n, std::optional<std::string_view>) { return Verdict(n + 100); }
};

constexpr Param params[] = {
    param<&Probe::limit>("limit", "Doc.", {.min = 1, .max = 255}),
    param<&Probe::small>("small", "Doc."),
    param<&Probe::loud>("loud", "Doc."),
    param<&Probe::text>("text", "Doc."),
    param<&Probe::many>("many", "Doc."),
    param_method<&Probe::set_seen>("seen", "Doc.", Type::integer, {.min = 0}),
};
constexpr Function functions[] = {function<&Probe::one>("f", "Doc.", Route::any, "n")};
constexpr std::string_view aliases[] = {"probe_too"};
constexpr Descriptor probe{.name = "probe",
                           .summary = "A probe.",
                           .create = make_module<Probe>,
                           .params = params,
                           .functions = functions,
                           .aliases = aliases};
constexpr Descriptor other{.name = "other",
                           .summary = "Another.",
                           .create = make_module<Probe>,
                           .params = std::span(params).first(1),
                           .functions = functions};

std::string refusal(const Descriptor& d) {
    Registry registry;
    const auto added = registry.add(d);
    REQUIRE_FALSE(added);
    CHECK(registry.modules().empty());
    CHECK(added.error().text.find('\n') == std::string::npos);
    return added.error().text;
}

struct Fixture {
    Registry registry;
    Probe* object = nullptr;
    Fixture() {
        object = static_cast<Probe*>(registry.add(probe).value()->object.get());
        REQUIRE(registry.add(other));
    }
    std::string why_not(std::string_view pattern, std::string_view name, const Value& value) {
        const auto ok = registry.set_parameter(pattern, name, value);
        REQUIRE_FALSE(ok);
        return ok.error().text;
    }
};

}  // namespace

TEST_CASE("a module is found by name and alias") {
    Fixture f;
    CHECK(f.registry.find("probe") != nullptr);
    CHECK(f.registry.find("probe_too") == f.registry.find("probe"));
    CHECK(f.registry.find("prob") == nullptr);
}

TEST_CASE("of two modules with the same function the one loaded last comes first") {
    Fixture f;
    const auto found = f.registry.functions("f");
    REQUIRE(found.size() == 2);
    CHECK(found[0].owner->name == "other");
    CHECK(f.registry.functions("g").empty());
}

TEST_CASE("a name or alias that is taken is refused") {
    Registry registry;
    REQUIRE(registry.add(probe, "/a/probe.so"));
    constexpr Descriptor same{.name = "probe", .create = make_module<Probe>};
    constexpr Descriptor as_alias{.name = "probe_too", .create = make_module<Probe>};
    CHECK_THAT(registry.add(same).error().text,
               Contains("name is taken by module probe (/a/probe.so)"));
    CHECK_THAT(registry.add(as_alias).error().text, Contains("name is taken by module probe"));
    CHECK_THAT(registry.add(probe, "/a/probe.so").error().text, Contains("is loaded twice"));
}

TEST_CASE("an impossible row refuses the module and names the row") {
    SECTION("two functions for the same number of arguments") {
        static constexpr Function twice[] = {
            function<&Probe::one>("f", "Doc.", Route::any, "n"),
            function<&Probe::two>("f", "Doc.", Route::any, "n", "s")};
        CHECK_THAT(refusal({.name = "m", .create = make_module<Probe>, .functions = twice}),
                   Contains("function \"f\" is there twice for the same number of arguments"));
    }
    SECTION("a function without a route") {
        static constexpr Function nowhere[] = {function<&Probe::one>("f", "Doc.", Route{}, "n")};
        CHECK_THAT(refusal({.name = "m", .create = make_module<Probe>, .functions = nowhere}),
                   Contains("may not be called in any route"));
    }
    SECTION("a parameter twice") {
        static constexpr Param twice[] = {param<&Probe::limit>("p", ""),
                                          param<&Probe::loud>("p", "")};
        CHECK_THAT(refusal({.name = "m", .create = make_module<Probe>, .params = twice}),
                   Contains("parameter \"p\" is there twice"));
    }
    SECTION("a variable that cannot be read") {
        static constexpr Variable blind[] = {{.name = "v"}};
        CHECK_THAT(refusal({.name = "m", .create = make_module<Probe>, .variables = blind}),
                   Contains("variable \"v\" has no name or cannot be read"));
    }
    SECTION("a statistic that is neither counted nor computed") {
        static constexpr Statistic none[] = {{.name = "s"}};
        CHECK_THAT(refusal({.name = "m", .create = make_module<Probe>, .statistics = none}),
                   Contains("statistic \"s\" needs"));
    }
    SECTION("a constructor that throws") {
        CHECK_THAT(refusal({.name = "m",
                            .create = []() -> std::unique_ptr<Module> {
                                throw std::runtime_error("no luck");
                            }}),
                   Contains("its constructor threw: no luck"));
    }
}

TEST_CASE("one name may have an integer and a string parameter") {
    static constexpr Param both[] = {param<&Probe::limit>("p", ""), param<&Probe::text>("p", "")};
    static constexpr Descriptor d{.name = "m", .create = make_module<Probe>, .params = both};
    Registry registry;
    auto* const object = static_cast<Probe*>(registry.add(d).value()->object.get());
    REQUIRE(registry.set_parameter("m", "p", 5));
    REQUIRE(registry.set_parameter("m", "p", std::string_view("five")));
    CHECK(object->limit == 5);
    CHECK(object->text == "five");
}

TEST_CASE("parameters reach their fields") {
    Fixture f;
    REQUIRE(f.registry.set_parameter("probe", "limit", 5));
    REQUIRE(f.registry.set_parameter("probe", "loud", 0));
    REQUIRE(f.registry.set_parameter("probe", "text", std::string_view("x")));
    REQUIRE(f.registry.set_parameter("probe", "many", std::string_view("a")));
    REQUIRE(f.registry.set_parameter("probe", "many", std::string_view("b")));
    REQUIRE(f.registry.set_parameter("probe", "seen", 9));
    CHECK(f.object->limit == 5);
    CHECK_FALSE(f.object->loud);
    CHECK(f.object->text == "x");
    CHECK(f.object->many == std::vector<std::string>{"a", "b"});
    CHECK(f.object->seen == 9);
}

TEST_CASE("the module of a parameter is a pattern: anchored, without case, with alternatives") {
    Fixture f;
    CHECK(f.registry.set_parameter("PROBE|other", "limit", 6));
    CHECK(f.object->limit == 6);
    CHECK(f.registry.set_parameter("pro.*_too", "limit", 7));
    CHECK(f.object->limit == 7);
    CHECK(f.why_not("prob", "limit", 1) == "No module matching <prob> found");
    CHECK_THAT(f.why_not("pro(be", "limit", 1), Contains("is not a regular expression"));
}

TEST_CASE("when one of the matched modules lacks the parameter, none is set") {
    Fixture f;
    CHECK_THAT(f.why_not("probe|other", "loud", 0), Contains("module other has no parameter"));
    CHECK(f.object->loud);
}

TEST_CASE("a parameter of the wrong type, range or name is refused in words") {
    Fixture f;
    CHECK(f.why_not("probe", "limit", std::string_view("5")) ==
          "parameter \"limit\" of module probe takes an integer, not a string");
    CHECK(f.why_not("probe", "text", 5) ==
          "parameter \"text\" of module probe takes a string, not an integer");
    CHECK(f.why_not("probe", "limit", 256) ==
          "parameter \"limit\" of module probe cannot be 256: allowed is 1 to 255");
    CHECK(f.why_not("probe", "small", 128) ==
          "parameter \"small\" of module probe cannot be 128: allowed is -128 to 127");
    CHECK_THAT(f.why_not("probe", "seen", -1), Contains("allowed is at least 0"));
    CHECK(f.why_not("probe", "limt", 5) ==
          "module probe has no parameter \"limt\", did you mean \"limit\"?");
    CHECK(f.why_not("probe", "elephant", 5) == "module probe has no parameter \"elephant\"");
    CHECK_THAT(f.why_not("probe", "seen", 13), Contains("13 is bad luck"));
}

TEST_CASE("a bare word and a variable of one name are different rows") {
    static constexpr auto get = [](Module&, Message&, const VariableName&) { return Value(1); };
    static constexpr Variable rows[] = {{.name = "proto", .get = get},
                                        {.name = "proto", .get = get, .keyword = true},
                                        {.name = "method", .get = get, .keyword = true}};
    static constexpr Descriptor d{.name = "m", .create = make_module<Probe>, .variables = rows};
    Registry registry;
    REQUIRE(registry.add(d));
    CHECK(registry.variable("proto")->row == &rows[0]);
    CHECK(registry.keyword("proto")->row == &rows[1]);
    CHECK(registry.variable("method")->row == &rows[2]);
    CHECK_FALSE(registry.variable("nothing"));
}
