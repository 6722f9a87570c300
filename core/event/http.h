// An HTTP/1.1 server in the loop of one process, over libevent's evhttp. Everything is bounded:
// connections, the size of requests, and what waits for a peer that does not read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/event/fd.h"

namespace fairlead {
class Loop;
}
namespace fairlead::http {

enum class Method : std::uint8_t { get, head, post, put, remove, options, patch, other };

/// What a source of an answer's body says behind a piece.
enum class Flow : std::uint8_t {
    more,   ///< there is more at once
    later,  ///< there will be more: Request::go_on() tells when
    last    ///< that was all
};
/// Adds the next piece of a body (some 10 KB) to `out`. Called when the peer has taken most of what
/// came before; not called again behind `last`. Destroyed with the request, also when the peer goes
/// away before the end.
using Body = std::function<Flow(std::string& out)>;

/// One request and the answer that is owed to it. In the process of its server, between two
/// wake-ups also after the peer has gone (what is answered is dropped then). Who holds it owes the
/// answer; letting go of it unanswered answers 500.
class Request {
public:
    virtual ~Request() = default;
    [[nodiscard]] virtual Method method() const noexcept = 0;
    /// Percent-decoded, begins with '/', has no NUL; "." and ".." are as they were sent.
    [[nodiscard]] virtual std::string_view path() const noexcept = 0;
    /// Behind the '?', as it was sent; "" for none.
    [[nodiscard]] virtual std::string_view query() const noexcept = 0;
    /// The first of that name (no case); nullopt when there is none.
    [[nodiscard]] virtual std::optional<std::string_view> header(
        std::string_view name) const noexcept = 0;
    [[nodiscard]] virtual std::string_view body() const noexcept = 0;
    /// "127.0.0.1:4711", "[::1]:4711", "unix".
    [[nodiscard]] virtual std::string_view peer() const noexcept = 0;
    /// Of the socket on which it came: what Server::listen() was given.
    [[nodiscard]] virtual std::uint32_t listener() const noexcept = 0;

    /// Before reply() or stream(): a header of the answer. One with control characters is left out.
    virtual void add_header(std::string_view name, std::string_view value) = 0;
    /// The whole answer. The first one counts. `type` "": no Content-Type.
    virtual void reply(int status, std::string_view type, std::string_view body) = 0;
    /// An answer of any length in chunks, at the pace at which the peer reads; of it the server
    /// holds 64 KB and what one call of `body` adds to that.
    virtual void stream(int status, std::string_view type, Body body) = 0;
    /// Behind Flow::later: asks the body again. Any time, any number of times.
    virtual void go_on() = 0;
};

/// Who answers.
class Handler {
public:
    virtual void asked(std::shared_ptr<Request> request) = 0;

protected:
    ~Handler() = default;
};

struct Limits {
    std::size_t connections = 64;
    std::size_t header_bytes = std::size_t{16} * 1024;
    std::size_t body_bytes = std::size_t{1024} * 1024;
    Ms request{30'000};   ///< from the connection, or the last answer, to a whole request
    Ms patience{10'000};  ///< with a peer that takes nothing
};

/// A listening TCP socket for Server::listen(); port 0 takes a free one. Before fork, so that it
/// stays when its process is replaced.
[[nodiscard]] Result<Fd> listen_on(const Address& address);

/// One per process, made and used in the process that runs the loop, and destroyed before the loop.
class Server {
public:
    /// `handler` is not owned.
    Server(Loop& loop, const Limits& limits, Handler& handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Accepts on a listening, non-blocking socket (TCP or local), which stays the caller's and is
    /// open longer than this. `listener` is what Request::listener() says.
    [[nodiscard]] bool listen(int fd, std::uint32_t listener);

    struct Counts {
        std::uint64_t connections = 0;  ///< open now
        std::uint64_t accepted = 0;
        std::uint64_t held_up = 0;    ///< times at which new ones had to wait for an end of others
        std::uint64_t requests = 0;   ///< that a handler got
        std::uint64_t too_slow = 0;   ///< connections closed: no whole request in time
        std::uint64_t cut_short = 0;  ///< answers that were not taken to the end
        std::uint64_t most_waiting = 0;  ///< bytes of one answer that waited for its peer at most
    };
    [[nodiscard]] const Counts& counts() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::http
