// Its prepare() throws.
// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {
public:
    fairlead::Result<void> prepare(fairlead::Core&) override {
        throw std::runtime_error("the sky is falling");
    }
};

constexpr fairlead::Descriptor descriptor{.name = "throws_in_prepare",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>};

}  // namespace

FAIRLEAD_MODULE(descriptor)
