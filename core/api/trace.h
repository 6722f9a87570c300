// Trace: what became of single transactions, event by event, for operators who ask afterwards.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "core/api/message.h"

namespace fairlead {

/// A ring of events per transaction in shared memory, which outlives the transaction. Any process;
/// a lock of a lower rank than `table` may be held.
class Trace {
public:
    enum class Kind : std::uint8_t {
        received,  ///< a message came
        sent,      ///< a message left
        route,     ///< a route began
        call,      ///< a function was called
        assigned,  ///< a variable got a value
        branch,    ///< a branch was made, or got its final status
        timer      ///< a timer fired
    };
    /// What may stand in one event; more is cut, and ends with "…".
    static constexpr std::size_t kMaxText = 240;

    /// Notes an event of the transaction with this Call-ID and CSeq number.
    virtual void note(std::string_view call_id, std::uint32_t cseq, Kind kind,
                      std::string_view text, const ScriptPlace& place) noexcept = 0;

    /// The same for what happens to the message at hand.
    void note(const Message& m, Kind kind, std::string_view text) noexcept {
        const auto* const cseq = m.sip.cseq();
        note(m.sip.call_id(), cseq != nullptr ? cseq->number : 0, kind, text, m.place);
    }

protected:
    ~Trace() = default;
};

}  // namespace fairlead
