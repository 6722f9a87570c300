// Two rows for the same function and number of arguments.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

namespace {

class Bad final : public fairlead::Module {
public:
    fairlead::Verdict go(fairlead::Message&, int) { return fairlead::Verdict::yes; }
};

constexpr fairlead::Function functions[] = {
    fairlead::function<&Bad::go>("go", "Goes.", fairlead::Route::any, "n"),
    fairlead::function<&Bad::go>("go", "Goes again.", fairlead::Route::any, "n")};

constexpr fairlead::Descriptor descriptor{.name = "duplicate_function",
                                          .summary = "Only for tests.",
                                          .create = fairlead::make_module<Bad>,
                                          .functions = functions};

}  // namespace

FAIRLEAD_MODULE(descriptor)
