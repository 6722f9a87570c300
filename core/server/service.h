// A serving server: memory, sockets, engine and processes, in the order in which they start.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/proc/post_office.h"
#include "core/server/configured.h"
#include "core/server/daemon.h"
#include "core/server/facts.h"
#include "core/server/log_sinks.h"
#include "core/server/worker.h"

namespace fairlead::server {

class DnsService;

class Service final : proc::Workload, SignalHandler {
public:
    Service(Configured& configured, const Options& options, net::Listening listening,
            const net::OwnNames& names);
    ~Service();

    /// Starts, serves until told to stop, returns the exit status.
    int run();

private:
    // The steps of the start, in their order.
    void set_up_log();
    void set_limits() const;
    Result<void> make_memory();
    Result<void> make_wheel();
    Result<void> open_sockets();
    [[nodiscard]] std::vector<net::Steering::Worker> worker_boxes() const;
    Result<void> make_steering();
    Result<void> make_streams();
    Result<void> make_engine();
    Result<void> make_processes();
    [[nodiscard]] std::string name_of_worker(std::size_t worker) const;
    Result<void> check_files() const;
    Result<void> gather_facts();
    Result<void> go_to_background();
    Result<void> write_files();
    void make_run_directory() const;
    Result<void> settle();  // directories, root, user

    [[nodiscard]] Result<void> start();
    int supervise();
    int serve_alone();
    int failed(const Error& error);
    [[nodiscard]] Shared shared();
    [[nodiscard]] Globals globals();
    [[nodiscard]] std::string crash_directory() const;

    // proc::Workload
    int run(const Process& process, const proc::Ready& ready) override;
    bool lost(const Process& process, pid_t pid) noexcept override;
    void report() noexcept override;
    // SignalHandler, for a server of one process
    void signalled(int number) noexcept override;

    struct NetCounts {
        net::UdpNet::Counts udp;
        net::Steering::Counts steering;
        shm::Counter received;
    };

    Configured& configured_;
    const Settings& settings_;
    const Options& options_;
    net::Crews crews_;
    std::size_t workers_;  ///< of all crews
    bool alone_;

    std::unique_ptr<Log> log_;
    Identity identity_;
    Detached detached_;
    PidFile pid_file_, group_file_;
    std::string server_line_, user_agent_line_;

    ProcessClock clock_;
    std::unique_ptr<shm::Segment> memory_;
    std::unique_ptr<shm::Counters> counters_;
    shm::Hazards* hazards_ = nullptr;
    std::vector<shm::TimerWheel*> wheels_;
    proc::PostOffice post_;
    net::SharedPages<proc::WorkNote> notes_;
    net::SharedPages<WorkerPages> pages_;
    net::SharedPages<std::atomic<pid_t>> pids_;
    Facts facts_;
    std::optional<net::Sockets> sockets_;
    net::UdpNet net_;
    net::StreamNet streams_;
    std::optional<net::Steering> steering_;
    std::unique_ptr<DnsService> dns_;
    std::unique_ptr<Engine> engine_;
    std::vector<std::string> names_;
    std::vector<Process> processes_;
    std::optional<proc::BlackBox> black_box_;
    shm::Counter respawned_, saved_;
    bool prepared_ = false;
};

}  // namespace fairlead::server
