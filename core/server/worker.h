// What a process of the server does between fork and its end: one loop around one engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/event/fd.h"
#include "core/event/loop.h"
#include "core/net/gather.h"
#include "core/net/steering.h"
#include "core/net/stream_net.h"
#include "core/net/udp_net.h"
#include "core/net/udp_reader.h"
#include "core/proc/black_box.h"
#include "core/proc/post_office.h"
#include "core/proc/supervisor.h"
#include "core/server/engine.h"
#include "core/shm/mailbox.h"

namespace fairlead::server {

class DnsService;

/// The clock that the engine was given before its process had a loop.
class ProcessClock final : public Clock {
public:
    void follow(const Clock& clock) noexcept { clock_ = &clock; }
    /// Back to the system's, when the loop ends.
    void unfollow() noexcept { clock_ = &system_; }
    [[nodiscard]] Ms now() const noexcept override { return clock_->now(); }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override {
        return clock_->unix_seconds();
    }
    [[nodiscard]] std::int64_t unix_microseconds() const noexcept override {
        return clock_->unix_microseconds();
    }
    [[nodiscard]] std::int64_t ns() const noexcept override { return clock_->ns(); }
    [[nodiscard]] std::int64_t exact_ns() const noexcept override { return clock_->exact_ns(); }

private:
    SystemClock system_;
    const Clock* clock_ = &system_;
};

/// What is shared by a process, its predecessors and the supervisor. In shared pages, zeroed.
struct WorkerPages {
    net::ReceiveBatch batch;
    /// The record in work.
    std::array<char, net::StreamNet::kMailHead + sizeof(Received) + sip::kMaxMessage + 1> mail;
    std::array<char, net::Connection::kScratch> stream;  ///< the message in work
};

/// What every process inherits; owned by the server.
struct Shared {
    ProcessClock& clock;
    Engine& engine;
    shm::Segment& memory;
    shm::Counters& counters;
    net::UdpNet& net;
    net::StreamNet& streams;
    const net::Sockets& sockets;
    net::Steering& steering;
    std::span<proc::WorkNote> notes;  ///< by process slot
    std::span<WorkerPages> pages;     ///< by process slot, from 1
    const proc::PostOffice& post;
    std::span<shm::TimerWheel* const> wheels;  ///< by process slot
    DnsService& dns;
    net::Gather::Duration gather;  ///< how long a busy worker lets datagrams gather
};

class Worker final : net::Receiver, net::SendErrors, Watcher, SignalHandler, BatchEnd {
public:
    Worker(const Shared& shared, const Process& process);

    /// Until SIGTERM; calls `ready` once it serves. Returns the exit status.
    int run(const proc::Ready& ready);
    /// The only process of the server (-D): runs tickers too, and stops upon SIGINT.
    /// `ready` is called once it serves.
    int run_alone(const std::function<void()>& ready, SignalHandler& other_signals);

private:
    /// At most this many records are taken between two looks at the sockets.
    static constexpr int kMailPerTurn = 64;
    static constexpr Ms kTick{10}, kIdleTick{50};

    [[nodiscard]] bool start();
    void loop();
    void gather() noexcept;
    void finish();
    void take_mail() noexcept;
    void deliver(shm::MailKind kind, std::string_view record) noexcept;
    [[nodiscard]] const proc::PostOffice::Box& box() const noexcept {
        return shared_.post.box(process_.slot);
    }
    [[nodiscard]] WorkerPages& pages() const noexcept { return shared_.pages[process_.slot - 1U]; }
    void tick() noexcept;
    [[nodiscard]] bool is_worker() const noexcept { return process_.kind == Process::Kind::worker; }

    void received(std::string_view bytes, const Received& from) noexcept override;
    void send_failed(const SendFailure& failure) noexcept override;
    void ready(int descriptor) noexcept override;  // the mailbox's wake-up
    void signalled(int number) noexcept override;
    void batch_done() noexcept override;

    Shared shared_;
    Process process_;
    bool alone_ = false, stopping_ = false;
    Loop loop_;
    TimerCall<Worker> tick_call_{*this, &Worker::tick};
    Watch fast_tick_, slow_tick_, mail_watch_, stop_watch_, interrupt_watch_;
    bool is_fast_ = true;
    std::optional<net::UdpReader> reader_;
    net::Gather gather_;
};

}  // namespace fairlead::server
