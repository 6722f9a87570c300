// The engine runs the configuration's program through the interpreter. SPDX-License-Identifier:
// Apache-2.0
#include "core/server/engine_impl.h"

namespace fairlead::server {

void Engine::set_program(std::shared_ptr<const cfg::Program> program) {
    impl_->log_prefix = cfg::log_prefix(*program);
    impl_->program = std::make_shared<cfg::Interpreter>(std::move(program));
    impl_->set_script(*impl_->program);
}

}  // namespace fairlead::server
