// Wrong configurations: every mistake in one run, with place, line, caret and hint. Each *.cfg in
// wrong/ has a *.expected beside it.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cfg/config.h"
#include "core/server/core_module.h"
#include "core/server/settings.h"

using namespace fairlead;

namespace {

std::string contents(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// What the server does with a file before it forks, in the directory of the file.
std::string complaints(const std::string& file) {
    cfg::Diagnostics diagnostics;
    module::Registry registry;
    REQUIRE(registry.add(server::core_descriptor()));
    const cfg::Config config = cfg::read(file, {}, diagnostics);
    (void)server::read_settings(config, {}, diagnostics);
    cfg::load_modules(config, {{"MODULES"}, {FAIRLEAD_TEST_MODULES}}, registry, diagnostics);
    const auto program = cfg::compile(config, registry, diagnostics);
    CHECK((program == nullptr) == (diagnostics.errors() != 0));
    std::string text = diagnostics.print();
    const std::string where = FAIRLEAD_TEST_MODULES;
    for (auto at = text.find(where); at != std::string::npos; at = text.find(where)) {
        text.replace(at, where.size(), "MODULES");
    }
    return text;
}

}  // namespace

TEST_CASE("wrong configurations give all their errors in one run") {
    const auto here = std::filesystem::current_path();
    std::filesystem::current_path(FAIRLEAD_WRONG_CONFIGS);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(".")) {
        if (entry.path().extension() != ".cfg") continue;
        ++files;
        const std::string file = entry.path().filename().string();
        INFO(file);
        const std::string got = complaints(file);
        auto expected = entry.path();
        expected.replace_extension(".expected");
        if (std::getenv("FAIRLEAD_WRITE_EXPECTED") != nullptr) std::ofstream(expected) << got;
        CHECK_FALSE(got.empty());
        CHECK(got == contents(expected));
    }
    std::filesystem::current_path(here);
    CHECK(files >= 80);
}
