// Fuzzes the HTTP server: any bytes as what a peer sends, over a real socket, and what modules read
// out of a request. SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/log.h"
#include "core/event/fd.h"
#include "core/event/http.h"
#include "core/event/loop.h"
#include "modules/http/access.h"
#include "modules/jsonrpcs/document.h"
#include "modules/metrics/exposition.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using fuzz::check;
using RequestPtr = std::shared_ptr<http::Request>;

namespace {

constexpr std::size_t kBody = std::size_t{32} * 1024;

class Answering final : public http::Handler {
public:
    Answering() {
        (void)accounts_.add_user("admin:pass", Role::administrator);
        (void)accounts_.add_token("0123456789abcdef", Role::reader);
    }
    void asked(RequestPtr request) override {
        const std::string_view path = request->path();
        check(path.starts_with('/') && path.find('\0') == path.npos, "a path is a path");
        check(request->body().size() <= kBody, "a body is bounded");
        (void)http::is_local_host(request->header("Host").value_or(""));
        (void)accounts_.find(request->header("Authorization").value_or(""));
        request->add_header("X-Path", path);
        if (path.starts_with("/late")) {
            late = std::move(request);
        } else if (path.starts_with("/stream")) {
            stream(*request);
        } else if (path.starts_with("/none")) {
            request.reset();
        } else {
            answer(*request);
        }
    }
    RequestPtr late;

private:
    static void stream(http::Request& request) {
        const auto format = metrics::accepted(request.header("Accept").value_or(""));
        request.stream(200, metrics::content_type(format), [n = 0](std::string& out) mutable {
            out.append(1000, 'x');
            return ++n < 20 ? http::Flow::more : http::Flow::last;
        });
    }
    static void answer(http::Request& request) {
        jsonrpcs::Request one;
        const bool is_one = jsonrpcs::read_request(request.body(), one).has_value();
        const auto many = jsonrpcs::read_batch(request.body());
        check(!is_one || !many, "a request is no batch");
        if (many) check(!many->requests.empty(), "a batch has requests");
        request.reply(is_one || many ? 200 : 400, "text/plain", request.body());
    }

    http::Accounts accounts_;
};

/// Made once; each input is a connection to it.
struct Place {
    Place() {
        log::set_level(log::Level::critical);
        listener.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_un own{};
        own.sun_family = AF_UNIX;  // without a name the system gives an abstract one
        check(::bind(listener.get(), reinterpret_cast<sockaddr*>(&own), sizeof(sa_family_t)) == 0,
              "bind");
        check(::listen(listener.get(), 8) == 0, "listen");
        size = sizeof address;
        check(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
              "getsockname");
        http::Limits limits;
        limits.header_bytes = 4096;
        limits.body_bytes = kBody;
        server = std::make_unique<http::Server>(loop, limits, handler);
        check(server->listen(listener.get(), 0), "serve");
    }
    Loop loop;
    Answering handler;
    Fd listener;
    sockaddr_un address{};
    socklen_t size = 0;
    std::unique_ptr<http::Server> server;
};

/// Sends what the socket takes and throws away what comes; false at the end of the connection.
bool exchange(int fd, std::string_view& rest, bool& is_shut) {
    const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    if (rest.empty() && !is_shut) is_shut = ::shutdown(fd, SHUT_WR) == 0;
    char buffer[16384];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Place place;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    check(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&place.address), place.size) == 0,
          "connect");
    bool is_shut = false;
    constexpr int kTurns = 2000;
    for (int turn = 0; turn < kTurns && exchange(fd.get(), rest, is_shut); ++turn) {
        place.loop.run_once(false);
        if (place.handler.late != nullptr) {
            place.handler.late->reply(200, "", "late");
            place.handler.late.reset();
        }
    }
    check(place.server->counts().connections <= 8, "connections end");
    check(place.server->counts().most_waiting < 128 * 1024, "what waits for a peer is bounded");
    return 0;
}
