// What a process of the server does between fork and its end.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/worker.h"

#include <csignal>
#include <ctime>

#include "core/base/log.h"
#include "core/server/dns_service.h"

namespace fairlead::server {

Worker::Worker(const Shared& shared, const Process& process)
    : shared_(shared), process_(process), gather_(shared.gather) {}

bool Worker::start() {
    shared_.clock.follow(loop_.clock());
    shared_.memory.enter(process_.slot);
    shared_.counters.enter(process_.slot);
    log::set_process(process_.slot);
    stop_watch_ = loop_.on_signal(SIGTERM, *this);
    // At the end of a wake-up: first the mail, then who has mail is woken, then all is sent.
    loop_.at_end_of_batch(*this);
    if (is_worker()) loop_.at_end_of_batch(shared_.steering);
    // Datagrams first: a 100 leaves before the request that it is for, whose answers may come back
    // through another process. What streams cannot send may cause datagrams, and the other way
    // round.
    const std::size_t own_sockets = is_worker() ? process_.index : 0;
    shared_.net.enter(process_.slot, own_sockets, process_.reborn, loop_, *this);
    shared_.streams.enter({.slot = process_.slot,
                           .is_worker = is_worker(),
                           .reborn = process_.reborn,
                           .loop = &loop_,
                           .errors = this});
    if (shared_.streams.is_used()) {
        loop_.at_end_of_batch(shared_.net);
        loop_.at_end_of_batch(shared_.streams);
    }
    shared_.engine.set_loop(loop_);
    shared_.dns.start(loop_, alone_ || process_.kind == Process::Kind::control);
    if (const auto started = shared_.engine.start(process_); !started) {
        LOG(critical, "{}: {}", process_.name, started.error().str());
        return false;
    }
    fast_tick_ = loop_.every(kTick, tick_call_);
    slow_tick_ = loop_.every(kIdleTick, tick_call_);
    mail_watch_ = loop_.watch(box().wakeup.fd(), Loop::Interest::readable, *this);
    if (!is_worker()) return true;
    reader_.emplace(net::UdpReader::Parts{shared_.net.listeners(), shared_.sockets,
                                          shared_.steering, pages().batch, *this, process_.index},
                    loop_);
    shared_.streams.serve(shared_.sockets, *this, pages().stream);
    if (process_.reborn) {
        reader_->recover();
        shared_.steering.wake_all();
    }
    return true;
}

void Worker::loop() {
    while (!stopping_) {
        // First, while the mailbox still counts as awake: mail that comes meanwhile wakes nobody.
        if (is_worker()) gather();
        loop_.run_once(box().mailbox->prepare_to_sleep());
    }
}

void Worker::gather() noexcept {
    const auto pause = gather_.wait(std::chrono::steady_clock::now());
    if (pause == net::Gather::Duration::zero()) return;
    // A signal ends it early; the loop then finds it.
    const timespec length{0, static_cast<long>(pause.count()) * 1000};
    ::nanosleep(&length, nullptr);
}

void Worker::finish() {
    shared_.engine.stop();
    shared_.dns.stop();
    shared_.streams.leave();
    shared_.net.leave();
    shared_.clock.unfollow();
}

int Worker::run(const proc::Ready& ready) {
    if (!start()) {
        shared_.streams.leave();
        return 1;
    }
    ready.say();
    loop();
    finish();
    return 0;
}

int Worker::run_alone(const std::function<void()>& ready, SignalHandler& other_signals) {
    alone_ = true;
    interrupt_watch_ = loop_.on_signal(SIGINT, *this);
    const Watch hang_up = loop_.on_signal(SIGHUP, other_signals);
    const Watch report = loop_.on_signal(SIGUSR1, other_signals);
    if (!start()) {
        shared_.streams.leave();
        return 255;
    }
    ready();
    loop();
    finish();
    return 0;
}

void Worker::tick() noexcept {
    shared_.engine.run_timers();
    if (alone_) shared_.engine.run_tickers();
}

void Worker::batch_done() noexcept {
    take_mail();
    // Nothing armed here: only late neighbours and tickers are looked after, seldom.
    const auto* const wheel = shared_.wheels[process_.slot];
    const bool fast = wheel != nullptr && !wheel->empty();
    if (fast == is_fast_) return;
    is_fast_ = fast;
    if (fast)
        fast_tick_.resume();
    else
        fast_tick_.pause();
}

void Worker::take_mail() noexcept {
    auto& buffer = pages().mail;
    shm::Mailbox& mailbox = *box().mailbox;
    for (int i = 0; i < kMailPerTurn; ++i) {
        shm::MailKind kind{};
        const auto size = mailbox.take(kind, buffer.data(), buffer.size());
        if (size < 0) return;
        deliver(kind, {buffer.data(), static_cast<std::size_t>(size)});
    }
}

void Worker::deliver(shm::MailKind kind, std::string_view record) noexcept {
    if (kind >= shm::MailKind::first_module)
        return shared_.engine.mail(proc::PostOffice::id(kind), record);
    if (kind == shm::MailKind::stream) return shared_.streams.mail(record);
    if (kind != shm::MailKind::datagram) return;
    const auto mail = net::Steering::read_mail(record);
    if (mail) received(mail->bytes, mail->from);
}

void Worker::ready(int) noexcept {
    box().wakeup.drain();  // the mail itself is taken at the end of the batch
}

void Worker::received(std::string_view bytes, const Received& from) noexcept {
    proc::WorkNote& note = shared_.notes[process_.slot];
    gather_.count();
    note.begin(bytes, from, shared_.clock.unix_seconds());
    shared_.engine.receive(bytes, from);
    note.end();
}

void Worker::send_failed(const SendFailure& failure) noexcept {
    shared_.engine.send_failed(failure);
}

void Worker::signalled(int number) noexcept {
    LOG(info, "signal {} received", number);
    stopping_ = true;
}

}  // namespace fairlead::server
