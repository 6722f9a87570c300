// Commands that send requests and replies of an operator's, with Kamailio's names and shapes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>

#include "modules/tm/api.h"

namespace fairlead::tm {

/// Who waits for the final reply to a request of a command; in the control process.
class UacAnswers final : public UacListener {
public:
    /// Requests that wait; above it new ones are refused.
    static constexpr std::size_t kMost = 10'000;

    void prepare(UacApi& uac) { callback_ = uac.on_reply(*this); }
    /// Launches `request`; `later` is told its final reply, if it is not null.
    [[nodiscard]] Result<void> launch(UacApi& uac, UacRequest request, Call* call);

private:
    void replied(const UacReply& reply) override;

    UacCallback callback_ = UacCallback::none;
    std::map<std::uint64_t, std::unique_ptr<LateAnswer>> waiting_;
    std::uint64_t last_ = 0;
};

namespace operators {
Result<void> reply(Module& m, Call& call);
Result<void> reply_callid(Module& m, Call& call);
Result<void> start_request(Module& m, Call& call);
Result<void> wait_for_request(Module& m, Call& call);
}  // namespace operators

}  // namespace fairlead::tm
