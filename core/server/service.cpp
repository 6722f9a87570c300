// A serving server: memory, sockets, engine and processes.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/service.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "core/base/log.h"
#include "core/net/steer_program.h"
#include "core/server/dns_service.h"
#include "core/server/report.h"

namespace fairlead::server {
namespace {

constexpr int kFailed = 255;
/// Of one worker. A quarter of the segment is the most that all of them take together.
constexpr std::size_t kMailbox = 512 * 1024, kLeastMailbox = 128 * 1024;
/// Of a process that gets no datagrams.
constexpr std::size_t kSmallMailbox = 64 * 1024;

net::StreamOptions stream_options(const Settings& s) {
    const auto seconds = [](std::int64_t n) { return Ms(n * 1000); };
    net::StreamOptions o;
    o.limits.lifetime = seconds(s.tcp_lifetime);
    o.limits.connect_timeout = seconds(s.tcp_connect_timeout);
    o.limits.send_timeout = seconds(s.tcp_send_timeout);
    o.limits.message_timeout = seconds(s.tcp_message_timeout);
    o.limits.queue_bytes = static_cast<std::size_t>(s.tcp_conn_wq_max);
    o.limits.all_queue_bytes = static_cast<std::size_t>(s.tcp_wq_max);
    o.limits.crlf_ping = s.tcp_crlf_ping;
    o.limits.accept_no_length = s.tcp_accept_no_cl;
    o.limits.accept_proxy = s.tcp_accept_haproxy;
    o.tcp.keepalive = s.tcp_keepalive;
    o.tcp.keep_idle = static_cast<int>(s.tcp_keepidle);
    o.tcp.keep_interval = static_cast<int>(s.tcp_keepintvl);
    o.tcp.keep_count = static_cast<int>(s.tcp_keepcnt);
    o.tcp.syn_count = static_cast<int>(s.tcp_syncnt);
    o.tcp.linger2 = static_cast<int>(s.tcp_linger2);
    o.tcp.tos = static_cast<int>(s.tos);
    o.most_connections = static_cast<std::size_t>(s.tcp_max_connections);
    o.most_tls = static_cast<std::size_t>(s.tls_max_connections);
    o.most_of_ip = static_cast<std::size_t>(s.tcp_ip_limit);
    o.defer_accept = static_cast<int>(s.tcp_defer_accept);
    o.no_connect = s.tcp_no_connect;
    o.exact_match = s.tcp_connection_match;
    return o;
}

std::unexpected<Error> out_of_memory() {
    return fail("shared memory is too small: raise shm_mem_size (-m)");
}

}  // namespace

Service::Service(Configured& configured, const Options& options, net::Listening listening,
                 const net::OwnNames& names)
    : configured_(configured),
      settings_(configured.settings),
      options_(options),
      crews_(std::move(listening.crews)),
      workers_(crews_.workers()),
      alone_(!settings_.fork),
      net_(std::move(listening.listeners), names, settings_.mhomed),
      streams_(net_.listeners(), stream_options(settings_)) {
    facts_.names = &names;
    facts_.auto_aliases = settings_.auto_aliases;
    facts_.streams = &streams_;
}

Service::~Service() {
    log::set_sink(nullptr);
}

int Service::run() {
    if (const auto started = start(); !started) return failed(started.error());
    return alone_ ? serve_alone() : supervise();
}

int Service::failed(const Error& error) {
    LOG(critical, "{}", error.str());
    if (prepared_) engine_->stop();
    detached_.report(kFailed);
    return kFailed;
}

Result<void> Service::start() {
    std::signal(SIGPIPE, SIG_IGN);
    set_up_log();
    set_limits();
    identity_ = TRY(find_identity(settings_.user, settings_.group));
    TRY(check_files());
    TRY(make_memory());
    TRY(open_sockets());
    TRY(make_steering());
    TRY(make_streams());
    make_run_directory();
    TRY(make_engine());
    TRY(make_processes());
    TRY(gather_facts());
    TRY(go_to_background());
    TRY(write_files());
    TRY(settle());
    return {};
}

void Service::set_up_log() {
    LogTarget target;
    target.to_stderr = settings_.log_stderror;
    target.json = !settings_.log_engine.empty();
    target.name = settings_.log_name;
    target.facility = syslog_facility(settings_.log_facility);
    log_ = std::make_unique<Log>(target);
    log::set_sink(log_.get());
    log::set_level(static_cast<log::Level>(settings_.debug));
}

void Service::set_limits() const {
    if (settings_.open_files > 0) {
        const auto n = static_cast<rlim_t>(settings_.open_files);
        const rlimit limit{n, n};
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            LOG(warning, "open_files_limit: {}", std::strerror(errno));
    }
    if (settings_.disable_core_dump) {
        const rlimit none{0, 0};
        if (setrlimit(RLIMIT_CORE, &none) != 0)
            LOG(warning, "disable_core_dump: {}", std::strerror(errno));
    }
}

Result<void> Service::check_files() const {
    if (!options_.pid_file.empty()) TRY(PidFile::check(options_.pid_file));
    return {};
}

Result<void> Service::make_memory() {
    memory_ = TRY(shm::Segment::create(static_cast<std::size_t>(settings_.memory_mb) << 20));
    counters_.reset(TRY(shm::Counters::create(*memory_)));
    counters_->enter(0);
    log_->count_dropped(
        counters_->add("log", "dropped", "Lines lost because their reader was too slow."));
    hazards_ = memory_->make<shm::Hazards>(memory_->tag("core", "hazards"));
    if (hazards_ == nullptr) return out_of_memory();
    // Workers are slots 1…N, the control process is the next. Those of modules follow when
    // prepare() has told how many they are.
    wheels_.resize(1);
    for (std::size_t i = 0; i < workers_ + 1; ++i) TRY(make_wheel());
    const std::size_t share = std::bit_floor((memory_->size() / 4) / workers_);
    const std::size_t mailbox = std::max(std::min(kMailbox, share), kLeastMailbox);
    for (std::size_t i = 0; i < workers_; ++i) TRY(post_.add(*memory_, mailbox));
    return post_.add(*memory_, kSmallMailbox);
}

Result<void> Service::make_wheel() {
    auto* const wheel = memory_->make<shm::TimerWheel>(memory_->tag("core", "timer wheel"));
    if (wheel == nullptr) return out_of_memory();
    wheel->init(static_cast<std::uint8_t>(wheels_.size()), clock_.now());
    wheels_.push_back(wheel);
    return {};
}

Result<void> Service::open_sockets() {
    net::SocketOptions wanted;
    wanted.receive_buffer = static_cast<std::size_t>(settings_.receive_buffer);
    wanted.tos = static_cast<int>(settings_.tos);
    wanted.free_bind = settings_.free_bind;
    wanted.backlog = static_cast<int>(settings_.tcp_backlog);
    wanted.defer_accept = static_cast<int>(settings_.tcp_defer_accept);
    wanted.path_mtu_discovery = settings_.path_mtu_discovery;
    sockets_ = TRY(net::Sockets::open(net_.listeners(), crews_, wanted));
    net_.use(*sockets_);
    return {};
}

std::vector<net::Steering::Worker> Service::worker_boxes() const {
    std::vector<net::Steering::Worker> workers;
    for (std::size_t i = 0; i < workers_; ++i) {
        const auto& box = post_.box(static_cast<std::uint16_t>(i + 1));
        workers.push_back({box.mailbox, &box.wakeup});
    }
    return workers;
}

Result<void> Service::make_steering() {
    auto mode = net::steering_mode(settings_.steering).value_or(net::SteeringMode::call_id);
    if (mode == net::SteeringMode::filter) {
        for (const auto& listener : net_.listeners()) {
            const net::Crew crew = crews_.of(listener.index);
            if (listener.proto != Proto::udp || crew.count < 2) continue;
            const auto reach =
                net::attach_steering(sockets_->get(listener.index, crew.first), crew.count);
            if (!reach) {
                // Order holds without it: every datagram is handed to its owner.
                LOG(warning, "steering by Call-ID in the kernel is not available: {}",
                    reach.error().str());
                mode = net::SteeringMode::call_id;
                break;
            }
            LOG(info, "{}: the kernel finds Call-IDs up to byte {}", listener.uri_text, *reach);
        }
    }
    net::Steering::Counts counts;
    counts.handed_over =
        counters_->add("net", "handed_over", "Datagrams given to the worker that owns their call.");
    counts.dropped = counters_->add("net", "handover_dropped",
                                    "Datagrams lost because the owner's mailbox was full.");
    steering_.emplace(mode, worker_boxes(), crews_, counts);
    return {};
}

Result<void> Service::make_streams() {
    const auto count = [this](std::string_view name, std::string_view help) {
        return counters_->add("tcp", name, help);
    };
    net::StreamCounts c;
    c.resets = count("con_reset", "Connections that their peers reset.");
    c.timeouts = count("con_timeout", "Connections closed because nothing came on them.");
    c.connect_failed = count("connect_failed", "Connections that could not be opened.");
    c.connect_success = count("connect_success", "Connections that were opened.");
    c.open = count("current_opened_connections", "Connections that exist.");
    c.queued_bytes = count("current_write_queue_size", "Bytes that wait to be written.");
    c.established = count("established", "Connections opened and accepted.");
    c.rejected = count("local_reject", "Connections refused because there are too many.");
    c.passive_open = count("passive_open", "Connections that were accepted.");
    c.send_timeout = count("send_timeout", "Connections closed because the peer does not read.");
    c.queue_full = count("sendq_full", "Messages refused because too much waits already.");
    c.broken = count("broken_streams", "Connections closed because what came is no message.");
    TRY(streams_.prepare(worker_boxes(), crews_, c));
    net_.use(streams_);
    return {};
}

Globals Service::globals() {
    const auto line = [this](const std::string& header) {
        return settings_.server_signature && !header.empty() ? header + "\r\n" : std::string();
    };
    server_line_ = line(settings_.server_header);
    user_agent_line_ = line(settings_.user_agent_header);
    Globals globals;
    globals.server_header = server_line_;
    globals.user_agent_header = user_agent_line_;
    globals.max_branches = static_cast<std::size_t>(settings_.max_branches);
    globals.workers = workers_;
    globals.force_rport = settings_.force_rport;
    globals.local_rport = settings_.local_rport;
    globals.check_via = settings_.check_via;
    globals.sip_warning = settings_.sip_warning;
    globals.server_id = settings_.server_id;
    globals.xavp_via_params = settings_.xavp_via_params;
    globals.xavp_via_fields = settings_.xavp_via_fields;
    globals.trace = settings_.trace;
    globals.trace_transactions = static_cast<std::size_t>(settings_.trace_transactions);
    globals.udp_mtu = static_cast<std::size_t>(settings_.udp_mtu);
    globals.udp_mtu_try_proto = parse_proto(settings_.udp_mtu_try_proto).value_or(Proto::none);
    globals.accept_aliases = settings_.tcp_accept_aliases;
    globals.run_directory = settings_.run_dir;
    globals.work_directory = settings_.work_dir;
    globals.config_directory = configured_.directory;
    globals.max_connections = streams_.options().most_connections;
    if (identity_.user != Identity::none) {
        globals.user = identity_.user;
        globals.group = identity_.group;
    }
    globals.async_workers = static_cast<std::size_t>(settings_.async_workers);
    globals.async_groups = settings_.async_groups;
    return globals;
}

Result<void> Service::make_engine() {
    engine_ = std::make_unique<Engine>(
        Parts{clock_, net_, *memory_, *hazards_, *counters_, wheels_, configured_.registry},
        globals());
    engine_->set_program(configured_.program);
    engine_->set_parameters(configured_.config.settings);
    engine_->set_post(post_);
    dns_ = std::make_unique<DnsService>(dns_options(settings_, net_.listeners()), net_);
    TRY(dns_->prepare(*memory_, *counters_));
    facts_.dns = dns_.get();
    engine_->set_finder(*dns_);
    if (alone_) {
        post_.set_alone();
        engine_->set_control_slot(1);
    }
    post_.count_dropped(counters_->add("process", "mail_dropped",
                                       "Records of modules lost because a mailbox was full."));
    prepared_ = true;  // stop() is due even when a later module refuses
    return engine_->prepare();
}

/// "worker 5 (udp:127.0.0.1:5060 and 2 more)" when it has listeners of its own.
std::string Service::name_of_worker(std::size_t worker) const {
    std::string name = fmt::format("worker {}", worker);
    if (crews_.is_common(worker)) return name;
    const Listener* first = nullptr;
    std::size_t count = 0;
    for (const auto& listener : net_.listeners()) {
        if (!crews_.of(listener.index).contains(worker)) continue;
        if (count++ == 0) first = &listener;
    }
    if (count == 0) return name;
    name += " (" + first->uri_text;
    if (count > 1) name += fmt::format(" and {} more", count - 1);
    return name + ")";
}

Result<void> Service::make_processes() {
    const auto add = [this](Process::Kind kind, std::size_t index, std::string name) {
        names_.push_back(std::move(name));
        Process process;
        process.kind = kind;
        process.slot = static_cast<std::uint16_t>(processes_.size() + 1);
        process.index = static_cast<std::uint16_t>(index);
        processes_.push_back(process);
    };
    for (std::size_t i = 0; i < workers_; ++i) add(Process::Kind::worker, i, name_of_worker(i));
    add(Process::Kind::control, 0, "control");
    for (const auto& wanted : engine_->wanted_processes())
        for (std::size_t i = 0; i < wanted.count; ++i) add(Process::Kind::module, i, wanted.name);
    if (processes_.size() >= shm::kMaxProcesses)
        return fail(fmt::format("{} processes are more than the {} that are possible",
                                processes_.size(), shm::kMaxProcesses - 1));
    // Views are taken when the vector has its final size.
    for (std::size_t i = 0; i < processes_.size(); ++i) processes_[i].name = names_[i];

    while (wheels_.size() < processes_.size() + 1) {
        TRY(make_wheel());
        engine_->add_wheel(*wheels_.back());
        TRY(post_.add(*memory_, kSmallMailbox));
    }
    TRY(pages_.map(processes_.size()));
    TRY(notes_.map(processes_.size() + 1));
    net::UdpNet::Counts counts;
    counts.sent = counters_->add("net", "sent", "Datagrams that left.");
    counts.failed = counters_->add("net", "send_failed", "Datagrams that the system refused.");
    counts.queue_full =
        counters_->add("net", "send_queue_full", "Datagrams lost behind a blocked socket.");
    respawned_ = counters_->add("process", "respawned", "Processes forked again after a death.");
    saved_ = counters_->add("process", "crash_files", "Datagrams saved after a death.");
    return net_.prepare(processes_.size() + 1, counts);
}

Result<void> Service::gather_facts() {
    facts_.started = clock_.unix_seconds();
    std::ifstream line("/proc/self/cmdline", std::ios::binary);
    for (std::string argument; std::getline(line, argument, '\0');)
        facts_.arguments.push_back(argument);
    facts_.processes = alone_ ? std::span(processes_).first(1) : std::span(processes_);
    TRY(pids_.map(processes_.size() + 1));
    facts_.pids = pids_.items();
    facts_.sockets = sockets_ ? &*sockets_ : nullptr;
    facts_.listeners = net_.listeners().size();
    engine_->set_facts(facts_);
    return {};
}

Result<void> Service::go_to_background() {
    if (alone_ || options_.fork != Fork::daemon) return {};
    detached_ = TRY(Detached::detach(settings_.log_stderror));
    return {};
}

Result<void> Service::write_files() {
    if (!options_.pid_file.empty()) {
        pid_file_ = TRY(PidFile::write(options_.pid_file, getpid()));
        if (identity_.user != Identity::none) pid_file_.give_to(identity_.user, identity_.group);
    }
    if (!options_.group_pid_file.empty()) {
        group_file_ = TRY(PidFile::write(options_.group_pid_file, getpgrp()));
        if (identity_.user != Identity::none) group_file_.give_to(identity_.user, identity_.group);
    }
    return {};
}

void Service::make_run_directory() const {
    if (const auto made = make_directory(settings_.run_dir, identity_); !made)
        LOG(notice, "rundir: {}", made.error().str());
}

Result<void> Service::settle() {
    if (!settings_.root_dir.empty() && chroot(settings_.root_dir.c_str()) != 0)
        return fail("cannot change the root to " + settings_.root_dir + ": " +
                    std::strerror(errno));
    if (chdir(settings_.work_dir.c_str()) != 0)
        return fail("cannot change to " + settings_.work_dir + ": " + std::strerror(errno));
    TRY(become(identity_));
    black_box_.emplace(crash_directory());
    return {};
}

std::string Service::crash_directory() const {
    return access(settings_.run_dir.c_str(), W_OK) == 0 ? settings_.run_dir : settings_.work_dir;
}

Shared Service::shared() {
    return {clock_,         *engine_,
            *memory_,       *counters_,
            net_,           streams_,
            *sockets_,      *steering_,
            notes_.items(), pages_.items(),
            post_,          wheels_,
            *dns_,          net::Gather::Duration(settings_.gather_usec)};
}

int Service::supervise() {
    pids_.items()[0] = getpid();
    proc::Supervisor supervisor(processes_, *this, Ms(settings_.exit_timeout * 1000));
    if (const auto started = supervisor.start(); !started) return failed(started.error());
    LOG(notice, "ready: {} workers", workers_);
    detached_.report(0);
    const int status = supervisor.run();
    engine_->stop();
    return status;
}

int Service::serve_alone() {
    pids_.items()[processes_.front().slot] = getpid();
    Worker worker(shared(), processes_.front());
    return worker.run_alone([] { LOG(notice, "ready: one process"); }, *this);
}

int Service::run(const Process& process, const proc::Ready& ready) {
    pids_.items()[process.slot] = getpid();
    Worker worker(shared(), process);
    return worker.run(ready);
}

bool Service::lost(const Process& process, pid_t pid) noexcept {
    respawned_.add();
    pids_.items()[process.slot] = 0;
    const auto freed = memory_->recover(process.slot);
    if (freed != 0) LOG(info, "{} held {} blocks of shared memory in hand", process.name, freed);
    proc::WorkNote& note = notes_.items()[process.slot];
    if (note.active()) {
        const auto& listeners = net_.listeners();
        const auto on = note.from().listener < listeners.size()
                            ? listeners[note.from().listener].uri_text
                            : std::string("unknown");
        const auto saved = black_box_->save(note, process.slot, pid, on);
        note.end();
        if (saved) {
            saved_.add();
            LOG(alert, "{} (pid {}) died while it worked on a datagram: {}", process.name, pid,
                *saved);
        } else {
            LOG(alert, "{} (pid {}) died while it worked on a datagram, which is not saved: {}",
                process.name, pid, saved.error().str());
        }
    }
    if (!memory_->damaged()) return true;
    LOG(alert, "shared memory was damaged by the death of {}: the server ends", process.name);
    return false;
}

void Service::report() noexcept {
    report_statistics(*counters_, configured_.registry, *memory_);
}

void Service::signalled(int number) noexcept {
    if (number == SIGUSR1)
        report();
    else
        LOG(notice, "signal {} received: nothing is done upon it", number);
}

}  // namespace fairlead::server
