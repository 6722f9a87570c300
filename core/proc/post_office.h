// The mailboxes of all processes: each has a mailbox in shared memory and a descriptor that wakes
// it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/event/fd.h"
#include "core/proc/post.h"
#include "core/shm/counters.h"
#include "core/shm/mailbox.h"

namespace fairlead::proc {

/// The mailboxes of all processes; slots begin with 1. Made before fork.
class PostOffice final : public Post {
public:
    struct Box {
        shm::Mailbox* mailbox;
        Wakeup wakeup;
    };

    /// For which handler a record of this kind is; the inverse of what post() wrote.
    [[nodiscard]] static MailId id(shm::MailKind kind) noexcept;

    /// The box of the next slot. An error when the segment has no room for `bytes` (a power of 2).
    [[nodiscard]] Result<void> add(shm::Segment& memory, std::size_t bytes);
    /// What could not be posted because a mailbox was full.
    void count_dropped(shm::Counter counter) noexcept { dropped_ = counter; }
    /// There is one process only, the first: it gets everything.
    void set_alone() noexcept { alone_ = true; }

    bool post(std::uint16_t slot, MailId to, std::string_view bytes) noexcept override;
    /// Of a process slot that was added.
    [[nodiscard]] const Box& box(std::uint16_t slot) const noexcept { return boxes_[slot - 1U]; }

private:
    std::deque<Box> boxes_;  // others keep the addresses of wakeups
    shm::Counter dropped_;
    bool alone_ = false;
};

}  // namespace fairlead::proc
