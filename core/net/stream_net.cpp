// The connections of one process. SPDX-License-Identifier: Apache-2.0
#include "core/net/stream_net.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "core/base/log.h"

namespace fairlead::net {
namespace {

/// Deadlines are in seconds: this late they may be.
constexpr Ms kTick{250};
/// Connections accepted from one socket between two looks at the others.
constexpr int kAcceptsPerTurn = 16;
/// How often a flush whose failures caused new sends begins again before the next wake-up.
constexpr int kRounds = 4;
/// Room for mail above this is given back behind the batch that needed it.
constexpr std::size_t kKept = std::size_t{64} * 1024;

Address address_of(int descriptor, int (*ask)(int, sockaddr*, socklen_t*)) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (ask(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return Address::from(reinterpret_cast<sockaddr*>(&address));
}

}  // namespace

Result<void> StreamNet::prepare(std::vector<Steering::Worker> workers, Crews crews,
                                const StreamCounts& counts) {
    workers_ = std::move(workers);
    crews_ = std::move(crews);
    counts_ = counts;
    is_used_ =
        std::ranges::any_of(listeners_, [](const Listener& l) { return l.proto != Proto::udp; });
    if (!is_used_) return {};
    // So that one worker with slow peers cannot take what belongs to all.
    options_.limits.all_queue_bytes /= std::max<std::size_t>(workers_.size(), 1);
    return table_.map(std::max<std::size_t>(options_.most_connections, 1), options_.most_tls);
}

void StreamNet::enter(const Process& process) {
    process_ = process;
    if (!is_used_) return;
    process.loop->at_end_of_batch(*this);
    if (process.is_worker && process.reborn)
        counts_.open.add(-static_cast<std::int64_t>(table_.release_all(process.slot)));
}

void StreamNet::serve(const Sockets& sockets, Receiver& receiver, std::span<char> scratch) {
    if (!is_used_) return;
    parts_.emplace(ConnectionParts{*process_.loop, receiver, options_.limits, counts_, scratch,
                                   waiting_, *this});
    tick_ = process_.loop->every(kTick, tick_call_);
    tick_.pause();
    for (const auto& listener : listeners_) {
        if (listener.proto == Proto::udp) continue;
        if (!sockets.serves(process_.slot - 1U, listener.index)) continue;
        acceptors_.push_back(std::make_unique<Acceptor>(*this, listener.index));
        acceptors_.back()->watch =
            process_.loop->watch(sockets.get(listener.index, process_.slot - 1U),
                                 Loop::Interest::readable, *acceptors_.back());
    }
}

void StreamNet::leave() noexcept {
    acceptors_.clear();
    deliver();
    for (const auto slot : to_wake_) workers_[slot - 1U].wakeup->notify();
    to_wake_.clear();
    parts_.reset();  // what failures cause opens nothing any more
    const auto all = std::exchange(connections_, {});
    for (const auto& [id, connection] : all) {
        connection->close("the server ends");
        table_.release(id);
        counts_.open.add(-1);
    }
    tell_failures();
    tick_.reset();
    pending_.clear();
}

// ---- Connections begin
// ---------------------------------------------------------------------------

void StreamNet::accept(int descriptor, std::uint16_t listener) noexcept {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        Fd fd(accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            const bool is_out_of_files = errno == EMFILE || errno == ENFILE || errno == ENOBUFS;
            if (!is_out_of_files) return;
            // The socket stays ready: without a pause this would be all that the worker does.
            counts_.rejected.add();
            LOG(warning, "no connection can be accepted: {}", std::strerror(errno));
            accepts_ = false;
            for (const auto& acceptor : acceptors_) acceptor->watch.pause();
            return tick_.resume();
        }
        ConnectionTable::About about;
        about.remote = address_of(fd.get(), getpeername);
        about.local = address_of(fd.get(), getsockname);
        about.proto = listeners_[listener].proto;
        about.listener = listener;
        // Those of a balancer are counted when it has said whose they are.
        about.counted = options_.most_of_ip != 0 && !options_.limits.accept_proxy;
        if (!about.remote.is_set()) continue;  // it is gone already
        set_tcp_options(fd.get(), options_.tcp, about.remote.version == 6);
        counts_.passive_open.add();
        (void)adopt(std::make_unique<TcpStream>(std::move(fd)), about);
    }
}

Connection* StreamNet::adopt(std::unique_ptr<Stream> stream,
                             const ConnectionTable::About& about) noexcept {
    const std::uint32_t id = table_.claim(process_.slot, about);
    if (id == 0) {
        counts_.rejected.add();
        LOG(warning, "no more than {} connections, {} of TLS: that of {} is closed",
            table_.capacity(), options_.most_tls, about.remote.text());
        return nullptr;
    }
    if (about.counted && is_one_too_many(about.remote)) {
        table_.release(id);
        return nullptr;
    }
    Received from;
    from.source = about.remote;
    from.local = about.outgoing ? listeners_[about.listener].address : about.local;
    from.proto = about.proto;
    from.listener = about.listener;
    from.connection = id;
    Connection::Begin begin{.outgoing = about.outgoing, .layered = about.proto == Proto::tls};
    if (begin.layered) {
        stream = layer_ == nullptr ? nullptr
                                   : layer_->over(std::move(stream), {.connection = id,
                                                                      .remote = about.remote,
                                                                      .local = from.local,
                                                                      .listener = about.listener,
                                                                      .profile = about.profile,
                                                                      .outgoing = about.outgoing});
        if (stream == nullptr) {
            (about.outgoing ? counts_.connect_failed : counts_.rejected).add();
            table_.release(id);
            return nullptr;
        }
        begin.lifetime = layer_->first_lifetime();
        if (!about.outgoing) table_.note(id).open = false;
    }
    counts_.open.add();
    auto& made = connections_[id];
    made = std::make_unique<Connection>(*parts_, std::move(stream), from, begin,
                                        process_.loop->clock().now());
    plan(*made);
    return made.get();
}

/// Asked with it in the table: workers that accept at the same time do not exceed the limit.
bool StreamNet::is_one_too_many(const Address& ip) noexcept {
    if (table_.of_ip(ip, options_.most_of_ip + 1) <= options_.most_of_ip) return false;
    counts_.rejected.add();
    LOG(info, "{} has {} connections: one more is closed", ip.ip_text(), options_.most_of_ip);
    return true;
}

bool StreamNet::readdressed(Connection& connection) noexcept {
    const Address& source = connection.from().source;
    const bool counted = options_.most_of_ip != 0;
    table_.readdress(connection.id(), source, counted);
    return !counted || !is_one_too_many(source);
}

void StreamNet::speaks_http(Connection& connection) noexcept {
    table_.hide(connection.id());
}

bool StreamNet::change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                               Proto proto) noexcept {
    Connection* const c = own(connection);
    if (c == nullptr) return false;
    c->change_framing(std::move(codec), proto);
    table_.hide(connection);
    table_.show_as(connection, proto);
    return true;
}

bool StreamNet::tell(std::uint32_t connection, std::string_view words) noexcept {
    const auto owner = table_.find(connection);
    if (!owner) return false;
    if (owner->slot == process_.slot) {
        Connection* const c = own(connection);
        return c != nullptr && c->told(words);
    }
    Order order;
    order.what = Order::What::tell;
    order.target.connection = connection;
    return post(owner->slot, order, words) == Sent::queued;
}

// ---- Sending
// -------------------------------------------------------------------------------------

Sent StreamNet::send(const Target& target, std::string_view bytes,
                     const SendFailure& on_failure) noexcept {
    if (!is_used_ || target.listener >= listeners_.size()) return Sent::no_socket;
    if (bytes.size() > sip::kMaxMessage) return Sent::too_big;
    Order order;
    order.target = target;
    order.on_failure = on_failure;
    return route(order, bytes);
}

std::optional<ConnectionTable::Owner> StreamNet::find(const Target& target) noexcept {
    return table_.find(target.proto, target.address, target.listener, target.profile,
                       options_.exact_match);
}

Connection* StreamNet::own(std::uint32_t id) noexcept {
    const auto found = connections_.find(id);
    return found == connections_.end() || found->second->is_over() ? nullptr : found->second.get();
}

Sent StreamNet::route(const Order& order, std::string_view bytes) noexcept {
    const Target& to = order.target;
    auto owner = table_.find(to.connection, to.proto, to.address);
    if (!owner) owner = find(to);
    if (owner && owner->slot == process_.slot)
        if (Connection* const c = own(owner->id))
            return c->send(bytes, order.on_failure, to.close_after);
    if (owner && owner->slot != process_.slot && !order.is_last)
        return post(owner->slot, order, bytes);
    // RFC 7118 5: whoever has a WebSocket opened it; nobody listens there.
    if (to.no_connect || options_.no_connect || is_websocket(to.proto)) return Sent::no_socket;
    if (parts_) return open(order, bytes);
    const Crew crew = crews_.of(to.listener);
    const auto worker = crew.first + to.address.port % crew.count;
    return post(static_cast<std::uint16_t>(worker + 1), order, bytes);
}

Sent StreamNet::open(const Order& order, std::string_view bytes) noexcept {
    ConnectionTable::About about;
    about.remote = order.target.address;
    about.local = listeners_[order.target.listener].address;
    about.proto = order.target.proto;
    about.listener = order.target.listener;
    about.profile = order.target.profile;
    about.outgoing = true;
    auto stream = connect_tcp(about.local, about.remote, options_.tcp);
    if (stream == nullptr) {
        counts_.connect_failed.add();
        LOG(info, "no connection to {}: {}", about.remote.text(), std::strerror(errno));
        return Sent::no_socket;
    }
    Connection* const c = adopt(std::move(stream), about);
    if (c == nullptr) return Sent::no_socket;
    return c->send(bytes, order.on_failure, order.target.close_after);
}

Sent StreamNet::post(std::uint16_t slot, const Order& order, std::string_view bytes) noexcept {
    if (slot == 0 || slot > workers_.size()) return Sent::no_socket;
    if (posted_bytes_.size() + bytes.size() > options_.limits.all_queue_bytes) {
        counts_.queue_full.add();
        return Sent::queue_full;
    }
    posted_.push_back({slot, order, bytes.size()});
    posted_.back().order.is_last = true;
    posted_bytes_ += bytes;
    return Sent::queued;
}

/// What was posted goes into the mailboxes; who does not get it has failed.
void StreamNet::deliver() noexcept {
    auto all = std::exchange(posted_, {});
    std::string text = std::exchange(posted_bytes_, {});
    std::string_view rest = text;
    for (const auto& [slot, order, size] : all) {
        std::array<char, sizeof order> head;
        std::memcpy(head.data(), &order, sizeof order);
        const auto put = workers_[slot - 1U].mailbox->put(
            shm::MailKind::stream, {{head.data(), head.size()}, rest.substr(0, size)});
        rest.remove_prefix(size);
        if (put == shm::Mailbox::Put::full) {
            counts_.queue_full.add();
            unsent(order.on_failure);
        } else if (put == shm::Mailbox::Put::ok_wake &&
                   std::ranges::find(to_wake_, slot) == to_wake_.end()) {
            to_wake_.push_back(slot);
        }
    }
    if (text.capacity() > kKept) return;
    // The room serves the next batch.
    all.clear();
    text.clear();
    posted_ = std::move(all);
    posted_bytes_ = std::move(text);
}

void StreamNet::mail(std::string_view record) noexcept {
    static_assert(std::is_trivially_copyable_v<Order>);
    if (!parts_ || record.size() < sizeof(Order)) return;
    std::array<char, sizeof(Order)> head;
    std::memcpy(head.data(), record.data(), head.size());
    const auto order = std::bit_cast<Order>(head);
    if (order.what == Order::What::alias) {
        (void)add_alias(order.target.connection, order.port);
        return;
    }
    if (order.what == Order::What::tell) {
        (void)tell(order.target.connection, record.substr(head.size()));
        return;
    }
    if (route(order, record.substr(head.size())) != Sent::queued) unsent(order.on_failure);
}

bool StreamNet::add_alias(std::uint32_t connection, std::uint16_t port) noexcept {
    const auto owner = table_.find(connection);
    if (!owner) return false;
    if (owner->slot == process_.slot)
        return own(connection) != nullptr && table_.add_alias(connection, port);
    Order order;
    order.what = Order::What::alias;
    order.port = port;
    order.target.connection = connection;
    return post(owner->slot, order, {}) == Sent::queued;
}

// ---- Work behind a batch, and deadlines
// ------------------------------------------------------------

void StreamNet::has_work(Connection& connection) noexcept {
    pending_.push_back(connection.id());
}

void StreamNet::unsent(const SendFailure& failure) noexcept {
    if (failure.handler != shm::HandlerId{}) failures_.push_back(failure);
}

/// Whoever is told may send again.
void StreamNet::tell_failures() noexcept {
    const auto failures = std::exchange(failures_, {});
    for (const auto& failure : failures) process_.errors->send_failed(failure);
}

void StreamNet::batch_done() noexcept {
    const auto has_work = [this] {
        return !(pending_.empty() && posted_.empty() && failures_.empty());
    };
    for (int round = 0; round < kRounds && has_work(); ++round) {
        deliver();
        const auto pending = std::exchange(pending_, {});
        for (const auto id : pending) settle(id);
        tell_failures();
    }
    for (const auto slot : to_wake_) workers_[slot - 1U].wakeup->notify();
    to_wake_.clear();
}

void StreamNet::settle(std::uint32_t id) noexcept {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    connection.flush();  // may open others: what was found is out of date
    if (!connection.is_over()) return plan(connection);
    const auto over = std::move(found->second);
    table_.release(id);
    counts_.open.add(-1);
    connections_.erase(id);
    over->end();
}

/// Its next deadline comes into the list unless an earlier one is there, which leads to it.
void StreamNet::plan(Connection& connection) noexcept {
    if (connection.is_over()) return;
    auto& note = table_.note(connection.id());
    note.expires = connection.deadline().count();
    note.queued = static_cast<std::uint32_t>(connection.waiting());
    note.open = connection.is_open();
    const Ms deadline = connection.deadline();
    if (connection.check_at != Ms{0} && connection.check_at <= deadline) return;
    if (due_.empty()) tick_.resume();
    connection.check_at = deadline;
    due_.emplace(deadline, connection.id());
}

void StreamNet::tick() noexcept {
    if (!accepts_) {
        accepts_ = true;
        for (const auto& acceptor : acceptors_) acceptor->watch.resume();
    }
    const Ms now = process_.loop->clock().now();
    while (!due_.empty() && due_.top().first <= now) {
        const auto [when, id] = due_.top();
        due_.pop();
        Connection* const c = own(id);
        if (c == nullptr || c->check_at != when) continue;
        c->check_at = Ms{0};
        c->check(now);
        plan(*c);
    }
    if (due_.empty()) tick_.pause();
}

}  // namespace fairlead::net
