// Needs an interface that nobody offers.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

struct AbsentApi {
    static constexpr fairlead::ApiId api_id{"absent", 1};

protected:
    ~AbsentApi() = default;
};
class Bad final : public fairlead::Module {
public:
    AbsentApi* absent = nullptr;
};

constexpr fairlead::Need needs[] = {fairlead::needs<&Bad::absent>()};

constexpr fairlead::Descriptor descriptor{.name = "missing_api",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>,
                                          .needs = needs};

}  // namespace

FAIRLEAD_MODULE(descriptor)
