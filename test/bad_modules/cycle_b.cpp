// Needs cycle_a, which needs this one.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

struct OwnApi {
    static constexpr fairlead::ApiId api_id{"cycle_b", 1};

protected:
    ~OwnApi() = default;
};
struct OtherApi {
    static constexpr fairlead::ApiId api_id{"cycle_a", 1};

protected:
    ~OtherApi() = default;
};
class Bad final : public fairlead::Module, public OwnApi {
public:
    OtherApi* other = nullptr;
};

constexpr fairlead::Offer offers[] = {fairlead::offers<Bad, OwnApi>()};
constexpr fairlead::Need needs[] = {fairlead::needs<&Bad::other>()};

constexpr fairlead::Descriptor descriptor{.name = "cycle_b",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>,
                                          .offers = offers,
                                          .needs = needs};

}  // namespace

FAIRLEAD_MODULE(descriptor)
