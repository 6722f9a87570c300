// What the module async offers. SPDX-License-Identifier: Apache-2.0
#include "modules/async/async.h"

namespace fairlead::async {
namespace {

enum class Field : std::uint8_t { data, gname };

Result<std::uint64_t> resolve(Module&, std::string_view inner) {
    if (inner == "data") return static_cast<std::uint64_t>(Field::data);
    if (inner == "gname") return static_cast<std::uint64_t>(Field::gname);
    return fail("$async has data and gname");
}
Value get(Module& m, Message&, const VariableName& name) {
    const auto& module = static_cast<const Async&>(m);
    return static_cast<Field>(name.handle) == Field::data ? module.task_data()
                                                          : module.task_group();
}

constexpr Route kScripts = Route::request | Route::failure;

constexpr Param params[] = {
    param<&Async::workers>("workers", "Processes in which scripts that slept go on.",
                           {.min = 1, .max = 100}),
    param<&Async::ms_timer>("ms_timer",
                            "Without effect: every sleep is counted in milliseconds, and ends "
                            "at most 10 ms late unless its workers are behind.",
                            {.min = 0}),
    param<&Async::return_code>("return",
                               "What functions that suspend say when they did; 0 ends the script."),
    param<&Async::queue_size>("queue_size",
                              "Most scripts that may be suspended at once; one more is refused.",
                              {.min = 1}),
};
constexpr Function functions[] = {
    function<&Async::async_route>(
        "async_route",
        "Suspends the transaction and goes on with a route after so many seconds, at most 604800 "
        "(7 days). False when it was refused; else the script ends here.",
        kScripts, "routename", "seconds"),
    function<&Async::async_ms_route>("async_ms_route", "The same in milliseconds.", kScripts,
                                     "routename", "milliseconds"),
    function<&Async::async_sleep>(
        "async_sleep",
        "The same, going on with what follows, in nested routes, loops and failure_routes too. It "
        "must be a statement of its own: where its value is used it is refused.",
        kScripts, "seconds"),
    function<&Async::async_ms_sleep>("async_ms_sleep", "The same in milliseconds.", kScripts,
                                     "milliseconds"),
    function<&Async::async_task_route>(
        "async_task_route",
        "Goes on with a route at once in a process of async_workers, or of a group.", kScripts,
        "routename", "groupname"),
    function<&Async::async_task_route>("async_task_group_route", "The same.", kScripts, "routename",
                                       "groupname"),
    function<&Async::async_task_data>(
        "async_task_data",
        "Runs a route in a process of async_workers, on a made-up request with $async(data). "
        "False when the data is longer than 16 KB, or the workers are behind.",
        Route::any, "routename", "data"),
    function<&Async::async_task_group_data>("async_task_data", "The same in a group.", Route::any,
                                            "routename", "groupname", "data"),
    function<&Async::async_task_group_data>("async_task_group_data", "The same.", Route::any,
                                            "routename", "groupname", "data"),
};
constexpr Variable variables[] = {{.name = "async",
                                   .doc = "data, gname: what the task that runs was given, and its "
                                          "group.",
                                   .inner = Inner::required,
                                   .get = get,
                                   .resolve = resolve,
                                   .fixed_names = true}};
constexpr Statistic statistics[] = {
    statistic<&Async::sleeps>("sleeps", "Calls that were to suspend for a time."),
    statistic<&Async::tasks>("tasks", "Calls that were to hand over a task."),
    statistic<&Async::resumed>("resumed", "Scripts that went on."),
    statistic<&Async::refused>("refused", "Calls that were refused."),
};
constexpr Need needed[] = {needs<&Async::tm>()};

constexpr Descriptor descriptor{.name = "async",
                                .summary = "Scripts that go on later, or in another process.",
                                .create = make_module<Async>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .needs = needed};

}  // namespace
}  // namespace fairlead::async

FAIRLEAD_MODULE(fairlead::async::descriptor)
