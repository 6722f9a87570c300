// Every function and variable that Kamailio 5.6 has in the modules of routing exists here too, or
// stands below with the reason. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include "cfg/known_names.h"
#include "test/support/module_host.h"

using namespace fairlead;

namespace {

struct Missing {
    std::string_view function, why;
};
constexpr std::string_view kForCode = "for modules in C, not for scripts";
constexpr std::string_view kNever = "named in a README, unknown to Kamailio 5.6.3 too";
constexpr Missing kMissing[] = {
    {"load_tm", kForCode},
    {"register_tmcb", kForCode},
    {"get_route_param", kForCode},
    {"register_rrcb", kForCode},
    {"t_is_local", kForCode},
    {"contact_param_decode_uri", kNever},
    {"km_append_branch", kNever},
    {"ring_insert_callid", kNever},
    {"async_workers_group", "a global parameter"},
};
constexpr std::string_view kModules[] = {
    "acc",        "async",     "auth",     "cfgutils", "corex", "counters", "htable", "kex",
    "maxfwd",     "nathelper", "path",     "pv",       "rr",    "sanity",   "sl",     "siputils",
    "statistics", "textops",   "textopsx", "tm",       "tmx",   "xhttp",    "xlog",
};

/// At single spaces.
std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        out.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace

TEST_CASE("every function of Kamailio's routing modules exists or is left out knowingly") {
    test::ModuleHost host;
    for (const std::string_view name : kModules) host.load(name);
    std::size_t seen = 0;
    for (const cfg::KnownNames& known : cfg::known_functions()) {
        if (std::ranges::find(kModules, known.module) == std::end(kModules)) continue;
        for (const std::string_view name : split(known.names)) {
            INFO(known.module << ": " << name);
            const bool left =
                std::ranges::find(kMissing, name, &Missing::function) != std::end(kMissing);
            CHECK(host.registry.functions(name).empty() == left);
            ++seen;
        }
    }
    CHECK(seen > 250);
}

TEST_CASE("every variable of Kamailio's routing modules exists") {
    test::ModuleHost host;
    for (const std::string_view name : kModules) host.load(name);
    std::size_t seen = 0;
    for (const cfg::KnownNames& known : cfg::known_variables()) {
        if (std::ranges::find(kModules, known.module) == std::end(kModules)) continue;
        for (const std::string_view name : split(known.names)) {
            INFO(known.module << ": $" << name);
            CHECK(host.registry.variable(name).has_value());
            ++seen;
        }
    }
    CHECK(seen > 150);
}
