// c-ares on the loop: its sockets are watched, its time-outs are a timer.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_client.h"

#include <ares.h>
#include <ares_nameser.h>
#include <sys/time.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/net/dns_wire.h"

namespace fairlead::dns {
namespace {

constexpr int kInternet = 1;
constexpr int kDatagram = 1232;  // what passes everywhere in one piece

/// What an error of c-ares without a packet says.
Status status_of(int error) noexcept {
    switch (error) {
        case ARES_ENODATA: return Status::no_data;
        case ARES_ENOTFOUND: return Status::no_name;
        default: return Status::failed;
    }
}

}  // namespace

struct Client::Impl final : Watcher, TimerTask {
    /// One question that is out; given to c-ares as the argument of its callback.
    struct Asked {
        Impl* client;
        std::uint64_t number;
        Type type;
        AnswerSink* sink;
    };
    struct Watched {
        Watch readable, writable;
    };
    /// The loop tells only which descriptor is ready; this one says that it can be written.
    struct Writable final : Watcher {
        Impl* client = nullptr;
        void ready(int fd) noexcept override { client->process(ARES_SOCKET_BAD, fd); }
    };

    explicit Impl(Loop& l) : loop(l) { writable.client = this; }
    ~Impl() {
        ending = true;
        if (channel != nullptr) ares_destroy(channel);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void ready(int fd) noexcept override { process(fd, ARES_SOCKET_BAD); }
    void expired() noexcept override;
    void process(int readable, int to_write) noexcept {
        ares_process_fd(channel, readable, to_write);
        arm();
    }
    void arm();
    void watch(int fd, bool readable, bool to_write);
    static void socket_state(void* self, int fd, int readable, int to_write);
    static void answered(void* asked, int error, int timeouts, unsigned char* bytes, int size);
    Result<void> open(const ClientOptions& options);
    void limit_servers(std::size_t most);

    Loop& loop;
    ares_channel channel = nullptr;
    Writable writable;
    std::map<int, Watched> watched;
    Watch timer;
    /// Ended before they left (no socket, no server): told from the loop, not from inside ask().
    struct Failed {
        AnswerSink* sink;
        std::uint64_t number;
        Answer answer;
    };
    std::vector<Failed> failed;
    bool asking = false;
    bool use_search_list = true;
    bool ending = false;
};

void Client::Impl::arm() {
    timeval next{};
    if (!failed.empty()) {
        timer = loop.after(Ms(0), *this);
        return;
    }
    const timeval* const wait = ares_timeout(channel, nullptr, &next);
    if (wait == nullptr) return timer.reset();
    const Ms delay(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
    timer = loop.after(delay, *this);
}

void Client::Impl::expired() noexcept {
    for (const Failed& f : std::exchange(failed, {})) f.sink->answered(f.number, f.answer);
    process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Client::Impl::watch(int fd, bool readable, bool to_write) {
    if (!readable && !to_write) {
        watched.erase(fd);
        return;
    }
    Watched& w = watched[fd];
    if (readable && !w.readable) w.readable = loop.watch(fd, Loop::Interest::readable, *this);
    if (!readable) w.readable.reset();
    if (to_write && !w.writable) w.writable = loop.watch(fd, Loop::Interest::writable, writable);
    if (!to_write) w.writable.reset();
}

void Client::Impl::socket_state(void* self, int fd, int readable, int to_write) {
    static_cast<Impl*>(self)->watch(fd, readable != 0, to_write != 0);
}

void Client::Impl::answered(void* asked, int error, int, unsigned char* bytes, int size) {
    const std::unique_ptr<Asked> a(static_cast<Asked*>(asked));
    if (a->client->ending) return;
    Answer answer{.status = status_of(error)};
    if (bytes != nullptr && size > 0)
        answer = parse_answer(
            {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}, a->type);
    if (a->client->asking)
        a->client->failed.push_back({a->sink, a->number, std::move(answer)});
    else
        a->sink->answered(a->number, answer);
}

Result<void> Client::Impl::open(const ClientOptions& options) {
    ares_options o{};
    o.flags = ARES_FLAG_EDNS;
    o.ednspsz = kDatagram;
    o.timeout = static_cast<int>(std::max<std::int64_t>(options.retry_time.count(), 1));
    o.tries = std::max(options.tries, 1);
    o.sock_state_cb = socket_state;
    o.sock_state_cb_data = this;
    const int which = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                      ARES_OPT_SOCK_STATE_CB;
    int error = ares_library_init(ARES_LIB_INIT_ALL);
    if (error == ARES_SUCCESS) error = ares_init_options(&channel, &o, which);
    if (error == ARES_SUCCESS && !options.servers.empty())
        error = ares_set_servers_ports_csv(channel, options.servers.c_str());
    if (error != ARES_SUCCESS) return fail(ares_strerror(error), "dns");
    use_search_list = options.use_search_list;
    if (options.most_servers != 0) limit_servers(options.most_servers);
    return {};
}

void Client::Impl::limit_servers(std::size_t most) {
    ares_addr_port_node* first = nullptr;
    if (ares_get_servers_ports(channel, &first) != ARES_SUCCESS) return;
    ares_addr_port_node* last = first;
    for (std::size_t i = 1; i < most && last != nullptr; ++i) last = last->next;
    if (last != nullptr && last->next != nullptr) {
        ares_addr_port_node* const rest = last->next;
        last->next = nullptr;
        (void)ares_set_servers_ports(channel, first);
        last->next = rest;
    }
    ares_free_data(first);
}

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(Loop& loop, const ClientOptions& options) {
    auto impl = std::make_unique<Impl>(loop);
    TRY(impl->open(options));
    return std::unique_ptr<Client>(new Client(std::move(impl)));
}

void Client::ask(std::uint64_t number, const Question& question, AnswerSink& sink) {
    auto asked =
        std::make_unique<Impl::Asked>(Impl::Asked{impl_.get(), number, question.type, &sink});
    const int type = static_cast<int>(question.type);
    impl_->asking = true;
    const bool is_short = question.name.find('.') == std::string::npos;
    if (is_short && impl_->use_search_list)
        ares_search(impl_->channel, question.name.c_str(), kInternet, type, Impl::answered,
                    asked.release());
    else
        ares_query(impl_->channel, question.name.c_str(), kInternet, type, Impl::answered,
                   asked.release());
    impl_->asking = false;
    impl_->arm();
}

}  // namespace fairlead::dns
