// The engine: the message path of one process. Bytes in, script and modules, messages out through
// Net. It is the same in the server and in scenario tests, where Net and Clock are fakes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfg/config.h"
#include "core/api/core.h"
#include "core/module/registry.h"

namespace fairlead::proc {
class Post;
}
namespace fairlead::server {

struct Facts;
class TraceTable;

/// What the engine stands on. All are owned by the caller and outlive it.
struct Parts {
    const Clock& clock;
    Net& net;
    shm::Segment& memory;
    shm::Hazards& hazards;
    shm::Counters& counters;
    std::vector<shm::TimerWheel*> wheels;  ///< by process slot; null where a process has none
    module::Registry& registry;
};

/// One per process after fork; made in the supervisor before. Implements what modules see.
class Engine final : public Core {
public:
    Engine(Parts parts, Globals globals);
    ~Engine();

    // In the supervisor, in this order.
    /// Compiles nothing and runs nothing: takes the program that cfg::compile made.
    void set_program(std::shared_ptr<const cfg::Program> program);
    /// The same with any Script (tests); not owned.
    void set_script(Script& script) noexcept;
    /// The parameters that custom_parameter() finds, whose names have a dot; and
    /// received_route_mode.
    void set_parameters(std::span<const cfg::Setting> settings);
    /// Connects the modules and calls their prepare() in order.
    Result<void> prepare();

    // In each process after fork.
    /// Before start(): the loop that the process will run; not owned.
    void set_loop(Loop& loop) noexcept;
    /// What operators changed since the last call takes effect in this process.
    void follow_changes() noexcept;
    Result<void> start(const Process& process);
    void stop() noexcept;

    /// One datagram or one framed message. Never throws. Everything that the message causes at once
    /// has been handed to Net when it returns.
    void receive(std::string_view bytes, const Received& from) noexcept;
    /// Runs what is due in this process's wheel, and in others' that are late by more than 100 ms.
    void run_timers() noexcept;
    /// Calls the tickers that are due; run_timers() does it in the control process.
    void run_tickers() noexcept;
    /// Net reports a send that failed after it was queued.
    void send_failed(const SendFailure& failure) noexcept;

    /// Before fork, after prepare(): the wheel of the next process slot.
    void add_wheel(shm::TimerWheel& wheel);
    /// Before fork, for commands: what the server knows of itself; not owned.
    void set_facts(const Facts& facts) noexcept;
    /// Whether the steps of transactions are noted from now on, in this process.
    void set_tracing(bool on) noexcept;
    [[nodiscard]] bool is_tracing() const noexcept;
    [[nodiscard]] TraceTable& traces() noexcept;
    [[nodiscard]] const Facts& facts() const noexcept;
    [[nodiscard]] module::Registry& registry() noexcept;
    /// The process that runs commands, when it is not the one behind the workers.
    void set_control_slot(std::uint16_t slot) noexcept;
    /// Where Core::post goes; not owned. Without one nothing can be posted.
    void set_post(proc::Post& post) noexcept;
    /// Before fork: where names of next hops are found; not owned. Without one only those of the
    /// hosts file are.
    void set_finder(NextHopFinder& finder) noexcept;
    /// A record of this process's mailbox.
    void mail(MailId to, std::string_view bytes) noexcept;

    /// For add_process: names in the order of the calls, with their counts.
    struct Wanted {
        std::string name;
        std::size_t count;
    };
    [[nodiscard]] const std::vector<Wanted>& wanted_processes() const noexcept;

    /// Stateless forwarding to a given place, whatever the message points to.
    ScriptError forward_to(Message& m, const Target& target) noexcept;
    /// Messages taken by borrow_message() and not given back (tests).
    [[nodiscard]] std::size_t messages_out() const noexcept;

    // Core
    [[nodiscard]] const Clock& clock() const noexcept override;
    [[nodiscard]] Random& random() noexcept override;
    [[nodiscard]] Net& net() noexcept override;
    [[nodiscard]] Timers& timers() noexcept override;
    [[nodiscard]] Script& script() noexcept override;
    [[nodiscard]] shm::Segment& memory() noexcept override;
    [[nodiscard]] shm::Hazards& hazards() noexcept override;
    [[nodiscard]] shm::Counters& counters() noexcept override;
    [[nodiscard]] const Globals& globals() const noexcept override;
    [[nodiscard]] const Process& process() const noexcept override;
    [[nodiscard]] Loop* loop() noexcept override;
    [[nodiscard]] std::uint16_t control_slot() const noexcept override;
    [[nodiscard]] Commands& commands() noexcept override;
    [[nodiscard]] Tunables& tunables() noexcept override;
    [[nodiscard]] std::size_t message_slot() override;
    [[nodiscard]] shm::HandlerId on_send_failure(SendFailureHandler& handler) override;
    std::uint16_t add_process(std::string_view name, std::size_t count) override;
    [[nodiscard]] MailId on_mail(MailHandler& handler) override;
    [[nodiscard]] bool post(std::uint16_t slot, MailId to,
                            std::string_view bytes) noexcept override;
    [[nodiscard]] Message& borrow_message() override;
    void give_back(Message& message) noexcept override;
    ScriptError forward(Message& m) noexcept override;
    [[nodiscard]] Value custom_parameter(std::string_view group,
                                         std::string_view name) const noexcept override;
    [[nodiscard]] bool may_send(Message& m, const Target& to,
                                std::string_view bytes) noexcept override;
    [[nodiscard]] shm::Histograms& histograms() noexcept override;
    [[nodiscard]] std::vector<StatisticValue> statistics() override;
    [[nodiscard]] Trace* trace() noexcept override;
    [[nodiscard]] NextHopFinder& next_hops() noexcept override;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::server
