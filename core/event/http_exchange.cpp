// One HTTP request over evhttp: what was asked, and an answer at the pace of its reader.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/http_exchange.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/base/log.h"

namespace fairlead::http {
namespace {

Method method_of(evhttp_cmd_type type) noexcept {
    switch (type) {
        case EVHTTP_REQ_GET: return Method::get;
        case EVHTTP_REQ_HEAD: return Method::head;
        case EVHTTP_REQ_POST: return Method::post;
        case EVHTTP_REQ_PUT: return Method::put;
        case EVHTTP_REQ_DELETE: return Method::remove;
        case EVHTTP_REQ_OPTIONS: return Method::options;
        case EVHTTP_REQ_PATCH: return Method::patch;
        default: return Method::other;
    }
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// RFC 3986 2.1; nullopt for a '%' without two digits, and for a NUL.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>((high * 16) + low);
            i += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

std::string peer_of(evhttp_connection* connection) {
    const sockaddr* const address = evhttp_connection_get_addr(connection);
    if (address == nullptr || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return "unix";
    char* host = nullptr;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection, &host, &port);
    const std::string name = host != nullptr ? host : "?";
    const std::string_view before = address->sa_family == AF_INET6 ? "[" : "";
    const std::string_view behind = address->sa_family == AF_INET6 ? "]:" : ":";
    return std::string(before) + name + std::string(behind) + std::to_string(port);
}

/// Owns an evbuffer while an answer is put together.
class Bytes {
public:
    explicit Bytes(std::string_view text) : buffer_(evbuffer_new()) {
        if (buffer_ != nullptr) evbuffer_add(buffer_, text.data(), text.size());
    }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() {
        if (buffer_ != nullptr) evbuffer_free(buffer_);
    }
    [[nodiscard]] evbuffer* get() const noexcept { return buffer_; }

private:
    evbuffer* buffer_;
};

}  // namespace

Exchange::Exchange(Loop& loop, evhttp_request* req, Connection& connection, std::uint32_t listener)
    : loop_(loop), req_(req), connection_(&connection), listener_(listener) {
    connection.exchange = this;
    connection.is_answering = true;
}

Exchange::~Exchange() {
    try {
        if (!is_answered_) reply(HTTP_INTERNAL, "text/plain", "No answer\n");
    } catch (const std::exception& e) {
        LOG(error, "an HTTP request stays without an answer: {}", e.what());
    }
    if (connection_ != nullptr) connection_->exchange = nullptr;
}

bool Exchange::read() {
    method_ = method_of(evhttp_request_get_command(req_));
    peer_ = peer_of(evhttp_request_get_connection(req_));
    evbuffer* const input = evhttp_request_get_input_buffer(req_);
    body_.resize(evbuffer_get_length(input));
    if (!body_.empty() && evbuffer_copyout(input, body_.data(), body_.size()) !=
                              static_cast<ev_ssize_t>(body_.size()))
        return false;
    const evhttp_uri* const uri = evhttp_request_get_evhttp_uri(req_);
    const char* const path = uri != nullptr ? evhttp_uri_get_path(uri) : nullptr;
    if (path == nullptr) return false;
    const char* const query = evhttp_uri_get_query(uri);
    if (query != nullptr) query_ = query;
    auto decoded = percent_decoded(path);
    if (!decoded) return false;
    path_ = decoded->empty() ? "/" : std::move(*decoded);
    return path_.starts_with('/');
}

void Exchange::lost(bool frees) noexcept {
    const auto keep = std::exchange(self_, nullptr);
    connection_->exchange = nullptr;
    connection_ = nullptr;
    turn_.reset();
    source_ = nullptr;
    evhttp_request* const req = std::exchange(req_, nullptr);
    // With an answer still owed the library has taken the request out of its connection and left it
    // to us; else it frees both.
    if (frees && req != nullptr && evhttp_request_get_connection(req) == nullptr)
        evhttp_request_free(req);
}

std::optional<std::string_view> Exchange::header(std::string_view name) const noexcept {
    if (req_ == nullptr) return std::nullopt;
    const char* const value =
        evhttp_find_header(evhttp_request_get_input_headers(req_), std::string(name).c_str());
    return value != nullptr ? std::optional<std::string_view>(value) : std::nullopt;
}

void Exchange::add_header(std::string_view name, std::string_view value) {
    if (req_ == nullptr || is_answered_) return;
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    if (std::ranges::any_of(value, is_control) || std::ranges::any_of(name, is_control)) return;
    evhttp_add_header(evhttp_request_get_output_headers(req_), std::string(name).c_str(),
                      std::string(value).c_str());
}

/// False when nobody waits for the answer.
bool Exchange::begin(std::string_view type) {
    if (is_answered_) return false;
    if (!type.empty()) add_header("Content-Type", type);
    is_answered_ = true;
    return req_ != nullptr;
}

void Exchange::reply(int status, std::string_view type, std::string_view body) {
    if (is_answered_) return;
    add_header("Content-Length", std::to_string(body.size()));
    if (!begin(type)) return;
    const Bytes bytes(method_ == Method::head ? std::string_view() : body);
    evhttp_send_reply(std::exchange(req_, nullptr), status, nullptr, bytes.get());
}

void Exchange::stream(int status, std::string_view type, Body body) {
    if (is_answered_) return;
    if (!begin(type)) return;
    if (method_ == Method::head)
        return evhttp_send_reply(std::exchange(req_, nullptr), status, nullptr, nullptr);
    // Before HTTP/1.1 there are no chunks: the end of the connection is the end of the answer.
    if (req_->major == 1 && req_->minor == 0)
        evhttp_add_header(evhttp_request_get_output_headers(req_), "Connection", "close");
    source_ = std::move(body);
    self_ = shared_from_this();
    evhttp_send_reply_start(req_, status, nullptr);
    fill();
}

void Exchange::go_on() {
    is_waiting_ = false;
    if (self_ != nullptr && !is_writing_ && !is_filling_) fill();
}

void Exchange::on_drained(evhttp_connection*, void* connection) noexcept {
    Exchange* const exchange = static_cast<Connection*>(connection)->exchange;
    if (exchange == nullptr) return;
    exchange->is_writing_ = false;
    if (!exchange->is_waiting_) exchange->fill();
}

void Exchange::expired() noexcept {
    turn_.reset();
    is_writing_ = false;
    evhttp_connection* const connection =
        is_cut_ && req_ != nullptr ? evhttp_request_get_connection(req_) : nullptr;
    if (connection != nullptr) return evhttp_connection_free(connection);
    if (!is_waiting_) fill();
}

Flow Exchange::gather(std::string& out) {
    Flow flow = Flow::more;
    for (int i = 0; i < kAsksPerTurn && flow == Flow::more && out.size() < kWaiting; ++i) {
        is_waiting_ = true;  // until go_on(), which the source itself may call
        flow = source_(out);
        if (flow == Flow::later && !is_waiting_) flow = Flow::more;
    }
    is_waiting_ = flow == Flow::later;
    return flow;
}

void Exchange::fill() noexcept {
    const auto keep = self_;
    if (req_ == nullptr) return;
    try {
        std::string bytes;
        is_filling_ = true;
        const Flow flow = gather(bytes);
        is_filling_ = false;
        if (req_ == nullptr) return;
        if (!bytes.empty()) send(bytes);
        if (flow == Flow::last) return end();
        if (flow == Flow::more && bytes.empty()) {
            is_writing_ = true;
            turn_ = loop_.after(Ms{0}, *this);
        }
    } catch (const std::exception& e) {
        is_filling_ = false;
        LOG(error, "an HTTP answer ends early: {}", e.what());
        cut();
    }
}

void Exchange::send(const std::string& bytes) {
    const Bytes chunk(bytes);
    is_writing_ = true;
    evhttp_send_reply_chunk_with_cb(req_, chunk.get(), on_drained, connection_);
    auto& most = connection_->counts->most_waiting;
    const std::size_t waiting = evbuffer_get_length(bufferevent_get_output(connection_->buffers));
    most = std::max<std::uint64_t>(most, waiting);
}

void Exchange::end() {
    source_ = nullptr;
    evhttp_send_reply_end(std::exchange(req_, nullptr));
    self_.reset();  // the caller holds it
}

/// The reader must not take what came for the whole: the connection ends in the middle, as soon as
/// the library is not at work in it any more.
void Exchange::cut() noexcept {
    is_cut_ = is_writing_ = true;
    turn_ = loop_.after(Ms{0}, *this);
}

}  // namespace fairlead::http
