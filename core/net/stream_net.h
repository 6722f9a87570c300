// The connections of one process, and the way to those of the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/api/net.h"
#include "core/api/stream_layer.h"
#include "core/event/loop.h"
#include "core/net/connection.h"
#include "core/net/connection_table.h"
#include "core/net/sockets.h"
#include "core/net/steering.h"

namespace fairlead::net {

struct StreamOptions {
    StreamLimits limits;
    TcpOptions tcp;
    std::size_t most_connections = 2048;  ///< of all processes
    std::size_t most_tls = 2048;          ///< the same, of TLS
    std::size_t most_of_ip = 0;           ///< accepted from one IP; 0: as many as there are
    int defer_accept = 0;                 ///< as the listening sockets have it, to be told
    bool no_connect = false;              ///< nothing is ever opened from here
    bool exact_match = false;             ///< a connection of another listener is not used
};

/// Made in the supervisor. A worker accepts, opens, reads and writes; a process that is no worker
/// has no connections and sends through workers. A connection stays with its worker for life.
class StreamNet final : public StreamSender, public BatchEnd, private ConnectionParts::Keeper {
public:
    StreamNet(std::span<const Listener> listeners, const StreamOptions& options)
        : listeners_(listeners), options_(options) {}
    ~StreamNet() { leave(); }
    StreamNet(const StreamNet&) = delete;
    StreamNet& operator=(const StreamNet&) = delete;

    /// Before fork. `workers` are by number, slot 1 first; whoever serves a listener opens what
    /// goes out from its address for processes that are no workers.
    [[nodiscard]] Result<void> prepare(std::vector<Steering::Worker> workers, Crews crews,
                                       const StreamCounts& counts);
    /// Whether any listener is one of streams: else nothing below does anything.
    [[nodiscard]] bool is_used() const noexcept { return is_used_; }

    /// What a process has after fork; all outlive the loop.
    struct Process {
        std::uint16_t slot = 0;
        bool is_worker = false;
        bool reborn = false;
        Loop* loop = nullptr;
        SendErrors* errors = nullptr;
    };
    /// From here on it sends; connections of a dead predecessor are forgotten.
    void enter(const Process& process);
    /// In a worker: from here on it accepts, on the listeners that it serves, and reads. `scratch`
    /// has Connection::kScratch bytes in memory that survives the process.
    void serve(const Sockets& sockets, Receiver& receiver, std::span<char> scratch);
    /// Before the loop ends: what is queued is written once, everything is closed.
    void leave() noexcept;

    // StreamSender
    Sent send(const Target& target, std::string_view bytes,
              const SendFailure& on_failure) noexcept override;
    bool add_alias(std::uint32_t connection, std::uint16_t port) noexcept override;
    void use(StreamLayer* layer) noexcept override { layer_ = layer; }
    void serve_http(bool on) noexcept override { options_.limits.accept_http = on; }
    bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                        Proto proto) noexcept override;
    bool tell(std::uint32_t connection, std::string_view words) noexcept override;
    /// A record of the mailbox, of kind `stream`.
    void mail(std::string_view record) noexcept;
    void batch_done() noexcept override;

    [[nodiscard]] const ConnectionTable& table() const noexcept { return table_; }
    [[nodiscard]] const StreamOptions& options() const noexcept { return options_; }
    /// The room that a record of the mailbox needs beside the message.
    static constexpr std::size_t kMailHead = 128;

private:
    /// Accepts from one socket.
    class Acceptor final : public Watcher {
    public:
        Acceptor(StreamNet& net, std::uint16_t listener) : net_(net), listener_(listener) {}
        void ready(int descriptor) noexcept override { net_.accept(descriptor, listener_); }
        Watch watch;

    private:
        StreamNet& net_;
        std::uint16_t listener_;
    };
    /// What is asked of another process.
    struct Order {
        enum class What : std::uint8_t { send, alias, tell } what = What::send;
        bool is_last = false;  ///< whoever gets it does it, or nobody
        std::uint16_t port = 0;
        Target target;
        SendFailure on_failure;
    };
    static_assert(sizeof(Order) <= kMailHead);

    void accept(int descriptor, std::uint16_t listener) noexcept;
    /// Null when there are too many, or when its layer refuses.
    Connection* adopt(std::unique_ptr<Stream> stream, const ConnectionTable::About& about) noexcept;
    Sent route(const Order& order, std::string_view bytes) noexcept;
    Sent post(std::uint16_t slot, const Order& order, std::string_view bytes) noexcept;
    void deliver() noexcept;
    Sent open(const Order& order, std::string_view bytes) noexcept;
    [[nodiscard]] std::optional<ConnectionTable::Owner> find(const Target& target) noexcept;
    [[nodiscard]] Connection* own(std::uint32_t id) noexcept;
    void has_work(Connection& connection) noexcept override;
    bool readdressed(Connection& connection) noexcept override;
    void unsent(const SendFailure& failure) noexcept override;
    void tell_failures() noexcept;
    void speaks_http(Connection& connection) noexcept override;
    [[nodiscard]] bool is_one_too_many(const Address& ip) noexcept;
    void settle(std::uint32_t id) noexcept;
    void plan(Connection& connection) noexcept;
    void tick() noexcept;

    std::span<const Listener> listeners_;
    StreamOptions options_;
    StreamCounts counts_;
    std::vector<Steering::Worker> workers_;
    Crews crews_;
    ConnectionTable table_;
    bool is_used_ = false;
    StreamLayer* layer_ = nullptr;

    // Per process.
    Process process_;
    std::size_t waiting_ = 0;
    std::optional<ConnectionParts> parts_;
    std::unordered_map<std::uint32_t, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    bool accepts_ = true;
    std::vector<std::uint32_t> pending_;  ///< connections with something to do
    /// To be told behind the batch: whoever sends is not called back meanwhile.
    std::vector<SendFailure> failures_;
    /// Mail for another process. It waits for the end of the batch, when the datagrams of the batch
    /// are on their way: an answer to it must not overtake a 100 that was sent before it.
    struct Posted {
        std::uint16_t slot;
        Order order;
        std::size_t size;  ///< of posted_bytes_, one behind the other
    };
    std::vector<Posted> posted_;
    std::string posted_bytes_;
    std::vector<std::uint16_t> to_wake_;  ///< slots with mail
    using Due = std::pair<Ms, std::uint32_t>;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;  ///< some are out of date
    TimerCall<StreamNet> tick_call_{*this, &StreamNet::tick};
    Watch tick_;
};

}  // namespace fairlead::net
