// The loop over libevent. Nothing outside this file knows libevent.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/loop.h"

#include <event2/event.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "core/base/log.h"
#include "core/event/fd.h"

namespace fairlead {

namespace {

timeval to_timeval(Ms ms) noexcept {
    timeval tv{};
    tv.tv_sec = static_cast<time_t>(ms.count() / 1000);
    tv.tv_usec = static_cast<suseconds_t>(ms.count() % 1000 * 1000);
    return tv;
}

}  // namespace

std::int64_t LoopClock::ns() const noexcept {
    if (!has_now_) {
        now_ = SystemClock().ns();
        has_now_ = in_batch_;
    }
    return now_;
}

Ms LoopClock::now() const noexcept {
    return std::chrono::duration_cast<Ms>(std::chrono::nanoseconds(ns()));
}

std::int64_t LoopClock::unix_seconds() const noexcept {
    if (!has_unix_) {
        unix_seconds_ = std::time(nullptr);
        has_unix_ = in_batch_;
    }
    return unix_seconds_;
}

struct Loop::Impl {
    event_base* base = nullptr;
    std::vector<BatchEnd*> ends;
    std::vector<Watch::Node*> nodes;  // all that exist, for abandon()
    sigset_t inherited{};             // the mask before the first on_signal
    bool has_mask = false;
};

struct Watch::Node {
    Loop::Impl* loop = nullptr;
    event* ev = nullptr;
    Watcher* watcher = nullptr;
    TimerTask* task = nullptr;
    SignalHandler* handler = nullptr;
    Ms period{0};
    Fd signals, ticks;

    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() {
        if (loop != nullptr) std::erase(loop->nodes, this);
        if (ev != nullptr) event_free(ev);
    }

    bool add() noexcept {
        if (ticks && !set_ticks(period)) return false;
        const timeval tv = to_timeval(period);
        return event_add(ev, task != nullptr && !ticks ? &tv : nullptr) == 0;
    }
    void remove() noexcept {
        if (ticks) (void)set_ticks(Ms{0});
        event_del(ev);
    }
    /// 0: none.
    bool set_ticks(Ms every) const noexcept {
        const timeval tv = to_timeval(every);
        const timespec time{tv.tv_sec, tv.tv_usec * 1000};
        const itimerspec ticking{time, time};
        return ::timerfd_settime(ticks.get(), 0, &ticking, nullptr) == 0;
    }

    // After the handler returns the node may be gone: nothing is touched behind the call.
    static void on_ready(evutil_socket_t fd, short, void* node) {
        static_cast<Node*>(node)->watcher->ready(fd);
    }
    static void on_timer(evutil_socket_t, short, void* node) {
        static_cast<Node*>(node)->task->expired();
    }
    static void on_tick(evutil_socket_t fd, short, void* node) {
        std::uint64_t count = 0;
        if (::read(fd, &count, sizeof count) == sizeof count)
            static_cast<Node*>(node)->task->expired();
    }
    static void on_signal(evutil_socket_t fd, short, void* node) {
        SignalHandler* const handler = static_cast<Node*>(node)->handler;
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == sizeof info) {
            handler->signalled(static_cast<int>(info.ssi_signo));
        }
    }
};

Watch::Watch() noexcept = default;
Watch::Watch(std::unique_ptr<Node> node) noexcept : node_(std::move(node)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

void Watch::reset() noexcept {
    node_.reset();
}

void Watch::pause() noexcept {
    if (node_ && node_->ev != nullptr) node_->remove();
}

void Watch::resume() noexcept {
    if (node_ && node_->ev != nullptr) node_->add();
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {
    event_config* const config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    impl_->base = event_base_new_with_config(config);
    event_config_free(config);
    if (impl_->base == nullptr) {
        LOG(critical, "the event loop cannot be made: {}", std::strerror(errno));
        std::abort();
    }
}

Loop::~Loop() {
    for (Watch::Node* node : impl_->nodes) {
        event_free(node->ev);
        node->ev = nullptr;
        node->loop = nullptr;
    }
    if (impl_->base != nullptr) event_base_free(impl_->base);
}

void Loop::abandon() noexcept {
    if (impl_->base == nullptr) return;
    // The epoll instance is shared with the parent: removing an event here would remove it there.
    // event_reinit makes one of our own first.
    event_reinit(impl_->base);
    for (Watch::Node* node : impl_->nodes) {
        event_free(node->ev);
        node->ev = nullptr;
        node->loop = nullptr;
    }
    impl_->nodes.clear();
    impl_->ends.clear();
    event_base_free(impl_->base);
    impl_->base = nullptr;
    if (impl_->has_mask) ::sigprocmask(SIG_SETMASK, &impl_->inherited, nullptr);
    impl_->has_mask = false;
}

Watch Loop::watch(int fd, Interest interest, Watcher& watcher) {
    auto node = std::make_unique<Watch::Node>();
    const short what = interest == Interest::readable ? EV_READ : EV_WRITE;
    node->watcher = &watcher;
    node->ev = event_new(impl_->base, fd, static_cast<short>(what | EV_PERSIST),
                         Watch::Node::on_ready, node.get());
    if (node->ev == nullptr || !node->add()) {
        LOG(error, "descriptor {} cannot be watched: {}", fd, std::strerror(errno));
        return {};
    }
    node->loop = impl_.get();
    impl_->nodes.push_back(node.get());
    return Watch(std::move(node));
}

Watch Loop::every(Ms period, TimerTask& task) {
    auto node = std::make_unique<Watch::Node>();
    node->task = &task;
    node->period = period;
    // A descriptor, which the system sets once: a time-out of each wait would be set and taken back
    // for every wake-up.
    node->ticks.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (node->ticks)
        node->ev = event_new(impl_->base, node->ticks.get(), EV_READ | EV_PERSIST,
                             Watch::Node::on_tick, node.get());
    if (node->ev == nullptr || !node->add()) {
        LOG(error, "there is no timer: {}", std::strerror(errno));
        return {};
    }
    node->loop = impl_.get();
    impl_->nodes.push_back(node.get());
    return Watch(std::move(node));
}

Watch Loop::after(Ms delay, TimerTask& task) {
    auto node = std::make_unique<Watch::Node>();
    node->task = &task;
    node->period = delay;
    node->ev = event_new(impl_->base, -1, 0, Watch::Node::on_timer, node.get());
    if (node->ev == nullptr || !node->add()) return {};
    node->loop = impl_.get();
    impl_->nodes.push_back(node.get());
    return Watch(std::move(node));
}

Watch Loop::on_signal(int number, SignalHandler& handler) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    auto node = std::make_unique<Watch::Node>();
    sigset_t before{};
    ::sigprocmask(SIG_BLOCK, &set, &before);
    if (!impl_->has_mask) {
        impl_->inherited = before;
        impl_->has_mask = true;
    }
    node->signals.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    node->handler = &handler;
    if (node->signals) {
        node->ev = event_new(impl_->base, node->signals.get(), EV_READ | EV_PERSIST,
                             Watch::Node::on_signal, node.get());
    }
    if (node->ev == nullptr || !node->add()) {
        LOG(error, "signal {} cannot be watched: {}", number, std::strerror(errno));
        return {};
    }
    node->loop = impl_.get();
    impl_->nodes.push_back(node.get());
    return Watch(std::move(node));
}

event_base* Loop::base() const noexcept {
    return impl_->base;
}

void Loop::at_end_of_batch(BatchEnd& end) {
    impl_->ends.push_back(&end);
}

bool Loop::run_once(bool wait) noexcept {
    if (impl_->base == nullptr) return false;
    clock_.has_now_ = clock_.has_unix_ = false;
    clock_.in_batch_ = true;
    // EVLOOP_ONCE returns when all that was ready at one wake-up has been handled; EVLOOP_NONBLOCK
    // alone would go on as long as anything is ready.
    const int result = event_base_loop(impl_->base, EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK));
    for (BatchEnd* end : impl_->ends) end->batch_done();
    clock_.in_batch_ = clock_.has_now_ = clock_.has_unix_ = false;
    return result == 0;
}

void Loop::run() noexcept {
    stopping_ = false;
    while (!stopping_ && run_once(true)) {
    }
}

}  // namespace fairlead
