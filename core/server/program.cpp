// The engine runs the configuration's program through the interpreter. SPDX-License-Identifier:
// Apache-2.0
#include "core/server/engine_impl.h"

namespace fairlead::server {

void Engine::set_program(std::shared_ptr<const cfg::Program> program) {
    impl_->log_prefix = cfg::log_prefix(*program);
    const auto interpreter = std::make_shared<cfg::Interpreter>(std::move(program));
    interpreter->count_regex_evictions(impl_->parts.counters.add(
        "core", "regex_evicted", "Expressions that others pushed out of the cache of the script."));
    impl_->program = interpreter;
    impl_->set_script(*impl_->program);
}

}  // namespace fairlead::server
