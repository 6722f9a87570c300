// The engine runs the configuration's program through the interpreter. SPDX-License-Identifier:
// Apache-2.0
#include "core/server/engine_impl.h"
#include "core/server/timed_script.h"

namespace fairlead::server {
namespace {

/// The interpreter and the clock around it.
struct Timed {
    Timed(std::shared_ptr<const cfg::Program> program, const Clock& clock)
        : interpreter(std::move(program)), script(interpreter, clock) {}
    cfg::Interpreter interpreter;
    TimedScript script;
};

}  // namespace

void Engine::set_program(std::shared_ptr<const cfg::Program> program) {
    const cfg::Program& whole = *program;  // which the interpreter keeps
    impl_->log_prefix = cfg::log_prefix(whole);
    const auto timed = std::make_shared<Timed>(std::move(program), impl_->parts.clock);
    timed->interpreter.count_regex_evictions(impl_->parts.counters.add(
        "core", "regex_evicted", "Expressions that others pushed out of the cache of the script."));
    const auto add = [&](std::string_view route) {
        return impl_->parts.counters.histograms().add(
            "core", "route", "How long routes run that the server or a module began.", "route",
            route);
    };
    for (const std::string& label : cfg::route_labels(whole)) timed->script.add(add(label));
    timed->script.set_resumed(add("resumed"));
    impl_->program = std::shared_ptr<Script>(timed, &timed->script);
    impl_->set_script(*impl_->program);
}

}  // namespace fairlead::server
