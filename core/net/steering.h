// Hand-over of datagrams to the worker that owns their call. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/net.h"
#include "core/event/fd.h"
#include "core/event/loop.h"
#include "core/net/crews.h"
#include "core/shm/counters.h"
#include "core/shm/mailbox.h"

namespace fairlead::net {

/// Who handles a datagram (docs/steering.md).
enum class SteeringMode : std::uint8_t {
    flow,     ///< whom the kernel chose by addresses and ports
    call_id,  ///< the owner of its Call-ID, reached through a mailbox
    filter    ///< the same; the kernel delivers most datagrams to the owner directly
};
/// "flow", "callid", "bpf".
[[nodiscard]] std::optional<SteeringMode> steering_mode(std::string_view name) noexcept;

/// One per process, made before fork. What is handed over to a worker keeps its order.
class Steering final : public BatchEnd {
public:
    struct Worker {
        shm::Mailbox* mailbox;
        const Wakeup* wakeup;
    };
    struct Counts {
        shm::Counter handed_over, dropped;
    };
    Steering(SteeringMode mode, std::vector<Worker> workers, Crews crews, const Counts& counts)
        : mode_(mode), workers_(std::move(workers)), crews_(std::move(crews)), counts_(counts) {}

    /// True when the datagram belongs to another worker of its listener: it was put into its
    /// mailbox, or dropped and counted when that is full (handled here it could overtake what waits
    /// there).
    [[nodiscard]] bool hand_over(std::uint16_t me, std::string_view bytes,
                                 const Received& from) noexcept;
    /// Wakes the workers that were given something and may be asleep.
    void batch_done() noexcept override;
    /// Wakes every worker: a process that died may have owed it.
    void wake_all() noexcept;

    /// What hand_over put into a mailbox.
    struct Mail {
        Received from;
        std::string_view bytes;
    };
    [[nodiscard]] static std::optional<Mail> read_mail(std::string_view record) noexcept;

private:
    SteeringMode mode_;
    std::vector<Worker> workers_;
    Crews crews_;
    Counts counts_;
    std::vector<std::uint16_t> to_wake_;
};

}  // namespace fairlead::net
