// SIP over WebSocket. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/websocket.h"

#include <memory>
#include <vector>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/websocket/handshake.h"
#include "modules/xhttp/api.h"

namespace fairlead::websocket {
namespace {

constexpr std::string_view kNormal = "Normal closure";
/// What event_route[websocket:closed] sees: a request that nobody sent.
constexpr std::string_view kNobody =
    "OPTIONS sip:you@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
    "From: <sip:you@localhost>;tag=closed\r\nTo: <sip:you@localhost>\r\n"
    "Call-ID: websocket-closed\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

Ms seconds(int n) noexcept {
    return Ms(std::int64_t{n} * 1000);
}

}  // namespace

Result<void> Websocket::set_callback(const Value&) {
    LOG(notice, "event_callback has no effect: event_route[websocket:closed] is run");
    return {};
}

Result<void> Websocket::prepare(Core& core) {
    core_ = &core;
    if ((sub_protocols & 1) == 0)
        return fail(
            "parameter sub_protocols of module websocket must have 1 (sip): there is no MSRP");
    if ((sub_protocols & 2) != 0) LOG(notice, "sub_protocols: there is no MSRP, only sip");
    if (ping_application_data.empty()) {
        std::string_view server = core.globals().server_header;
        server = server.substr(std::min(server.find(' ') + 1, server.size()));
        ping_application_data = text::trim(server);
        ping_application_data.resize(std::min(ping_application_data.size(), kMaxControl));
    }
    if (ping_application_data.size() > kMaxControl)
        return fail("parameter ping_application_data of module websocket has at most 125 bytes");
    options_ = {.mechanism = static_cast<KeepAlive>(keepalive_mechanism),
                .keepalive = seconds(keepalive_timeout),
                .close_wait = seconds(rm_delay_interval),
                .ping_data = ping_application_data};
    return notes_.map(core.globals().max_connections);
}

Result<void> Websocket::start(const Process& process) {
    closed_route_ = core_->script().find(Route::event, "websocket:closed");
    slot_ = process.slot;
    if (process.kind != Process::Kind::worker) return {};
    if (process.reborn) notes_.clear_all(slot_);
    Loop* const loop = core_->loop();
    if (loop == nullptr) return {};
    tick_ = loop->every(seconds(keepalive_interval), tick_call_);
    tick_.pause();
    return {};
}

void Websocket::stop() noexcept {
    const std::string words =
        Session::close_words(static_cast<std::uint16_t>(Status::going_away), "The server ends");
    for (const auto& [id, session] : sessions_) (void)core_->net().tell(id, words);
    tick_.reset();
    closed_route_ = RouteId::none;
}

// ---- Beginning and end --------------------------------------------------------------------------

bool Websocket::reply(Message& m, int code, std::string_view reason, std::string_view headers) {
    // The script may have wanted its other answers to end the connection.
    m.reply_close = code != 101;
    return xhttp::answer(*core_, m, {.code = code, .reason = reason, .headers = headers});
}

Verdict Websocket::ws_handle_handshake(Message& m) {
    if (!m.sip.is_http()) {
        LOG(error, "ws_handle_handshake() is for HTTP requests");
        return Verdict::stop;
    }
    Answer answer = answer_handshake(m.sip, static_cast<Cors>(cors_mode));
    if (notes_.is_disabled())
        answer = {.code = 503, .reason = "Service Unavailable", .why = "they are disabled"};
    const bool sent = reply(m, answer.code, answer.reason, answer.headers);
    if (answer.code != 101 || !sent) {
        count.failed_handshakes.add();
        LOG(notice, "no WebSocket for {}: {}", m.received.source.text(),
            answer.why.empty() ? "it cannot be answered" : std::string_view(answer.why));
        return Verdict::stop;
    }
    auto session = std::make_unique<Session>(
        SessionParts{core_->clock(), count, options_, notes_, *this}, slot_, m.received);
    if (sessions_.empty()) tick_.resume();
    sessions_[m.received.connection] = session.get();
    const Proto proto = m.received.proto == Proto::tls ? Proto::wss : Proto::ws;
    if (!core_->net().change_framing(m.received.connection, std::move(session), proto)) {
        count.failed_handshakes.add();
        return Verdict::stop;
    }
    count.handshakes.add();
    return Verdict::yes;
}

void Websocket::ended(std::uint32_t connection, const Received& from) noexcept {
    if (closed_route_ == RouteId::none) return;
    const BorrowedMessage borrowed(*core_);
    Message& m = *borrowed;
    m.received = from;
    if (m.sip.parse(kNobody)) return;
    closed_ = connection;
    m.route_type = Route::request;
    (void)core_->script().run(closed_route_, m);
    closed_ = 0;
}

void Websocket::gone(std::uint32_t connection) noexcept {
    sessions_.erase(connection);
    if (sessions_.empty()) tick_.pause();
}

Value Websocket::closed_connection() const {
    return closed_ == 0 ? Value() : Value(static_cast<std::int64_t>(closed_));
}

void Websocket::tick() noexcept {
    const Ms now = core_->clock().now();
    std::vector<std::pair<std::uint32_t, std::string_view>> due;
    for (const auto& [id, session] : sessions_)
        if (const auto words = session->due(now); !words.empty()) due.emplace_back(id, words);
    for (const auto& [id, words] : due) {
        if (verbose_list)
            LOG(debug, "connection {}: {}", id, words == Session::kDrop ? "dropped" : "kept alive");
        (void)core_->net().tell(id, words);
    }
}

// ---- Closing ------------------------------------------------------------------------------------

Verdict Websocket::close_with(std::uint32_t connection, int status, std::string_view reason) {
    if (!is_status(static_cast<unsigned>(status)) || reason.size() > kMaxReason ||
        !is_utf8(reason)) {
        LOG(error, "ws_close(): {} \"{}\" cannot stand in a Close", status, reason);
        return Verdict::no;
    }
    if (!notes_.has(connection)) {
        LOG(error, "ws_close(): connection {} is no WebSocket", connection);
        return Verdict::no;
    }
    return Verdict::of(core_->net().tell(
        connection, Session::close_words(static_cast<std::uint16_t>(status), reason)));
}

Verdict Websocket::ws_close(Message& m) {
    return close_with(m.received.connection, static_cast<int>(Status::normal), kNormal);
}

Verdict Websocket::ws_close_because(Message& m, int status, std::string_view reason) {
    return close_with(m.received.connection, status, reason);
}

Verdict Websocket::ws_close_other(Message&, int status, std::string_view reason, int connection) {
    return close_with(static_cast<std::uint32_t>(connection), status, reason);
}

}  // namespace fairlead::websocket
