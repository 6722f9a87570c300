// The HTTP server: what is asked, what is answered, and every bound, over real sockets.
// SPDX-License-Identifier: Apache-2.0
#include "core/event/http.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <vector>

#include "core/base/log.h"
#include "core/event/fd.h"
#include "core/event/loop.h"

using namespace fairlead;
using http::Flow, http::Method, http::Request, http::Server;

namespace {

using RequestPtr = std::shared_ptr<Request>;

struct Answering final : http::Handler {
    std::function<void(RequestPtr)> answer;
    std::vector<std::string> seen;
    void asked(RequestPtr request) override {
        seen.push_back(std::string(request->path()) + "|" + std::string(request->query()) + "|" +
                       std::string(request->body()));
        if (answer) answer(std::move(request));
    }
};

/// A server, and what runs its loop until something is true.
struct Place {
    explicit Place(const http::Limits& limits = {}) : server(loop, limits, handler) {
        listener = std::move(*http::listen_on(*Address::parse("127.0.0.1")));
        REQUIRE(server.listen(listener.get(), 7));
        handler.answer = [](const RequestPtr& r) { r->reply(200, "text/plain", "fine"); };
    }
    template <class F>
    [[nodiscard]] bool until(F what) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
        while (!what()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.run_once(false);
            ::poll(nullptr, 0, 1);
        }
        return true;
    }
    Loop loop;
    Answering handler;
    Fd listener;
    Server server;
};

/// A client that takes only what it is told to take.
class Client {
public:
    explicit Client(Place& place, int small_buffer = 0) : place_(place) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(place.listener.get(), reinterpret_cast<sockaddr*>(&address), &size) ==
                0);
        fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (small_buffer != 0)
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &small_buffer, sizeof small_buffer);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    void say(std::string_view text) {
        REQUIRE(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }
    /// Takes what is there; false at the end of the connection.
    bool take() {
        char buffer[262144];
        const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
        return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
    }
    /// Until `text` has come.
    [[nodiscard]] bool receives(std::string_view text) {
        return place_.until([&] { return take(), got.find(text) != std::string::npos; });
    }
    /// Until the server closes; the sum of what came.
    [[nodiscard]] bool is_closed() {
        return place_.until([&] { return !take(); });
    }
    [[nodiscard]] std::string ask(std::string_view text) {
        say(text);
        if (!is_closed()) return "still open";
        return got;
    }
    void hang_up() { fd_.reset(); }
    /// From now on much fits into its buffer.
    void hurry() {
        constexpr int kLarge = 1 << 20;
        REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kLarge, sizeof kLarge) == 0);
    }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    std::string got;

private:
    Place& place_;
    Fd fd_;
};

std::string get(std::string_view path, std::string_view headers = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
           std::string(headers) + "\r\n";
}

/// The body of a chunked answer; "broken" when it is not whole.
std::string unchunk(std::string_view answer) {
    const std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string_view::npos) return "broken";
    answer.remove_prefix(head + 4);
    std::string body;
    while (true) {
        const std::size_t line = answer.find("\r\n");
        if (line == std::string_view::npos) return "broken";
        const auto size = std::stoul(std::string(answer.substr(0, line)), nullptr, 16);
        if (size == 0) return answer == "0\r\n\r\n" ? body : "broken";
        if (answer.size() < line + 2 + size + 2) return "broken";
        body += answer.substr(line + 2, size);
        answer.remove_prefix(line + 2 + size + 2);
    }
}

std::string body_of(std::string_view answer) {
    const std::size_t head = answer.find("\r\n\r\n");
    return head == std::string_view::npos ? "none" : std::string(answer.substr(head + 4));
}

}  // namespace

TEST_CASE("a request is read and answered", "[http]") {
    Place place;
    std::string listener, peer, header;
    Method method{};
    bool has_other = true;
    place.handler.answer = [&](const RequestPtr& r) {
        peer = r->peer();
        listener = std::to_string(r->listener());
        header = r->header("x-thing").value_or("none");
        has_other = r->header("Other").has_value();
        method = r->method();
        r->add_header("X-More", "1");
        r->add_header("X-Bad", "a\r\nSet-Cookie: b");
        r->reply(201, "text/plain", "made");
        r->reply(200, "text/plain", "again");  // without effect
    };
    Client client(place);
    const auto answer = client.ask(
        "POST /a%20b/c?d=%41 HTTP/1.1\r\nHost: x\r\nX-THING: one\r\nContent-Length: 4\r\n"
        "Connection: close\r\n\r\nbody");
    CHECK(place.handler.seen == std::vector<std::string>{"/a b/c|d=%41|body"});
    CHECK(answer.starts_with("HTTP/1.1 201 "));
    CHECK(answer.find("X-More: 1\r\n") != std::string::npos);
    CHECK(answer.find("Set-Cookie") == std::string::npos);
    CHECK(answer.find("Content-Type: text/plain\r\n") != std::string::npos);
    CHECK(answer.find("Content-Length: 4\r\n") != std::string::npos);
    CHECK(body_of(answer) == "made");
    CHECK(header == "one");
    CHECK_FALSE(has_other);
    CHECK(listener == "7");
    CHECK(peer.starts_with("127.0.0.1:"));
    CHECK(method == Method::post);
    CHECK(place.server.counts().requests == 1);
    CHECK(place.server.counts().cut_short == 0);
}

TEST_CASE("a connection serves requests one after another, also sent at once", "[http]") {
    Place place;
    Client client(place);
    client.say("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.ask(get("/3")).ends_with("fine"));
    CHECK(place.handler.seen == std::vector<std::string>{"/1||", "/2||", "/3||"});
    CHECK(place.server.counts().accepted == 1);
}

TEST_CASE("what cannot be answered is refused, and the next peer is served", "[http]") {
    struct Case {
        std::string text, status;
    };
    const std::string nul("GET /\0 HTTP/1.1\r\n\r\n", 20);
    const Case cases[] = {
        {"nonsense\r\n\r\n", "400"},
        {"GET %zz HTTP/1.1\r\n\r\n", "400"},
        {get("/%00"), "400"},
        {get("/%4"), "400"},
        {get("/%g1"), "400"},
        {"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "501"},
        {"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "501"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "4"},
        {nul, "400"},
    };
    Place place;
    for (const auto& [text, status] : cases) {
        CAPTURE(text);
        Client client(place);
        client.say(text);
        CHECK(client.receives("HTTP/1.1 " + status));
    }
    Client chunks(place);
    chunks.say("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    CHECK(chunks.is_closed());
    CHECK(place.handler.seen.empty());
    Client client(place);
    CHECK(client.ask(get("/")).ends_with("fine"));
}

TEST_CASE("requests are bounded", "[http]") {
    http::Limits limits;
    limits.header_bytes = 2048;
    limits.body_bytes = 10'000;
    Place place(limits);
    Client fits(place), long_header(place), long_body(place), long_chunks(place);
    CHECK(fits.ask("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 10000\r\n\r\n" +
                   std::string(10'000, 'x'))
              .ends_with("fine"));
    long_header.say("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n");
    CHECK(long_header.receives("HTTP/1.1 4"));
    long_body.say("POST / HTTP/1.1\r\nContent-Length: 10001\r\n\r\n");
    CHECK(long_body.receives("HTTP/1.1 413"));
    long_chunks.say("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2711\r\n");
    CHECK(long_chunks.receives("HTTP/1.1 413"));
    CHECK(place.handler.seen.size() == 1);
}

TEST_CASE("an answer may come later, or not at all", "[http]") {
    Place place;
    RequestPtr kept;
    place.handler.answer = [&](RequestPtr r) { kept = std::move(r); };
    Client client(place);
    client.say(get("/late"));
    REQUIRE(place.until([&] { return kept != nullptr; }));
    kept->reply(200, "text/plain", "at last");
    kept.reset();
    CHECK(client.ask("").ends_with("at last"));

    place.handler.answer = nullptr;
    Client forgotten(place);
    CHECK(forgotten.ask(get("/forgotten")).starts_with("HTTP/1.1 500"));
    place.handler.answer = [](const RequestPtr&) { throw std::runtime_error("broken"); };
    Client broken(place);
    CHECK(broken.ask(get("/broken")).starts_with("HTTP/1.1 500"));
}

TEST_CASE("an answer to a peer that has gone is dropped", "[http]") {
    Place place;
    RequestPtr kept;
    place.handler.answer = [&](RequestPtr r) { kept = std::move(r); };
    auto client = std::make_unique<Client>(place);
    client->say(get("/gone"));
    REQUIRE(place.until([&] { return kept != nullptr; }));
    client->hang_up();
    kept->reply(200, "text/plain", std::string(1'000'000, 'x'));
    CHECK(kept->path() == "/gone");
    REQUIRE(place.until([&] { return place.server.counts().connections == 0; }));
    CHECK(place.server.counts().cut_short == 1);
    kept->reply(200, "text/plain", "again");
    kept->go_on();
}

TEST_CASE("an answer of any length is streamed at the pace of its reader", "[http]") {
    constexpr int kPieces = 3000;
    Place place;
    int asked = 0;
    place.handler.answer = [&](const RequestPtr& r) {
        r->stream(200, "application/json", [&](std::string& out) {
            out += std::string(10'000, static_cast<char>('a' + (asked % 26)));
            return ++asked == kPieces ? Flow::last : Flow::more;
        });
    };
    Client client(place, 4096);
    client.say(get("/big"));
    // Nobody reads: it stands still, with a bounded part of it made.
    REQUIRE(place.until([&] { return asked > 0; }));
    int before = -1;
    REQUIRE(place.until([&] {
        for (int i = 0; i < 20; ++i) place.loop.run_once(false);
        return std::exchange(before, asked) == asked;
    }));
    CHECK(asked < kPieces / 2);
    CHECK(place.server.counts().most_waiting < 128 * 1024);
    client.hurry();
    REQUIRE(client.is_closed());
    const std::string body = unchunk(client.got);
    REQUIRE(body.size() == std::size_t{kPieces} * 10'000);
    for (std::size_t i = 0; i < kPieces; ++i)
        REQUIRE(body[i * 10'000] == static_cast<char>('a' + (i % 26)));
    CHECK(place.server.counts().most_waiting < 128 * 1024);
    CHECK(place.server.counts().cut_short == 0);
}

TEST_CASE("a streamed answer waits for what is not there yet", "[http]") {
    Place place;
    RequestPtr kept;
    int asked = 0;
    place.handler.answer = [&](const RequestPtr& r) {
        kept = r;
        r->stream(200, "", [&](std::string& out) {
            ++asked;
            if (asked == 2) kept->go_on();  // at once
            out += "piece;";
            return asked == 4 ? Flow::last : Flow::later;
        });
    };
    Client client(place);
    client.say(get("/"));
    CHECK(client.receives("piece;"));
    CHECK(asked == 1);
    kept->go_on();
    CHECK(client.receives("piece;\r\n"));
    REQUIRE(place.until([&] { return asked == 3; }));
    kept->go_on();
    REQUIRE(client.is_closed());
    CHECK(unchunk(client.got) == "piece;piece;piece;piece;");
}

TEST_CASE("a source with nothing to say for long does not hold up others", "[http]") {
    Place place;
    int asked = 0;
    place.handler.answer = [&](const RequestPtr& r) {
        if (r->path() == "/quick") return r->reply(200, "", "quick");
        r->stream(200, "", [&](std::string& out) {
            if (++asked < 10'000) return Flow::more;
            out += "found";
            return Flow::last;
        });
    };
    Client slow(place), quick(place);
    slow.say(get("/slow"));
    REQUIRE(place.until([&] { return asked > 0; }));
    CHECK(asked < 10'000);
    CHECK(quick.ask(get("/quick")).ends_with("quick"));
    REQUIRE(slow.is_closed());
    CHECK(unchunk(slow.got) == "found");
}

TEST_CASE("an answer that breaks off is not taken for a whole one", "[http]") {
    Place place;
    int asked = 0;
    place.handler.answer = [&](const RequestPtr& r) {
        r->stream(200, "", [&](std::string& out) {
            if (++asked > 20) throw std::runtime_error("broken");
            out.append(10'000, 'x');
            return Flow::more;
        });
    };
    Client client(place);
    CHECK(unchunk(client.ask(get("/"))) == "broken");
    CHECK(place.server.counts().cut_short == 1);
    asked = 20;  // at the first piece, inside of asked()
    Client other(place);
    CHECK(unchunk(other.ask(get("/"))) == "broken");
}

TEST_CASE("a reader that goes away in the middle ends its answer", "[http]") {
    Place place;
    auto alive = std::make_shared<int>(0);
    place.handler.answer = [&](const RequestPtr& r) {
        r->stream(200, "", [alive](std::string& out) {
            out.append(10'000, 'x');
            return Flow::more;
        });
    };
    Client client(place, 4096);
    client.say(get("/"));
    REQUIRE(client.receives("xxx"));
    client.hang_up();
    REQUIRE(place.until([&] { return place.server.counts().connections == 0; }));
    CHECK(alive.use_count() == 1);  // the answer's copy is gone
    CHECK(place.server.counts().cut_short == 1);
}

TEST_CASE("a reader that takes nothing loses its answer", "[http]") {
    http::Limits limits;
    limits.patience = Ms{50};
    Place place(limits);
    place.handler.answer = [&](const RequestPtr& r) {
        r->stream(200, "", [](std::string& out) {
            out.append(10'000, 'x');
            return Flow::more;
        });
    };
    Client client(place, 4096);
    client.say(get("/"));
    REQUIRE(place.until([&] { return place.server.counts().cut_short == 1; }));
    CHECK(place.until([&] { return place.server.counts().connections == 0; }));
}

TEST_CASE("a peer that asks for nothing, or too slowly, is closed", "[http]") {
    http::Limits limits;
    limits.request = Ms{100};
    Place place(limits);
    Client silent(place), slow(place), idle(place);
    slow.say("GET / HTTP/1.1\r\nHost");
    idle.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.receives("fine"));
    CHECK(silent.is_closed());
    CHECK(slow.is_closed());
    CHECK(idle.is_closed());
    CHECK(place.server.counts().too_slow == 3);
    CHECK(place.until([&] { return place.server.counts().connections == 0; }));
}

TEST_CASE("more connections than the bound wait until others end", "[http]") {
    http::Limits limits;
    limits.connections = 2;
    Place place(limits);
    auto first = std::make_unique<Client>(place);
    Client second(place), third(place);
    second.say("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(second.receives("fine"));
    REQUIRE(place.until([&] { return place.server.counts().connections == 2; }));
    third.say(get("/3"));
    for (int i = 0; i < 50; ++i) place.loop.run_once(false);
    CHECK(place.server.counts().connections == 2);
    CHECK(place.handler.seen.size() == 1);
    CHECK(place.server.counts().held_up == 1);
    first.reset();
    REQUIRE(third.is_closed());
    CHECK(third.got.ends_with("fine"));
}

TEST_CASE("HEAD gets no body, HTTP/1.0 no chunks", "[http]") {
    Place place;
    bool streams = false;
    place.handler.answer = [&](const RequestPtr& r) {
        if (!streams) return r->reply(200, "text/plain", "twelve bytes");
        r->stream(200, "text/plain", [](std::string& out) {
            out += "streamed";
            return Flow::last;
        });
    };
    const std::string head = "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    Client one(place), two(place), three(place), four(place);
    const auto whole = one.ask(head);
    CHECK(whole.find("Content-Length: 12\r\n") != std::string::npos);
    CHECK(body_of(whole).empty());
    streams = true;
    CHECK(body_of(two.ask(head)).empty());
    const auto old = three.ask("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    CHECK(old.find("chunked") == std::string::npos);
    CHECK(body_of(old) == "streamed");
    // Without a length only the end of the connection ends it.
    CHECK(body_of(four.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")) == "streamed");
}

TEST_CASE("an address in use is an error", "[http]") {
    const Place place;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    REQUIRE(::getsockname(place.listener.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0);
    const auto address = Address::from(reinterpret_cast<sockaddr*>(&storage));
    const auto again = http::listen_on(address);
    REQUIRE_FALSE(again);
    CHECK(again.error().text == "cannot listen on " + address.text() + ": Address already in use");
}

TEST_CASE("local sockets are served", "[http]") {
    Place place;
    Fd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;  // without a name the system gives an abstract one
    REQUIRE(::bind(local.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);
    REQUIRE(::listen(local.get(), 8) == 0);
    REQUIRE(place.server.listen(local.get(), 8));
    std::string peer;
    place.handler.answer = [&](const RequestPtr& r) {
        peer = std::string(r->peer()) + " " + std::to_string(r->listener());
        r->reply(200, "", "local");
    };
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(local.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    const std::string text = get("/");
    REQUIRE(::send(client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    std::string got;
    REQUIRE(place.until([&] {
        char buffer[1024];
        const ssize_t n = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
        return n == 0;
    }));
    CHECK(got.ends_with("local"));
    CHECK(peer == "unix 8");
}

TEST_CASE("a server that ends takes its connections with it", "[http]") {
    RequestPtr kept;
    std::unique_ptr<Client> client;
    auto place = std::make_unique<Place>();
    place->handler.answer = [&](const RequestPtr& r) {
        if (r->path() == "/kept") {
            kept = r;
            return;
        }
        r->stream(200, "", [](std::string& out) {
            out.append(10'000, 'x');
            return Flow::more;
        });
    };
    Client streaming(*place, 4096), waiting(*place), silent(*place);
    streaming.say(get("/"));
    REQUIRE(streaming.receives("xxx"));
    waiting.say(get("/kept"));
    REQUIRE(place->until([&] { return kept != nullptr; }));
    place.reset();
    char byte = 0;
    CHECK(::recv(waiting.fd(), &byte, 1, 0) <= 0);
    CHECK(::recv(silent.fd(), &byte, 1, 0) <= 0);
    kept->reply(200, "", "nobody");
    kept.reset();
}
