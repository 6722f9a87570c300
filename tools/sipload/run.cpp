// The loop. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "core/base/random.h"
#include "tools/sipload/process.h"
#include "tools/sipload/tcp.h"

namespace fairlead::sipload {

namespace {

Now now_of_clock() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

int open_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Result<std::unique_ptr<Socket>> open_answering(const Options& options) {
    const Transport t = options.uas_transport;
    if (t != Transport::udp) return TcpSocket::listen(options.uas, t == Transport::tls);
    return UdpSocket::open(options.uas);
}

Result<std::unique_ptr<Socket>> open_source(const Options& options, const Address& local) {
    const Transport t = options.transport;
    if (t != Transport::udp) return TcpSocket::connect(options.target, t == Transport::tls);
    return UdpSocket::open(local);
}

}  // namespace

Run::~Run() {
    if (signals_ >= 0) ::close(signals_);
}

Result<void> Run::open() {
    // Due times are met to the microsecond, not to the 50 us that the kernel allows itself.
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    signals_ = open_signals();
    if (options_.uas.is_set()) {
        answering_ = TRY(open_answering(options_));
        const std::string_view parameter = uri_parameter(options_.uas_transport);
        uas_.emplace(*answering_, answering_->local().text().append(parameter),
                     Answers{options_.retransmit, options_.answer, options_.ring});
    }
    if (!options_.uac) return {};
    if (!options_.target.is_set()) options_.target = answering_->local();
    Address local = options_.target;
    local.ip = {};
    local = options_.target.is_loopback()
                ? *Address::parse(local.version == 6 ? "::1" : "127.0.0.1")
                : local;
    local.port = 0;
    std::vector<Source> sources;
    for (std::uint32_t i = 0; i < options_.sources; ++i) {
        sources_.push_back(TRY(open_source(options_, local)));
        sources.push_back({sources_.back().get(), sources_.back()->local().text()});
    }
    const bool through = answering_ && options_.mode >= Mode::message;
    if (options_.uri.empty()) {
        const Transport last = through ? options_.uas_transport : options_.transport;
        options_.uri = "sip:service@" + (through ? answering_->local() : options_.target).text();
        options_.uri.append(uri_parameter(last));
    }
    Random random;
    uac_.emplace(
        TRY(Uac::make(options_, std::move(sources), fmt::format("{:08x}", random.next() >> 32))));
    return {};
}

std::optional<Address> Run::uas_address() const {
    return answering_ ? std::optional(answering_->local()) : std::nullopt;
}

bool Run::may_start() const {
    return options_.calls == 0 || uac_->stats().started < options_.calls;
}

void Run::offer(Now now) {
    if (!uac_ || stopped_) return;
    if (options_.rate <= 0) {
        while (may_start() && uac_->in_flight() < options_.concurrency) uac_->start(now);
        return;
    }
    const Now interval(static_cast<std::int64_t>(1e9 / options_.rate));
    // One that is far behind must not catch up with a flood: it would measure itself.
    if (now - next_ > std::chrono::milliseconds(100)) next_ = now;
    for (; next_ <= now && may_start(); next_ += interval) uac_->start(now);
}

void Run::begin_measuring(Now now) {
    measuring_ = true;
    measured_from_ = now;
    if (options_.pid != 0) cpu_before_ = cpu_time(options_.pid);
    if (!uac_) return;
    uac_->begin_measuring();
    units_before_ = uac_->stats().completed;
}

void Run::end_measuring(Now now) {
    stopped_ = true;
    stopped_at_ = measured_to_ = now;
    if (options_.pid != 0) cpu_after_ = cpu_time(options_.pid);
    units_after_ = uac_ ? uac_->stats().completed : uas_->stats().completed;
}

void Run::wait(Now now) {
    std::vector<pollfd> watched;
    watched.reserve(sources_.size() + 2);
    watched.push_back({signals_, POLLIN, 0});
    if (answering_) answering_->watch(watched);
    for (const auto& source : sources_) source->watch(watched);
    Now limit = std::chrono::milliseconds(10);
    if (uac_ && !stopped_ && options_.rate > 0) {
        limit = std::clamp(next_ - now, Now(options_.tick), limit);
    }
    const timespec timeout{0, static_cast<long>(limit.count())};
    if (::ppoll(watched.data(), watched.size(), &timeout, nullptr) > 0 &&
        (watched[0].revents & POLLIN) != 0) {
        interrupted_ = true;
    }
}

void Run::receive_all(Now now) {
    // Bounded, so that a flood cannot keep the loop from its timers.
    for (int round = 0; round < 4 && answering_; ++round) {
        const auto batch = answering_->receive();
        for (const Datagram& datagram : batch) uas_->receive(datagram, now);
        if (batch.size() < UdpSocket::kBatch) break;
    }
    for (const auto& source : sources_) {
        for (const Datagram& datagram : source->receive()) uac_->receive(datagram.bytes, now);
    }
}

bool Run::is_over(Now now) const {
    if (interrupted_) return true;
    if (!stopped_) return false;
    if (!uac_ || uac_->in_flight() == 0) return true;
    return now - stopped_at_ > options_.timeout + std::chrono::seconds(1);
}

Report Run::go() {
    began_ = next_ = now_of_clock();
    for (Now now = began_; !is_over(now); now = now_of_clock()) {
        if (!measuring_ && now - began_ >= options_.warmup) begin_measuring(now);
        const bool all_offered = uac_ && !may_start() && uac_->in_flight() == 0;
        if (!stopped_ && (now - began_ >= options_.warmup + options_.duration || all_offered)) {
            end_measuring(now);
        }
        offer(now);
        if (uac_) uac_->run_timers(now);
        if (uas_) uas_->run_timers(now);
        if (answering_) answering_->flush();
        for (const auto& source : sources_) source->flush();
        wait(now);
        receive_all(now_of_clock());
    }
    if (answering_) answering_->flush();
    if (!stopped_) end_measuring(now_of_clock());
    Report report;
    if (uac_) report.uac = uac_->stats();
    if (uas_) report.uas = uas_->stats();
    report.answers_only = !uac_;
    report.seconds = std::chrono::duration<double>(measured_to_ - measured_from_).count();
    report.units = units_after_ - units_before_;
    if (options_.pid != 0 && report.units > 0) {
        report.cpu_microseconds =
            std::chrono::duration<double, std::micro>(cpu_after_ - cpu_before_).count() /
            static_cast<double>(report.units);
    }
    return report;
}

}  // namespace fairlead::sipload
