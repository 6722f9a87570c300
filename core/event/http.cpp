// The HTTP server over evhttp: connections, their bounds, and requests.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/http.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <list>

#include "core/base/log.h"
#include "core/event/http_exchange.h"
#include "core/event/loop.h"

namespace fairlead::http {
namespace {

timeval to_timeval(Ms ms) noexcept {
    timeval tv{};
    tv.tv_sec = static_cast<time_t>(ms.count() / 1000);
    tv.tv_usec = static_cast<suseconds_t>(ms.count() % 1000 * 1000);
    return tv;
}

/// What the library says about peers; without this it would write to standard error.
void library_says(int, const char* text) {
    LOG(debug, "libevent: {}", text);
}

}  // namespace

struct Server::Impl final : TimerTask {
    /// A listening socket has an evhttp of its own, so that its requests tell where they came in.
    struct Port {
        Impl* impl = nullptr;
        std::uint32_t id = 0;
        evhttp* http = nullptr;
        evconnlistener* listener = nullptr;
    };

    Impl(Loop& l, const Limits& bounds, Handler& h) : loop(l), limits(bounds), handler(h) {
        event_set_log_callback(library_says);
        timer = loop.every(kSweep, *this);
        timer.pause();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();

    bool listen(int fd, std::uint32_t id);
    void expired() noexcept override;
    void sweep() noexcept;
    void hold_up(bool held) noexcept;
    void asked(evhttp_request* req, Port& port);

    // The library's callbacks.
    static bufferevent* on_connection(event_base* base, void* port) noexcept;
    static void on_request(evhttp_request* req, void* port) noexcept;
    static void on_closed(evhttp_connection*, void* connection) noexcept;
    static void on_complete(evhttp_request*, void* connection) noexcept;

    static constexpr Ms kSweep{250};
    Loop& loop;
    Limits limits;
    Handler& handler;
    Counts counts;
    std::list<Port> ports;
    std::list<Connection> connections;
    bool is_held_up = false;
    Watch timer;
};

Server::Impl::~Impl() {
    for (Connection& connection : connections)
        if (connection.exchange != nullptr) connection.exchange->lost(false);
    for (const Port& port : ports) evhttp_free(port.http);  // its connections and listener, too
    for (const Connection& connection : connections) bufferevent_decref(connection.buffers);
}

bool Server::Impl::listen(int fd, std::uint32_t id) {
    event_base* const base = loop.base();
    constexpr unsigned kFlags = LEV_OPT_CLOSE_ON_EXEC;
    evconnlistener* const listener =
        evconnlistener_new(base, nullptr, nullptr, kFlags | LEV_OPT_DISABLED, 0, fd);
    evhttp* const http = listener != nullptr ? evhttp_new(base) : nullptr;
    if (http == nullptr) {
        if (listener != nullptr) evconnlistener_free(listener);
        return false;
    }
    evhttp_set_max_headers_size(http, static_cast<ev_ssize_t>(limits.header_bytes));
    evhttp_set_max_body_size(http, static_cast<ev_ssize_t>(limits.body_bytes));
    evhttp_set_default_content_type(http, nullptr);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                         EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                         EVHTTP_REQ_PATCH);
    ports.push_back({this, id, http, listener});
    evhttp_set_bevcb(http, on_connection, &ports.back());
    evhttp_set_gencb(http, on_request, &ports.back());
    if (evhttp_bind_listener(http, listener) == nullptr) {
        evconnlistener_free(listener);
        evhttp_free(http);
        ports.pop_back();
        return false;
    }
    evconnlistener_enable(listener);
    return true;
}

bufferevent* Server::Impl::on_connection(event_base* base, void* port) noexcept {
    Impl& impl = *static_cast<Port*>(port)->impl;
    impl.sweep();
    bufferevent* const buffers = bufferevent_socket_new(base, -1, 0);
    if (buffers == nullptr) return nullptr;
    // While an answer is written nothing is taken out of what arrives: that is bounded, too. A body
    // is taken when it is whole.
    bufferevent_setwatermark(buffers, EV_READ, 0,
                             impl.limits.header_bytes * 2 + impl.limits.body_bytes);
    // The library does not tell when it lets go of a connection on which nothing was asked. Ours is
    // the last reference then, and its callbacks are gone.
    bufferevent_incref(buffers);
    ++impl.counts.accepted;
    impl.connections.push_back(
        {buffers, impl.loop.clock().now() + impl.limits.request, nullptr, &impl.counts});
    if (impl.connections.size() == 1) impl.timer.resume();
    if (impl.connections.size() >= impl.limits.connections) {
        ++impl.counts.held_up;
        impl.hold_up(true);
    }
    return buffers;
}

void Server::Impl::hold_up(bool held) noexcept {
    is_held_up = held;
    for (const Port& port : ports)
        held ? evconnlistener_disable(port.listener) : evconnlistener_enable(port.listener);
}

/// Forgets connections that have ended.
void Server::Impl::sweep() noexcept {
    for (auto at = connections.begin(); at != connections.end();) {
        bufferevent_data_cb read = nullptr, write = nullptr;
        bufferevent_event_cb event = nullptr;
        void* argument = nullptr;
        bufferevent_getcb(at->buffers, &read, &write, &event, &argument);
        const bool has_ended = event == nullptr && argument == nullptr;
        if (has_ended) bufferevent_decref(at->buffers);
        at = has_ended ? connections.erase(at) : std::next(at);
    }
    counts.connections = connections.size();
}

void Server::Impl::expired() noexcept {
    sweep();
    const Ms now = loop.clock().now();
    for (Connection& connection : connections) {
        if (connection.due == Ms{0} || now < connection.due) continue;
        ++counts.too_slow;
        connection.due = Ms{0};
        // The library finds the end of the stream and closes.
        ::shutdown(bufferevent_getfd(connection.buffers), SHUT_RDWR);
    }
    if (is_held_up && connections.size() < limits.connections) hold_up(false);
    if (connections.empty()) timer.pause();
}

void Server::Impl::on_request(evhttp_request* req, void* port) noexcept {
    Port& from = *static_cast<Port*>(port);
    try {
        from.impl->asked(req, from);
    } catch (const std::exception& e) {
        LOG(error, "an HTTP request could not be answered: {}", e.what());
    }
}

void Server::Impl::asked(evhttp_request* req, Port& port) {
    evhttp_connection* const connection = evhttp_request_get_connection(req);
    bufferevent* const buffers = evhttp_connection_get_bufferevent(connection);
    const auto found = std::ranges::find(connections, buffers, &Connection::buffers);
    if (found == connections.end()) return evhttp_send_error(req, HTTP_INTERNAL, nullptr);
    found->due = Ms{0};
    const timeval patience = to_timeval(limits.patience);
    bufferevent_set_timeouts(buffers, nullptr, &patience);
    evhttp_connection_set_closecb(connection, on_closed, &*found);
    evhttp_request_set_on_complete_cb(req, on_complete, &*found);
    found->answer_due = limits.request;
    found->clock = &loop.clock();
    const auto exchange = std::make_shared<Exchange>(loop, req, *found, port.id);
    if (!exchange->read()) return exchange->reply(HTTP_BADREQUEST, "text/plain", "Bad request\n");
    ++counts.requests;
    handler.asked(exchange);
}

void Server::Impl::on_closed(evhttp_connection*, void* connection) noexcept {
    auto& closed = *static_cast<Connection*>(connection);
    if (closed.is_answering) ++closed.counts->cut_short;
    closed.is_answering = false;
    closed.due = Ms{0};
    if (closed.exchange != nullptr) closed.exchange->lost(true);
}

void Server::Impl::on_complete(evhttp_request*, void* connection) noexcept {
    auto& at = *static_cast<Connection*>(connection);
    at.is_answering = false;
    at.due = at.clock->now() + at.answer_due;
    bufferevent_set_timeouts(at.buffers, nullptr, nullptr);
}

Result<Fd> listen_on(const Address& address) {
    constexpr int kBacklog = 64, kYes = 1;
    const auto refused = [&] {
        return fail("cannot listen on " + address.text() + ": " + std::strerror(errno), {}, errno);
    };
    sockaddr_storage storage{};
    const unsigned size = address.to(storage);
    constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    Fd fd(::socket(storage.ss_family, kType, 0));
    if (!fd) return refused();
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof kYes);
    if (address.version == 6)
        (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &kYes, sizeof kYes);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
        ::listen(fd.get(), kBacklog) != 0)
        return refused();
    return fd;
}

Server::Server(Loop& loop, const Limits& limits, Handler& handler)
    : impl_(std::make_unique<Impl>(loop, limits, handler)) {}
Server::~Server() = default;

bool Server::listen(int fd, std::uint32_t listener) {
    return impl_->listen(fd, listener);
}

const Server::Counts& Server::counts() const noexcept {
    impl_->sweep();
    return impl_->counts;
}

}  // namespace fairlead::http
