// The events of the last transactions, in rings in shared memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/api/trace.h"
#include "core/base/clock.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"

namespace fairlead::server {

/// A set of places for rings, chosen by Call-ID and CSeq number, each set with its lock. A ring is
/// allocated when a place is used for the first time; when all of a set are taken, the one that was
/// written to longest ago begins anew.
class TraceTable final : public Trace {
public:
    static constexpr std::size_t kPlaces = 4, kRingBytes = 8 * 1024, kMaxCallId = 256;

    /// Before fork: places for `transactions`, without the rings.
    [[nodiscard]] Result<void> prepare(shm::Segment& memory, const Clock& clock,
                                       std::size_t transactions);
    void enter(std::uint16_t process) noexcept { process_ = process; }

    using Trace::note;
    void note(std::string_view call_id, std::uint32_t cseq, Kind kind, std::string_view text,
              const ScriptPlace& place) noexcept override;

    struct Event {
        std::int64_t at = 0;  ///< microseconds since 1970
        std::uint32_t cseq = 0;
        std::uint16_t process = 0;
        Kind kind{};
        std::string text, place;  ///< "file:line", "" outside of a script
    };
    struct Call {
        std::string call_id;
        std::uint32_t cseq = 0;
        std::int64_t last = 0;  ///< microseconds since 1970
        std::int64_t lost = 0;  ///< events that later ones took the room of
    };
    /// What is known of a Call-ID, by time. Any process.
    [[nodiscard]] std::vector<Event> events(std::string_view call_id) const;
    [[nodiscard]] std::int64_t lost(std::string_view call_id) const;
    /// All transactions that are remembered, the last one first.
    [[nodiscard]] std::vector<Call> calls() const;
    /// Gives all rings back.
    void clear() noexcept;

private:
    struct Ring;
    struct Set;
    template <class F>
    void each(F visit) const;
    [[nodiscard]] Ring* place_for(Set& set, std::uint64_t hash, std::string_view call_id,
                                  std::uint32_t cseq) noexcept;

    shm::Segment* memory_ = nullptr;
    const Clock* clock_ = nullptr;
    shm::Tag tag_;
    std::vector<Set*> sets_;  ///< filled before fork
    std::uint16_t process_ = 0;
};

}  // namespace fairlead::server
