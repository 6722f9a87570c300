// Hand-over of datagrams to the worker that owns their call. SPDX-License-Identifier: Apache-2.0
#include "core/net/steering.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/net/call_id.h"

namespace fairlead::net {

static_assert(std::is_trivially_copyable_v<Received>);

std::optional<SteeringMode> steering_mode(std::string_view name) noexcept {
    if (name == "flow") return SteeringMode::flow;
    if (name == "callid") return SteeringMode::call_id;
    if (name == "bpf") return SteeringMode::filter;
    return std::nullopt;
}

bool Steering::hand_over(std::uint16_t me, std::string_view bytes, const Received& from) noexcept {
    const Crew crew = crews_.of(from.listener);
    if (mode_ == SteeringMode::flow || crew.count < 2) return false;
    const auto call_id = find_call_id(bytes);
    if (call_id.empty()) return false;  // nothing that must keep its order
    const auto owner = static_cast<std::uint16_t>(crew.first + owner_of(call_id, crew.count));
    if (owner == me) return false;
    std::array<char, sizeof from> head;
    std::memcpy(head.data(), &from, sizeof from);
    const auto put =
        workers_[owner].mailbox->put(shm::MailKind::datagram, {{head.data(), head.size()}, bytes});
    if (put == shm::Mailbox::Put::full) {
        counts_.dropped.add();
        return true;
    }
    counts_.handed_over.add();
    if (put == shm::Mailbox::Put::ok_wake && std::ranges::find(to_wake_, owner) == to_wake_.end())
        to_wake_.push_back(owner);
    return true;
}

void Steering::batch_done() noexcept {
    for (const auto worker : to_wake_) workers_[worker].wakeup->notify();
    to_wake_.clear();
}

void Steering::wake_all() noexcept {
    for (const auto& worker : workers_) worker.wakeup->notify();
}

std::optional<Steering::Mail> Steering::read_mail(std::string_view record) noexcept {
    Mail mail;
    if (record.size() < sizeof mail.from) return std::nullopt;
    std::memcpy(&mail.from, record.data(), sizeof mail.from);
    mail.bytes = record.substr(sizeof mail.from);
    return mail;
}

}  // namespace fairlead::net
