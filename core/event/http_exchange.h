// One HTTP request over evhttp; for http.cpp only. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "core/event/http.h"
#include "core/event/loop.h"

struct bufferevent;
struct evhttp_connection;
struct evhttp_request;

namespace fairlead::http {

class Exchange;

/// A connection, from its beginning until the server finds that it has ended.
struct Connection {
    bufferevent* buffers = nullptr;  ///< with a reference of ours
    Ms due{0};                       ///< when the next request must be whole; 0: none is read
    Exchange* exchange = nullptr;    ///< whose request has this connection
    Server::Counts* counts = nullptr;
    const Clock* clock = nullptr;
    Ms answer_due{0};  ///< what is added to now behind an answer
    bool is_answering = false;
};

/// Belongs to whoever answers, and to itself while it streams.
class Exchange final : public Request, TimerTask, public std::enable_shared_from_this<Exchange> {
public:
    Exchange(Loop& loop, evhttp_request* req, Connection& connection, std::uint32_t listener);
    ~Exchange() override;

    /// Takes in what is asked for; false when it is none that could be answered.
    [[nodiscard]] bool read();
    /// The peer has gone; with `frees` the request is ours to free when the library has let go.
    void lost(bool frees) noexcept;

    [[nodiscard]] Method method() const noexcept override { return method_; }
    [[nodiscard]] std::string_view path() const noexcept override { return path_; }
    [[nodiscard]] std::string_view query() const noexcept override { return query_; }
    [[nodiscard]] std::optional<std::string_view> header(
        std::string_view name) const noexcept override;
    [[nodiscard]] std::string_view body() const noexcept override { return body_; }
    [[nodiscard]] std::string_view peer() const noexcept override { return peer_; }
    [[nodiscard]] std::uint32_t listener() const noexcept override { return listener_; }
    void add_header(std::string_view name, std::string_view value) override;
    void reply(int status, std::string_view type, std::string_view body) override;
    void stream(int status, std::string_view type, Body body) override;
    void go_on() override;

private:
    /// What waits for the peer at most, and how often a body is asked before others have a turn.
    static constexpr std::size_t kWaiting = std::size_t{64} * 1024;
    static constexpr int kAsksPerTurn = 32;

    static void on_drained(evhttp_connection*, void* connection) noexcept;
    void expired() noexcept override;
    bool begin(std::string_view type);
    void fill() noexcept;
    [[nodiscard]] Flow gather(std::string& out);
    void send(const std::string& bytes);
    void end();
    void cut() noexcept;

    Loop& loop_;
    evhttp_request* req_;  ///< null when it is not ours any more
    Connection* connection_;
    std::uint32_t listener_;
    Method method_ = Method::other;
    std::string path_, query_, body_, peer_;
    Body source_;
    bool is_answered_ = false, is_writing_ = false, is_waiting_ = false, is_filling_ = false,
         is_cut_ = false;
    Watch turn_;
    std::shared_ptr<Exchange> self_;  ///< while it streams
};

}  // namespace fairlead::http
