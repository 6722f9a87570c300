// ctl: commands over Kamailio's binary protocol, so that kamcmd drives the server.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/log.h"
#include "core/module.h"
#include "modules/ctl/binrpc.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::ctl {
namespace {

/// One command on its way: the exchange and the form of its answer.
class BinaryExchange final : public mi_fifo::Exchange {
public:
    BinaryExchange(Request request, std::unique_ptr<std::string> bytes, Role role,
                   std::string caller, std::function<void(mi_fifo::Exchange&)> ready)
        : Exchange(std::move(request.arguments), role, "ctl", writer, std::move(ready),
                   std::move(caller)),
          texts_(std::move(request.texts)),
          bytes_(std::move(bytes)) {}
    Writer writer;

private:
    std::deque<std::string> texts_;
    std::unique_ptr<std::string> bytes_;  ///< what the arguments point into
};

class Ctl;

/// The body of one answer. What is long waits in a file without a name, because the length of a
/// body stands in front of it.
class Body {
public:
    static constexpr std::size_t kInMemory = 1024 * 1024;

    /// False when the file cannot be written.
    [[nodiscard]] bool add(std::string_view bytes, std::string_view directory);
    [[nodiscard]] std::uint64_t size() const noexcept { return in_file_ + bytes_.size(); }
    /// The bytes from `offset`, at most `out.size()`; 0 when there are none.
    [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<char> out) const;

private:
    [[nodiscard]] bool flush(std::string_view directory);
    std::string bytes_;  ///< behind what is in the file
    Fd file_;
    std::uint64_t in_file_ = 0;
};

bool Body::flush(std::string_view directory) {
    if (!file_)
        file_.reset(::open(std::string(directory).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    const ssize_t n = file_ ? ::write(file_.get(), bytes_.data(), bytes_.size()) : -1;
    if (n != static_cast<ssize_t>(bytes_.size())) return false;
    in_file_ += bytes_.size();
    bytes_.clear();
    return true;
}

bool Body::add(std::string_view bytes, std::string_view directory) {
    bytes_ += bytes;
    return bytes_.size() < kInMemory || flush(directory);
}

std::size_t Body::read(std::uint64_t offset, std::span<char> out) const {
    if (offset < in_file_) {
        const std::size_t most = std::min<std::uint64_t>(out.size(), in_file_ - offset);
        const ssize_t n = pread(file_.get(), out.data(), most, static_cast<off_t>(offset));
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    const std::string_view rest =
        std::string_view(bytes_).substr(std::min<std::uint64_t>(offset - in_file_, bytes_.size()));
    return rest.copy(out.data(), out.size());
}

/// What a connection needs of its module.
struct Setting {
    Core* core = nullptr;
    shm::Counter requests, errors, dropped;
};

/// One client. Its requests are answered one after another, in their order.
class Connection final : Watcher, TimerTask {
public:
    Connection(const Setting& setting, Fd fd, Role role);
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }
    [[nodiscard]] Ms last_used() const noexcept { return last_used_; }
    void close() noexcept;

private:
    /// Pieces of a long answer that are made before the loop looks at anything else.
    static constexpr int kPiecesPerTurn = 32;

    void ready(int fd) noexcept override;
    void expired() noexcept override;
    bool read();
    bool write();
    void take_requests();
    void run(std::string body, std::uint32_t cookie);
    void answered();
    void fault(int code, std::string_view text);
    void reply(PacketType type);
    void gather();

    const Setting& setting_;
    Fd fd_;
    Role role_;
    std::string caller_, input_;
    bool is_over_ = false, is_busy_ = false, is_running_ = false, is_late_ = false;
    std::uint32_t cookie_ = 0;
    std::shared_ptr<BinaryExchange> exchange_;
    std::string head_;
    Body body_;
    std::uint64_t sent_ = 0;  ///< of head and body
    bool is_sending_ = false;
    Ms last_used_{0};
    Watch readable_, writable_, turn_;
    /// Null once the connection is gone: for answers that come too late.
    std::shared_ptr<Connection*> self_ = std::make_shared<Connection*>(this);
};

Connection::Connection(const Setting& setting, Fd fd, Role role)
    : setting_(setting),
      fd_(std::move(fd)),
      role_(role),
      caller_(mi_fifo::caller_of(fd_.get())),
      last_used_(setting.core->clock().now()) {
    readable_ = setting_.core->loop()->watch(fd_.get(), Loop::Interest::readable, *this);
    if (!readable_) close();
}

void Connection::close() noexcept {
    is_over_ = true;
    readable_.reset();
    writable_.reset();
    turn_.reset();
    fd_.reset();
    exchange_.reset();
    *self_ = nullptr;
}

void Connection::ready(int) noexcept {
    try {
        last_used_ = setting_.core->clock().now();
        if (is_sending_ ? !write() : !read()) close();
    } catch (const std::exception& e) {
        LOG(error, "a request could not be answered: {}", e.what());
        close();
    }
}

bool Connection::read() {
    std::array<char, 16 * 1024> buffer{};
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) return false;
    input_.append(buffer.data(), static_cast<std::size_t>(n));
    take_requests();
    return !is_over_;
}

void Connection::take_requests() {
    while (!is_busy_ && !is_over_) {
        const auto header = read_header(input_);
        if (!header) {
            LOG(notice, "a connection is closed: {}", header.error().text);
            setting_.errors.add();
            return close();
        }
        const std::size_t size = *header ? (*header)->size + (*header)->body : 0;
        if (!*header || input_.size() < size) return;
        std::string body = input_.substr((*header)->size, (*header)->body);
        input_.erase(0, size);
        run(std::move(body), (*header)->cookie);
    }
}

void Connection::run(std::string body, std::uint32_t cookie) {
    is_busy_ = true;
    cookie_ = cookie;
    setting_.requests.add();
    auto bytes = std::make_unique<std::string>(std::move(body));
    auto request = read_request(*bytes);
    if (!request) return fault(400, request.error().text);
    const auto& commands = setting_.core->commands();
    const auto* const entry = commands.find(request->method);
    if (entry == nullptr)
        return fault(500, "command " + std::string(request->method) + " not found");
    readable_.pause();  // until this one is answered
    exchange_ = std::make_shared<BinaryExchange>(std::move(*request), std::move(bytes), role_,
                                                 caller_, [self = self_](mi_fifo::Exchange&) {
                                                     if (*self == nullptr) return;
                                                     if (!(*self)->is_running_) (*self)->answered();
                                                     (*self)->is_late_ = false;
                                                 });
    is_running_ = is_late_ = true;
    exchange_->run(setting_.core->commands(), *entry);
    is_running_ = false;
    if (!is_late_) answered();
}

void Connection::answered() {
    const auto& outcome = exchange_->outcome();
    if (!outcome) return fault(outcome.error().code, outcome.error().text);
    gather();
}

void Connection::gather() {
    const std::string_view directory = setting_.core->globals().run_directory;
    for (int i = 0; i < kPiecesPerTurn; ++i) {
        const bool more = exchange_->more();
        if (!more) exchange_->writer.end_all();
        if (!body_.add(exchange_->writer.take(), directory)) {
            body_ = {};
            return fault(500, "no room for the answer in the runtime directory");
        }
        if (!more) return reply(PacketType::reply);
    }
    turn_ = setting_.core->loop()->after(Ms{0}, *this);
    if (!turn_) close();
}

void Connection::expired() noexcept {
    turn_.reset();
    try {
        gather();
    } catch (const std::exception& e) {
        LOG(error, "a request could not be answered: {}", e.what());
        close();
    }
}

void Connection::fault(int code, std::string_view text) {
    setting_.errors.add();
    Writer writer;
    writer.integer(code);
    writer.text(text);
    body_ = {};
    (void)body_.add(writer.take(), {});
    reply(PacketType::fault);
}

void Connection::reply(PacketType type) {
    exchange_.reset();
    head_ = head(type, body_.size(), cookie_);
    sent_ = 0;
    is_sending_ = true;
    if (!write()) close();
}

bool Connection::write() {
    std::array<char, 64 * 1024> buffer{};
    const std::uint64_t whole = head_.size() + body_.size();
    while (sent_ < whole) {
        const std::size_t got = sent_ < head_.size() ? std::string_view(head_).substr(sent_).copy(
                                                           buffer.data(), buffer.size())
                                                     : body_.read(sent_ - head_.size(), buffer);
        const ssize_t n = got == 0 ? -1 : ::send(fd_.get(), buffer.data(), got, MSG_NOSIGNAL);
        if (n < 0 && got != 0 && errno == EINTR) continue;
        if (n < 0 && got != 0 && errno == EAGAIN) {
            if (!writable_)
                writable_ =
                    setting_.core->loop()->watch(fd_.get(), Loop::Interest::writable, *this);
            return static_cast<bool>(writable_);
        }
        if (n < 0) {
            setting_.dropped.add();
            return false;
        }
        sent_ += static_cast<std::size_t>(n);
    }
    writable_.reset();
    body_ = {};
    is_sending_ = is_busy_ = false;
    readable_.resume();
    take_requests();
    return !is_over_;
}

class Ctl final : public Module, Watcher, Timers::Ticker {
public:
    int mode = 0600, idle_timeout = 600;
    std::string user, group;
    shm::Counter requests, errors, dropped, refused;

    Result<void> listen_on(const Value& value);
    Result<void> listen_read_only(const Value& value);
    Result<void> no_fifo(const Value&);
    Result<void> ignored(const Value&) { return {}; }
    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

    Result<void> tell_connections(Call& call);
    Result<void> tell_sockets(Call& call);
    Result<void> tell_clients(Call& call);

private:
    static constexpr std::size_t kMostConnections = 128;
    struct Socket {
        std::string path;
        Role role = Role::administrator;
        mi_fifo::Endpoint endpoint;
        Watch watch;
    };
    [[nodiscard]] Result<void> add(std::string_view where, Role role, std::string_view parameter);
    void ready(int fd) noexcept override;
    void tick() noexcept override;
    void sweep() noexcept {
        std::erase_if(connections_, [](const auto& c) { return c->is_over(); });
    }

    Core* core_ = nullptr;
    Setting setting_;
    std::vector<std::unique_ptr<Socket>> sockets_;
    std::vector<std::unique_ptr<Connection>> connections_;
    bool is_serving_ = false;
};

Result<void> Ctl::add(std::string_view where, Role role, std::string_view parameter) {
    for (const std::string_view prefix : {"unixs:", "unix:"})
        if (where.starts_with(prefix)) where.remove_prefix(prefix.size());
    if (!where.starts_with('/'))
        return fail(std::string(parameter) +
                    ": \"unix:/path\" is offered; datagrams, TCP and UDP are not");
    sockets_.push_back(std::make_unique<Socket>());
    sockets_.back()->path = where;
    sockets_.back()->role = role;
    return {};
}

Result<void> Ctl::listen_on(const Value& value) {
    return add(value.string(), Role::administrator, "binrpc");
}
Result<void> Ctl::listen_read_only(const Value& value) {
    return add(value.string(), Role::reader, "read_only");
}

Result<void> Ctl::no_fifo(const Value&) {
    return fail("fifo: the line protocol is offered by the module mi_fifo");
}

Result<void> Ctl::prepare(Core& core) {
    core_ = &core;
    setting_ = {&core, requests, errors, dropped};
    const auto access = TRY(mi_fifo::find_access(core.globals(), mode, user, group));
    const bool has_own = std::ranges::any_of(
        sockets_, [](const auto& socket) { return socket->role == Role::administrator; });
    if (!has_own) {
        sockets_.push_back(std::make_unique<Socket>());
        sockets_.back()->path = std::string(core.globals().run_directory) + "/fairlead_ctl";
    }
    for (const auto& socket : sockets_)
        TRY(socket->endpoint.make_socket(socket->path, SOCK_STREAM, access));
    core.timers().every(Ms(10'000), *this);
    return {};
}

Result<void> Ctl::start(const Process& process) {
    is_serving_ = process.slot == core_->control_slot() && core_->loop() != nullptr;
    for (const auto& socket : sockets_) {
        if (!is_serving_) {
            socket->endpoint.close();
            continue;
        }
        socket->watch =
            core_->loop()->watch(socket->endpoint.fd(), Loop::Interest::readable, *this);
    }
    return {};
}

void Ctl::stop() noexcept {
    for (const auto& socket : sockets_) socket->watch.reset();
    connections_.clear();
    if (core_ == nullptr) return;
    const auto kind = core_->process().kind;
    const bool alone = is_serving_ && kind == Process::Kind::worker;
    if (kind != Process::Kind::supervisor && !alone) return;
    for (const auto& socket : sockets_) socket->endpoint.remove();
}

void Ctl::ready(int fd) noexcept {
    sweep();
    Fd client(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) return;
    if (connections_.size() >= kMostConnections) {
        LOG(warning, "there are {} connections: another one is refused", kMostConnections);
        return refused.add();
    }
    const auto asked = std::ranges::find_if(
        sockets_, [&](const auto& socket) { return socket->endpoint.fd() == fd; });
    const Role role = asked != sockets_.end() ? (*asked)->role : Role::reader;
    connections_.push_back(std::make_unique<Connection>(setting_, std::move(client), role));
}

void Ctl::tick() noexcept {
    const Ms now = core_->clock().now();
    for (const auto& connection : connections_)
        if (!connection->is_over() && now - connection->last_used() > Ms(idle_timeout * 1000LL))
            connection->close();
    sweep();
}

Result<void> Ctl::tell_connections(Call& call) {
    sweep();
    call.answer().integer(static_cast<std::int64_t>(connections_.size()));
    return {};
}

Result<void> Ctl::tell_sockets(Call& call) {
    for (const auto& socket : sockets_)
        for (const std::string_view text :
             {std::string_view("binrpc"), std::string_view("unix_stream"),
              std::string_view(socket->path), std::string_view()})
            call.answer().text(text);
    return {};
}

Result<void> Ctl::tell_clients(Call& call) {
    sweep();
    for (std::size_t i = 0; i < connections_.size(); ++i)
        for (const std::string_view text :
             {std::string_view("binrpc"), std::string_view("unix_stream"),
              std::string_view("<anonymous unix socket>"), std::string_view(),
              std::string_view(sockets_.front()->path), std::string_view()})
            call.answer().text(text);
    return {};
}

constexpr Param params[] = {
    param_method<&Ctl::listen_read_only>("read_only",
                                         "Another socket, \"unix:/path\", over which nothing can "
                                         "be changed.",
                                         Type::string),
    param_method<&Ctl::listen_on>("binrpc",
                                  "A socket of the binary protocol, \"unix:/path\"; "
                                  "fairlead_ctl in the runtime directory when none is "
                                  "given.",
                                  Type::string),
    param_method<&Ctl::no_fifo>("fifo", "Not offered: see mi_fifo.", Type::string),
    param<&Ctl::mode>("mode", "The sockets' mode.", {.min = 0, .max = 0777}),
    param<&Ctl::user>("user", "Their owner; the server's user unless it is given."),
    param<&Ctl::group>("group", "Their group; the server's unless it is given."),
    param<&Ctl::idle_timeout>("idle_timeout", "Seconds after which a silent connection is closed.",
                              {.min = 1, .max = 1'000'000}),
    param_method<&Ctl::ignored>("autoconversion",
                                "Taken and not used: arguments are always "
                                "converted to what a command wants.",
                                Type::integer),
    param_method<&Ctl::ignored>("binrpc_max_body_size",
                                "Taken and not used: answers have any "
                                "size.",
                                Type::integer),
    param_method<&Ctl::ignored>("binrpc_struct_max_body_size",
                                "Taken and not used: answers have "
                                "any size.",
                                Type::integer),
};
constexpr Command commands[] = {
    command<&Ctl::tell_connections>("ctl.connections", "How many connections there are.",
                                    Right::read),
    command<&Ctl::tell_sockets>("ctl.listen", "Sockets that take commands.", Right::read, {}, true),
    command<&Ctl::tell_clients>("ctl.who", "Who is connected.", Right::read, {}, true)};
constexpr Statistic statistics[] = {
    statistic<&Ctl::requests>("requests", "Requests that were read."),
    statistic<&Ctl::errors>("errors", "Requests that were answered with an error."),
    statistic<&Ctl::dropped>("dropped_answers", "Answers that nobody took."),
    statistic<&Ctl::refused>("refused_connections", "Connections above the most there may be.")};
constexpr Descriptor descriptor{.name = "ctl",
                                .summary = "Commands over Kamailio's binary protocol, for kamcmd.",
                                .create = make_module<Ctl>,
                                .params = params,
                                .statistics = statistics,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::ctl

FAIRLEAD_MODULE(fairlead::ctl::descriptor)
