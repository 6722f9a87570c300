// Each bad module is refused with one clear line. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "test/support/module_host.h"

using namespace fairlead;
using Catch::Matchers::Contains;
using fairlead::test::ModuleHost;

namespace {

Result<module::Loaded*> load(ModuleHost& host, const std::string& name) {
    const std::vector<std::string> path{FAIRLEAD_BAD_MODULES};
    return host.registry.load(name, path);
}

void check_one_line(const std::string& text) {
    INFO(text);
    CHECK_FALSE(text.empty());
    CHECK(text.find('\n') == std::string::npos);
}

/// Why loading it fails.
std::string refusal(const std::string& name) {
    ModuleHost host;
    const auto loaded = load(host, name);
    REQUIRE_FALSE(loaded);
    CHECK(host.registry.find(name) == nullptr);
    check_one_line(loaded.error().str());
    return loaded.error().str();
}

/// Why a start with these modules fails.
std::string start_refusal(const std::vector<std::string>& names) {
    ModuleHost host;
    for (const std::string& name : names) REQUIRE(load(host, name));
    const auto ok = host.try_start();
    REQUIRE_FALSE(ok);
    check_one_line(ok.error().str());
    return ok.error().str();
}

}  // namespace

TEST_CASE("a module that is not there is refused with the places that were tried") {
    CHECK(refusal("nowhere") == "could not find module \"nowhere\" in " FAIRLEAD_BAD_MODULES);
}

TEST_CASE("a file that is no shared object is refused") {
    CHECK_THAT(refusal("not_elf"), Contains("could not open module") && Contains("not_elf.so"));
}

TEST_CASE("a shared object that is no module is refused") {
    CHECK_THAT(refusal("no_stamp"), Contains("is not a Fairlead module: it has no fairlead_abi"));
    CHECK_THAT(refusal("no_entry"), Contains("has no fairlead_module()"));
}

TEST_CASE("a module of another server is refused: both sides and what to do") {
    CHECK_THAT(refusal("old_abi"),
               Contains("was built for interface 0123456789abcdef/") &&
                   Contains(fmt::format("this server has {:016x}/", kAbi.hash)) &&
                   Contains("rebuild it with `pkg-config --cflags fairlead`"));
    CHECK_THAT(refusal("undefined"),
               Contains("undefined symbol: fairlead_from_the_future") && Contains("rebuild it"));
}

TEST_CASE("a row that cannot be is refused with its name") {
    CHECK_THAT(refusal("duplicate_function"),
               Contains("function \"go\" is there twice for the same number of arguments"));
    CHECK_THAT(refusal("bad_row"), Contains("variable \"blind\" has no name or cannot be read"));
}

TEST_CASE("a name that is taken is refused with the one that has it") {
    ModuleHost host;
    REQUIRE(load(host, "first"));
    CHECK_THAT(load(host, "duplicate_name").error().str(),
               Contains("its name is taken by module first"));
    CHECK_THAT(load(host, "first").error().str(), Contains("is loaded twice"));
}

TEST_CASE("an error or exception in prepare() ends the start with the module's name") {
    CHECK(start_refusal({"fails_in_prepare"}) == "module fails_in_prepare: the table is missing");
    CHECK(start_refusal({"throws_in_prepare"}) ==
          "module throws_in_prepare: prepare() threw: the sky is falling");
}

TEST_CASE("an interface that is missing ends the start, unless it is optional") {
    CHECK_THAT(start_refusal({"missing_api"}),
               Contains("module missing_api needs the interface \"absent\""));
    ModuleHost host;
    REQUIRE(load(host, "optional_api"));
    CHECK(host.try_start());
}

TEST_CASE("modules that need each other end the start, both named") {
    CHECK(start_refusal({"cycle_a", "cycle_b"}) ==
          "modules need each other in a circle: cycle_a -> cycle_b -> cycle_a");
    CHECK_THAT(start_refusal({"cycle_a"}), Contains("needs the interface \"cycle_b\""));
}

TEST_CASE("a module is found as a name, with .so, and as a path") {
    ModuleHost one, two, three;
    CHECK(load(one, "first"));
    CHECK(load(two, "first.so"));
    CHECK(three.registry.load(FAIRLEAD_BAD_MODULES "/first.so", {}));
}
