// crash: ends its process, for tests of what the server does then.
// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "core/module.h"

namespace {

using fairlead::Route, fairlead::Verdict;

class Crash final : public fairlead::Module {
public:
    bool start_fails = false;

    fairlead::Result<void> start(const fairlead::Process&) override {
        if (start_fails) return fairlead::fail("told to fail");
        return {};
    }
    Verdict crash(fairlead::Message&) {
        std::raise(SIGKILL);  // as sudden as a fault, but leaves no core file
        return Verdict::no;
    }
};

constexpr fairlead::Param params[] = {
    fairlead::param<&Crash::start_fails>("start_fails", "Lets no process start."),
};
constexpr fairlead::Function functions[] = {
    fairlead::function<&Crash::crash>("crash", "Ends the process at once.", Route::any),
};
constexpr fairlead::Descriptor descriptor{.name = "crash",
                                          .summary = "Ends its process.",
                                          .create = fairlead::make_module<Crash>,
                                          .params = params,
                                          .functions = functions};

}  // namespace

FAIRLEAD_MODULE(descriptor)
