// The mailboxes of all processes. SPDX-License-Identifier: Apache-2.0
#include "core/proc/post_office.h"

namespace fairlead::proc {
namespace {

// The numbers below are the core's own kinds.
constexpr auto kFirst = static_cast<std::uint16_t>(shm::MailKind::first_module);

}  // namespace

MailId PostOffice::id(shm::MailKind kind) noexcept {
    return static_cast<MailId>(static_cast<std::uint16_t>(kind) - kFirst);
}

Result<void> PostOffice::add(shm::Segment& memory, std::size_t bytes) {
    const auto tag = memory.tag("core", "mailbox");
    auto* const mailbox = memory.make<shm::Mailbox>(tag);
    if (mailbox == nullptr || !mailbox->init(memory, tag, bytes))
        return fail("shared memory is too small: raise shm_mem_size (-m)");
    boxes_.push_back({mailbox, TRY(Wakeup::create())});
    return {};
}

bool PostOffice::post(std::uint16_t slot, MailId id, std::string_view bytes) noexcept {
    const std::uint16_t to = alone_ ? 1 : slot;
    if (to == 0 || to > boxes_.size()) return false;
    const Box& box = boxes_[to - 1U];
    const auto kind = static_cast<shm::MailKind>(kFirst + static_cast<std::uint16_t>(id));
    const auto put = box.mailbox->put(kind, {bytes});
    if (put == shm::Mailbox::Put::full) {
        dropped_.add();
        return false;
    }
    if (put == shm::Mailbox::Put::ok_wake) box.wakeup.notify();
    return true;
}

}  // namespace fairlead::proc
