// Its prepare() says no.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {
public:
    fairlead::Result<void> prepare(fairlead::Core&) override {
        return fairlead::fail("the table is missing");
    }
};

constexpr fairlead::Descriptor descriptor{
    .name = "fails_in_prepare", .summary = "Only for tests.", .create = fairlead::make_module<Bad>};

}  // namespace

FAIRLEAD_MODULE(descriptor)
