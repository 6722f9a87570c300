// Would use an interface that nobody offers: it loads.
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

constexpr fairlead::Need needs[] = {fairlead::needs<&Bad::absent>(true)};

constexpr fairlead::Descriptor descriptor{.name = "optional_api",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>,
                                          .needs = needs};

}  // namespace

FAIRLEAD_MODULE(descriptor)
