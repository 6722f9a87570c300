// http: an HTTP server in the control process. Other modules answer; it listens, and knows who
// asks. SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/log.h"
#include "core/api/loop.h"
#include "core/api/text.h"
#include "modules/http/access.h"
#include "modules/http/api.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::http {
namespace {

class Http final : public Module, public Api, public Handler {
public:
    int max_connections = 64, max_body = 1024 * 1024, request_timeout = 30;
    int socket_mode = 0600;
    std::string socket_user, socket_group, local_role = "reader";
    shm::Counter requests, unauthorized, not_found;

    Result<void> add_listener(const Value& value);
    Result<void> add_user(const Value& v) {
        return accounts_.add_user(v.string(), Role::administrator);
    }
    Result<void> add_reader(const Value& v) { return accounts_.add_user(v.string(), Role::reader); }
    Result<void> add_token(const Value& v) {
        return accounts_.add_token(v.string(), Role::administrator);
    }
    Result<void> add_reader_token(const Value& v) {
        return accounts_.add_token(v.string(), Role::reader);
    }
    std::int64_t connections() { return server_ ? value(&Server::Counts::connections) : 0; }
    std::int64_t too_slow() { return server_ ? value(&Server::Counts::too_slow) : 0; }
    std::int64_t cut_short() { return server_ ? value(&Server::Counts::cut_short) : 0; }
    std::int64_t held_up() { return server_ ? value(&Server::Counts::held_up) : 0; }
    std::int64_t most_waiting() { return server_ ? value(&Server::Counts::most_waiting) : 0; }

    Result<void> serve(std::string_view prefix, Site& site) override;
    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

private:
    static constexpr std::string_view kDefault = "127.0.0.1:8080";
    struct Listener {
        std::string text;
        std::string path;  ///< of a local socket
        Address address;
        Fd fd;
        mi_fifo::Endpoint local;
    };
    struct Served {
        std::string prefix;
        Site* site;
    };

    void asked(std::shared_ptr<Request> request) override;
    [[nodiscard]] std::optional<Accounts::Known> caller(Request& request);
    [[nodiscard]] std::optional<Accounts::Known> local_caller(Request& request);
    [[nodiscard]] Site* site_for(std::string_view path) const noexcept;
    Result<void> open(Listener& listener);
    [[nodiscard]] std::int64_t value(std::uint64_t Server::Counts::* what) const noexcept {
        return static_cast<std::int64_t>(server_->counts().*what);
    }

    Core* core_ = nullptr;
    Accounts accounts_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<Served> served_;
    std::unique_ptr<Server> server_;
    bool is_serving_ = false;
};

Result<void> Http::add_listener(const Value& value) {
    auto listener = std::make_unique<Listener>();
    std::string_view where = value.string();
    listener->text = where;
    if (where.starts_with("unix:")) {
        listener->path = where.substr(std::string_view("unix:").size());
        if (listener->path.empty()) return fail("listen: \"unix:/path\" names a socket");
    } else {
        if (where.starts_with("tcp:")) where.remove_prefix(4);
        const std::size_t colon = where.rfind(':');
        const auto port = colon == where.npos
                              ? std::nullopt
                              : text::parse_uint(where.substr(colon + 1), UINT16_MAX);
        const auto address =
            port ? Address::parse(where.substr(0, colon), static_cast<std::uint16_t>(*port))
                 : std::nullopt;
        if (!address)
            return fail("listen: \"" + listener->text +
                        "\" is neither an address with a port (\"127.0.0.1:8080\", "
                        "\"[::1]:8080\") nor \"unix:/path\"");
        listener->address = *address;
    }
    listeners_.push_back(std::move(listener));
    return {};
}

Result<void> Http::serve(std::string_view prefix, Site& site) {
    const std::string text(prefix);
    if (!prefix.starts_with('/') || (prefix.size() > 1 && prefix.ends_with('/')))
        return fail("the HTTP path \"" + text + "\" begins with '/' and does not end with one");
    for (const Served& served : served_)
        if (served.prefix == prefix) return fail("the HTTP path " + text + " is served twice");
    served_.push_back({text, &site});
    return {};
}

Result<void> Http::prepare(Core& core) {
    core_ = &core;
    if (local_role != "reader" && local_role != "administrator" && local_role != "none")
        return fail("local_role: \"reader\", \"administrator\" or \"none\"");
    if (listeners_.empty()) TRY(add_listener(Value(kDefault)));
    for (const auto& listener : listeners_) TRY(open(*listener));
    return {};
}

Result<void> Http::open(Listener& listener) {
    if (!listener.path.empty()) {
        const auto access =
            TRY(mi_fifo::find_access(core_->globals(), socket_mode, socket_user, socket_group));
        if (!listener.path.starts_with('/'))
            listener.path = std::string(core_->globals().run_directory) + "/" + listener.path;
        return listener.local.make_socket(listener.path, SOCK_STREAM, access);
    }
    if (!listener.address.is_loopback() && accounts_.empty())
        return fail("listen: other machines can reach " + listener.text +
                    ": give a \"user\" (\"name:password\") or a \"token\" who may ask, or listen "
                    "on 127.0.0.1");
    listener.fd = TRY(listen_on(listener.address));
    return {};
}

Result<void> Http::start(const Process& process) {
    is_serving_ = process.slot == core_->control_slot() && core_->loop() != nullptr;
    if (!is_serving_) {
        for (const auto& listener : listeners_) {
            listener->fd.reset();
            listener->local.close();
        }
        return {};
    }
    Limits limits;
    limits.connections = static_cast<std::size_t>(max_connections);
    limits.body_bytes = static_cast<std::size_t>(max_body);
    limits.request = Ms(request_timeout * 1000LL);
    server_ = std::make_unique<Server>(*core_->loop(), limits, *this);
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        const Listener& listener = *listeners_[i];
        const int fd = listener.fd ? listener.fd.get() : listener.local.fd();
        if (!server_->listen(fd, static_cast<std::uint32_t>(i)))
            return fail("cannot serve " + listener.text);
    }
    return {};
}

void Http::stop() noexcept {
    server_.reset();
    if (core_ == nullptr) return;
    const auto kind = core_->process().kind;
    const bool alone = is_serving_ && kind == Process::Kind::worker;
    if (kind != Process::Kind::supervisor && !alone) return;
    for (const auto& listener : listeners_) listener->local.remove();
}

Site* Http::site_for(std::string_view path) const noexcept {
    const Served* best = nullptr;
    for (const Served& served : served_) {
        const bool fits =
            served.prefix == "/" ||
            (path.starts_with(served.prefix) &&
             (path.size() == served.prefix.size() || path[served.prefix.size()] == '/'));
        if (fits && (best == nullptr || served.prefix.size() > best->prefix.size())) best = &served;
    }
    return best != nullptr ? best->site : nullptr;
}

/// Somebody of this machine who did not say who he is. A browser here runs programs of strangers:
/// what they send carries an Origin (RFC 6454 7.3), or the name under which they reached us.
std::optional<Accounts::Known> Http::local_caller(Request& request) {
    const Listener& listener = *listeners_[request.listener()];
    if (!listener.path.empty()) return Accounts::Known{Role::administrator, ""};
    if (!listener.address.is_loopback() || local_role == "none") return std::nullopt;
    const auto host = request.header("Host");
    if (request.header("Origin") || (host && !is_local_host(*host))) return std::nullopt;
    return Accounts::Known{local_role == "administrator" ? Role::administrator : Role::reader, ""};
}

std::optional<Accounts::Known> Http::caller(Request& request) {
    const auto authorization = request.header("Authorization");
    return authorization ? accounts_.find(*authorization) : local_caller(request);
}

void Http::asked(std::shared_ptr<Request> request) {
    requests.add();
    request->add_header("X-Content-Type-Options", "nosniff");
    const auto known = caller(*request);
    if (!known) {
        unauthorized.add();
        LOG(notice, "a request of {} is refused: {}", request->peer(),
            request->header("Authorization") ? "wrong credentials" : "no credentials");
        request->add_header("WWW-Authenticate", "Basic realm=\"fairlead\", charset=\"UTF-8\"");
        return request->reply(401, "text/plain", "Who are you?\n");
    }
    Site* const site = site_for(request->path());
    if (site == nullptr) {
        not_found.add();
        return request->reply(404, "text/plain", "Nothing is here.\n");
    }
    site->asked(std::move(request), {known->role, known->user});
}

constexpr Param params[] = {
    param_method<&Http::add_listener>(
        "listen",
        "Where: \"127.0.0.1:8080\" (the default), \"[::1]:8080\", or \"unix:name\" for a socket "
        "below the runtime directory. An address that other machines can reach needs a user or a "
        "token.",
        Type::string),
    param_method<&Http::add_user>("user", "\"name:password\" of one who may do everything.",
                                  Type::string),
    param_method<&Http::add_reader>("reader", "\"name:password\" of one who may only read.",
                                    Type::string),
    param_method<&Http::add_token>(
        "token", "What a program sends as \"Authorization: Bearer\" that may do everything.",
        Type::string),
    param_method<&Http::add_reader_token>("reader_token", "The same for one that may only read.",
                                          Type::string),
    param<&Http::local_role>(
        "local_role",
        "What may be done over a loopback address without credentials: \"reader\", "
        "\"administrator\" or \"none\". Over a local socket, who may open it may do everything."),
    param<&Http::max_connections>("max_connections", "More wait until others end.",
                                  {.min = 1, .max = 4096}),
    param<&Http::max_body>("max_body", "Bytes of a request's body at most.",
                           {.min = 1024, .max = 64 * 1024 * 1024}),
    param<&Http::request_timeout>(
        "request_timeout",
        "Seconds after which a connection is closed that brought no whole request.",
        {.min = 1, .max = 3600}),
    param<&Http::socket_mode>("socket_mode", "The mode of local sockets.", {.min = 0, .max = 0777}),
    param<&Http::socket_user>("socket_user", "Their owner; the server's user unless it is given."),
    param<&Http::socket_group>("socket_group", "Their group; the server's unless it is given."),
};
constexpr Statistic statistics[] = {
    statistic<&Http::requests>("requests", "Requests that were read."),
    statistic<&Http::unauthorized>("unauthorized", "Requests without the right credentials."),
    statistic<&Http::not_found>("not_found", "Requests for what nobody serves."),
    computed_statistic<&Http::connections>("connections", "Connections that are open."),
    computed_statistic<&Http::held_up>("held_up", "Times at which max_connections was reached.",
                                       false),
    computed_statistic<&Http::too_slow>("too_slow",
                                        "Connections closed that brought no whole request.", false),
    computed_statistic<&Http::cut_short>("cut_short", "Answers that nobody took to their end.",
                                         false),
    computed_statistic<&Http::most_waiting>(
        "most_waiting", "Bytes of one answer that waited for its reader at most."),
};
constexpr Offer offered[] = {offers<Http, Api>()};
constexpr Descriptor descriptor{.name = "http",
                                .summary =
                                    "An HTTP server in the control process, for modules that "
                                    "answer requests.",
                                .create = make_module<Http>,
                                .params = params,
                                .statistics = statistics,
                                .offers = offered};

}  // namespace
}  // namespace fairlead::http

FAIRLEAD_MODULE(fairlead::http::descriptor)
