// A variable that can be written but not read.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {};

constexpr fairlead::Variable variables[] = {{.name = "blind", .doc = "Nothing to see."}};

constexpr fairlead::Descriptor descriptor{.name = "bad_row",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>,
                                          .variables = variables};

}  // namespace

FAIRLEAD_MODULE(descriptor)
