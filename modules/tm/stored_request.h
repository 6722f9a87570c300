// A request in shared memory: where it came from, its index, its bytes and the edits that the
// script had made, in one block. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/api/message.h"
#include "core/api/shm.h"
#include "core/api/sip.h"

namespace fairlead::tm {

/// The head of the block; the header table, the edits, the bytes and the edits' texts follow.
struct StoredRequest {
    using ShmSafe = void;
    Received received;
    sip::Frame frame;
    std::uint32_t size = 0;  ///< of the whole block
    std::uint32_t edit_count = 0;
    bool force_rport = false;
};

/// A copy of the request as it stands, in the hand of this process; null when memory is full.
[[nodiscard]] StoredRequest* store_request(shm::Segment& memory, shm::Tag tag,
                                           const Message& m) noexcept;

/// A copy in the arena, for work without the lock.
[[nodiscard]] const StoredRequest* copy(const StoredRequest& from, Arena& arena);

/// Makes `to` read the stored bytes in place.
void attach(const StoredRequest& from, sip::Message& to) noexcept;

/// Sets message, origin and edits of `m`; `from` must outlive it.
void restore(const StoredRequest& from, Message& m);

}  // namespace fairlead::tm
