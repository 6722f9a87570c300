// Built with another FAIRLEAD_ABI_HASH (see meson.build), as against an older server.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {};

constexpr fairlead::Descriptor descriptor{
    .name = "old_abi", .summary = "Only for tests.", .create = fairlead::make_module<Bad>};

}  // namespace

FAIRLEAD_MODULE(descriptor)
