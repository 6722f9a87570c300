// The memory of transactions: making cells, giving back what is no longer needed, arming their
// timer, freeing them. The lock of the cell's bucket is held. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/message.h"
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// A new transaction for the request, linked; null when memory is full.
[[nodiscard]] Cell* make_cell(Runtime& rt, Bucket& b, const RequestKey& key,
                              const Message& m) noexcept;

/// A transaction for a request of our own, linked; it takes `local` over. `label` was taken from
/// the bucket. Null when memory is full.
[[nodiscard]] Cell* make_local_cell(Runtime& rt, Bucket& b, const RequestKey& key,
                                    std::uint32_t label, LocalRequest& local) noexcept;

/// Puts a copy of `bytes` in the place of what was there; false (and empty) when memory is full.
/// `hold` is in_hand for a buffer that no transaction has yet: publish() it with what it is in.
bool replace(Runtime& rt, Buffer& buffer, std::string_view bytes, shm::Tag tag,
             shm::Hold hold = shm::Hold::published) noexcept;
void publish(Runtime& rt, const Buffer& buffer) noexcept;
void drop(Runtime& rt, Buffer& buffer) noexcept;

/// Stores the request again with the edits that it has now. False when memory is full.
bool update_request(Runtime& rt, Cell& c, const Message& m) noexcept;
/// Stores variables and flags of the script. False when memory is full.
bool keep_script_state(Runtime& rt, Cell& c, const Message& m);

/// After every step: gives back large buffers that are not needed any more and sets the timer. A
/// cell that has ended is freed by its timer.
void rest(Runtime& rt, Cell& c) noexcept;

/// Frees a cell that has ended unless a process uses it; then it is tried again in 100 ms. Who
/// observes it is told through `out`, if there is one.
void collect(Runtime& rt, Bucket& b, Cell& c, Outgoing* out = nullptr) noexcept;

}  // namespace fairlead::tm
