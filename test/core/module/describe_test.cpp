// A module's README. SPDX-License-Identifier: Apache-2.0
#include "core/module/describe.h"

#include <catch2/catch.hpp>

using namespace fairlead;
using Catch::Matchers::Contains;

namespace {

class Probe final : public Module {
public:
    int limit = 70;
    std::string text = "abc";
    shm::Counter hits;
    Verdict go(Message&, int, std::optional<std::string_view>) { return Verdict::yes; }
};
constexpr Param params[] = {param<&Probe::limit>("limit", "The limit.", {.min = 1, .max = 255}),
                            param<&Probe::text>("text", "The text.")};
constexpr Function functions[] = {
    function<&Probe::go>("go", "Goes.", Route::request | Route::failure, "how", "where")};
constexpr Statistic statistics[] = {statistic<&Probe::hits>("hits", "How often.")};
constexpr std::string_view events[] = {"probe:done"};
constexpr Descriptor probe{.name = "probe",
                           .summary = "A probe.",
                           .create = make_module<Probe>,
                           .params = params,
                           .functions = functions,
                           .statistics = statistics,
                           .event_routes = events};

}  // namespace

TEST_CASE("the README says what the rows say") {
    const std::string text = module::describe(probe);
    CHECK_THAT(text, Contains("# probe\n\nA probe.\n"));
    CHECK_THAT(text, Contains("`limit` (integer, default 70, 1 to 255)"));
    CHECK_THAT(text, Contains("`text` (string, default \"abc\")"));
    CHECK_THAT(text,
               Contains("`go(how: integer, where?: string)` in request_route, failure_route"));
    CHECK_THAT(text, Contains("## Statistics (group `probe`)"));
    CHECK_THAT(text, Contains("`event_route[probe:done]`"));
}
