// Net over UDP sockets: the choice of a socket, and datagrams that leave in batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "core/api/net.h"
#include "core/event/loop.h"
#include "core/net/own_names.h"
#include "core/net/send_queue.h"
#include "core/net/shared_pages.h"
#include "core/net/sockets.h"
#include "core/shm/counters.h"

namespace fairlead::net {

/// Told of datagrams that could not be sent after all; may send others.
class SendErrors {
public:
    virtual void send_failed(const SendFailure& failure) noexcept = 0;

protected:
    ~SendErrors() = default;
};

/// What is sent over streams, for UdpNet, which is the Net of everybody.
class StreamSender {
public:
    virtual Sent send(const Target& target, std::string_view bytes,
                      const SendFailure& on_failure) noexcept = 0;
    virtual bool add_alias(std::uint32_t connection, std::uint16_t port) noexcept = 0;
    /// Before fork; not owned.
    virtual void use(StreamLayer* layer) noexcept = 0;
    /// Before fork: connections may begin with HTTP.
    virtual void serve_http(bool on) noexcept = 0;
    virtual bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                                Proto proto) noexcept = 0;
    virtual bool tell(std::uint32_t connection, std::string_view words) noexcept = 0;

protected:
    ~StreamSender() = default;
};

/// Made in the supervisor; each process that sends calls enter() after fork.
class UdpNet final : public Net, public BatchEnd {
public:
    struct Counts {
        shm::Counter sent, failed, queue_full;
    };
    UdpNet(std::vector<Listener> listeners, OwnNames names, bool multihomed);

    /// Before fork: memory for `processes` senders.
    [[nodiscard]] Result<void> prepare(std::size_t processes, const Counts& counts);
    /// Before fork; not owned.
    void use(const Sockets& sockets) noexcept { sockets_ = &sockets; }
    /// Before fork; not owned. Without one there are no streams.
    void use(StreamSender& streams) noexcept { streams_ = &streams; }

    /// This process sends from the sockets of `worker` and keeps its queues in row `process`.
    /// `reborn`: first of all it sends what a dead predecessor left behind.
    void enter(std::size_t process, std::size_t worker, bool reborn, Loop& loop,
               SendErrors& errors);
    /// Before the loop ends.
    void leave() noexcept;

    [[nodiscard]] std::span<const Listener> listeners() const noexcept override {
        return listeners_;
    }
    [[nodiscard]] const Listener* choose(Proto proto, const Address& to, std::uint16_t received_on,
                                         std::uint16_t forced) const noexcept override;
    [[nodiscard]] bool is_myself(std::string_view host, std::uint16_t port,
                                 Proto proto) const noexcept override {
        return names_.contains(host, port, proto);
    }
    Sent send(const Target& target, std::string_view bytes,
              const SendFailure& on_failure) noexcept override;
    bool add_alias(std::uint32_t connection, std::uint16_t port) noexcept override;
    void set_stream_layer(StreamLayer* layer) noexcept override;
    [[nodiscard]] std::uint16_t profile_of(Message& m, const Target& to) noexcept override;
    void set_http(HttpHandler* handler) noexcept override;
    bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                        Proto proto) noexcept override;
    bool tell(std::uint32_t connection, std::string_view words) noexcept override;
    /// Sends all that is queued; the loop calls it at the end of each wake-up.
    void batch_done() noexcept override;

private:
    /// Waits until a socket that was full takes datagrams again.
    class Writable final : public Watcher {
    public:
        Writable(UdpNet& net, std::size_t listener) : net_(net), listener_(listener) {}
        void ready(int) noexcept override { net_.now_writable(listener_); }
        Watch watch;

    private:
        UdpNet& net_;
        std::size_t listener_;
    };

    void flush(std::size_t listener) noexcept;
    void now_writable(std::size_t listener) noexcept;
    [[nodiscard]] const Listener* by_route(Proto proto, const Address& to) const noexcept;

    std::vector<Listener> listeners_;
    OwnNames names_;
    bool multihomed_;
    Counts counts_;
    SharedPages<SendQueue> pages_;
    const Sockets* sockets_ = nullptr;
    StreamSender* streams_ = nullptr;
    StreamLayer* layer_ = nullptr;

    // Per process.
    std::span<SendQueue> queues_;  ///< by listener; empty before enter()
    std::size_t worker_ = 0;
    Loop* loop_ = nullptr;
    SendErrors* errors_ = nullptr;
    std::vector<std::unique_ptr<Writable>> blocked_;  ///< by listener; null: not blocked
    std::vector<std::uint16_t> pending_;              ///< listeners with something to send
    std::vector<SendQueue::Failed> failed_;
};

}  // namespace fairlead::net
