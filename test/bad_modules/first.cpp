// A good module whose name another one wants.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {};

constexpr fairlead::Descriptor descriptor{
    .name = "first", .summary = "Only for tests.", .create = fairlead::make_module<Bad>};

}  // namespace

FAIRLEAD_MODULE(descriptor)
