// Wants something that this server does not have.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

extern "C" int fairlead_from_the_future();

namespace {

class Bad final : public fairlead::Module {
public:
    int number = fairlead_from_the_future();
};

constexpr fairlead::Descriptor descriptor{
    .name = "undefined", .summary = "Only for tests.", .create = fairlead::make_module<Bad>};

}  // namespace

FAIRLEAD_MODULE(descriptor)
