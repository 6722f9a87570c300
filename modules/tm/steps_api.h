// Relaying in steps, for modules that decide after each one what the next is; a part of
// modules/tm/api.h. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/module.h"

namespace fairlead::tm {

/// What StepsApi::on_failure gave; the same in every process.
enum class StepId : std::uint16_t { none = 0xffff };

/// A place to which a redirection points.
struct StepContact {
    std::string_view uri;
    std::int16_t q = 1000;  ///< thousandths; 1000 when the Contact has none (RFC 3261 20.10)
    bool of_best = false;   ///< of the reply that is the best one
};

/// How a step ended: every branch of it without a 2xx.
struct StepFailure {
    int code = 0;              ///< best final reply of this step (RFC 3261 16.7 step 6)
    bool timed_out = false;    ///< Step::timeout is over, then `code` is 408; or a timer of tm made
                               ///< the 408 that is the best reply
    bool unreachable = false;  ///< the best one is a 503 made here: it could not be sent
    std::string_view luggage;
    /// Of all 3xx replies of this step, in the order of the branches and of the lines of each.
    std::span<const StepContact> contacts;
};

class StepHandler {
public:
    /// A step has failed. In whichever process completed it, without any lock, before failure_route
    /// and not at all when the client has cancelled, or when the process that was to call it died
    /// (the best reply goes up then). `m` is the request with edits, flags and variables as
    /// failure_route would have them, but with the Request-URI as it was received, as if it had
    /// been relayed to already: StepsApi::relay() and Api::relay() go to what is set in `m.target`,
    /// and to branches that are appended. What is changed of flags and variables stays. It may
    /// relay once more, with a new step or without one; or reply (Api::reply); when it does neither
    /// the failure goes on to failure_route and to the client. It may not suspend. Views are valid
    /// during the call only.
    virtual void failed(Message& m, const StepFailure& failure) = 0;

protected:
    ~StepHandler() = default;
};

/// How a request is relayed. Views are needed during the call only.
struct Step {
    /// Bytes of `luggage` at most; a relay with more of them is refused (bad_request).
    static constexpr std::size_t kMaxLuggage = 16384;

    StepId handler = StepId::none;
    std::string_view luggage;  ///< kept in the transaction, handed to the handler
    /// How long until the step is ended: branches that are open then are cancelled and count as
    /// 408. 0: never, tm's own timers end each branch.
    Ms timeout{0};
};

struct StepsApi {
    static constexpr ApiId api_id{"tm.steps", 1};

    /// Before fork (in prepare()).
    [[nodiscard]] virtual StepId on_failure(StepHandler& handler) = 0;
    /// t_relay to where the message points, in request_route, failure_route or
    /// StepHandler::failed(): above 0, or a ScriptError; then nothing was sent, and no handler is
    /// called for it. When it is called again before the step has ended, the branches join the
    /// step, whose handler, luggage and timeout are replaced.
    virtual int relay(Message& m, const Step& step) = 0;

protected:
    ~StepsApi() = default;
};

}  // namespace fairlead::tm
