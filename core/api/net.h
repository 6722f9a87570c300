// Sending: listeners, the choice of a socket, and datagrams that leave with the batch.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/shm/timer_wheel.h"

namespace fairlead {

/// A socket address that the server listens on. Made from `listen` lines before fork, never
/// changed.
struct Listener {
    std::uint16_t index = 0;  ///< its number everywhere: Received, Target, transactions
    Proto proto = Proto::udp;
    Address address;
    std::string name;             ///< from `name "…"`, may be empty
    std::string advertised_host;  ///< what Via and Record-Route say; the address unless `advertise`
    std::uint16_t advertised_port = 0;
    std::string via_sent_by;  ///< "host" or "host:port" as our Via writes it
    std::string uri_text;     ///< "udp:127.0.0.1:5060"
};

inline constexpr std::uint16_t kNoListener = 0xffff;

/// Where a message goes and from which socket. Trivially copyable: stored in transactions.
struct Target {
    using ShmSafe = void;
    Address address;
    Proto proto = Proto::none;
    std::uint16_t listener = kNoListener;
    std::uint32_t connection = 0;  ///< streams: used while it lives; 0 finds or opens one
    bool no_connect = false;       ///< streams: fails where one would have to be opened
    bool close_after = false;      ///< streams: the connection is closed when this has left
    std::uint16_t profile = 0;     ///< TLS: only a connection of this one is used, or opened
};

/// Where a message came from.
struct Received {
    Address source;
    Address local;  ///< the listener's address
    Proto proto = Proto::udp;
    std::uint16_t listener = 0;
    std::uint32_t connection = 0;
    bool is_http = false;  ///< streams: what came is an HTTP request
};

/// Called later when a datagram or stream could not be sent after all. `object` and `index` are the
/// sender's, as given to send().
struct SendFailure {
    shm::HandlerId handler{};
    std::uint32_t index = 0;
    void* object = nullptr;
};

/// Stands between the network and the server, and may change what passes.
class NetFilter {
public:
    /// A datagram, or a message of a stream, before anything else looks at it. What it gives is
    /// worked on instead and must live until the next call; "" drops it.
    [[nodiscard]] virtual std::string_view arrived(std::string_view bytes,
                                                   const Received& from) noexcept = 0;
    /// What is sent, once for each call of Net::send: no lock is held. What it gives is sent
    /// instead; "" sends nothing, without telling the sender.
    [[nodiscard]] virtual std::string_view leaves(std::string_view bytes,
                                                  const Target& to) noexcept = 0;

protected:
    ~NetFilter() = default;
};

class Message;
class StreamCodec;
class StreamLayer;

/// Serves HTTP requests on TCP and TLS listeners.
class HttpHandler {
public:
    /// In the worker that owns the connection. The request is whole, and m.sip.is_http(); replies
    /// to it are written and sent as those of SIP are. When nothing was sent on the connection
    /// until this returns, it is answered 404 and closed.
    virtual void http_request(Message& m) = 0;

protected:
    ~HttpHandler() = default;
};

enum class Sent : std::uint8_t { queued, too_big, no_socket, queue_full };

/// Available in every process that has sockets; in a test, the FakeNet.
class Net {
public:
    [[nodiscard]] virtual std::span<const Listener> listeners() const noexcept = 0;

    /// The listener to send from (spec of `force_send_socket` and `mhomed`): `forced` when it fits
    /// protocol and address family, else the one the request came in on, else the first that fits.
    /// Null when no listener fits.
    [[nodiscard]] virtual const Listener* choose(Proto proto, const Address& to,
                                                 std::uint16_t received_on,
                                                 std::uint16_t forced) const noexcept = 0;

    /// Whether host and port are ours: a listener, its advertised address, or an alias. Port 0 is
    /// any.
    [[nodiscard]] virtual bool is_myself(std::string_view host, std::uint16_t port,
                                         Proto proto) const noexcept = 0;

    /// Before fork: this name and all below it are ours too. Port 0: any; Proto::none: any.
    virtual void add_domain(std::string_view /*name*/, std::uint16_t /*port*/, Proto /*proto*/) {}
    /// Before fork: `filter` sees what the network brings and takes; null: nobody does. Not owned.
    virtual void set_filter(NetFilter* /*filter*/) noexcept {}

    /// Before fork: what TLS is made by (core/api/stream_layer.h). Not owned.
    virtual void set_stream_layer(StreamLayer* /*layer*/) noexcept {}
    /// The profile that `m` wants for a connection to `to`, as the layer says.
    [[nodiscard]] virtual std::uint16_t profile_of(Message& /*m*/, const Target& /*to*/) noexcept {
        return 0;
    }

    /// Copies `bytes` and sends them when the current batch of events is done, in the order of the
    /// calls. `target.listener` must be set. A failure seen only then is reported to `on_failure`.
    virtual Sent send(const Target& target, std::string_view bytes,
                      const SendFailure& on_failure = {}) noexcept = 0;

    /// From now on requests to this port of the connection's peer use the connection (RFC 5923).
    /// False when there is no such connection or it has too many aliases.
    virtual bool add_alias(std::uint32_t /*connection*/, std::uint16_t /*port*/) noexcept {
        return false;
    }

    /// Before fork: accepted connections of streams that begin with an HTTP request carry HTTP, and
    /// `handler` gets what comes on them. Not owned. Without one HTTP is refused like all that is
    /// not SIP.
    virtual void set_http(HttpHandler* /*handler*/) noexcept {}
    /// Whether anybody called set_http().
    [[nodiscard]] virtual bool serves_http() const noexcept { return false; }
    /// From the next byte on the connection is framed by `codec`, and of protocol `proto`: ws or
    /// wss. Only in the process that owns it, from a message of its own; false when it is over.
    virtual bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                                Proto proto) noexcept = 0;
    /// Any process: hands `words` to the codec of the connection, in its owner. False when there is
    /// no such connection or its owner's mailbox is full.
    virtual bool tell(std::uint32_t /*connection*/, std::string_view /*words*/) noexcept {
        return false;
    }

protected:
    ~Net() = default;
};

}  // namespace fairlead
