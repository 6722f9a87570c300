// Connections that carry HTTP, or what a codec makes of them. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "core/net/http_codec.h"
#include "test/core/net/stream_worker.h"

using namespace fairlead;
using namespace fairlead::net;

namespace {

/// One letter is a message; "." ends the connection with a word; told words are answered.
class Letters final : public StreamCodec {
public:
    explicit Letters(int& ended) : ended_(ended) {}
    Found next(std::span<char> bytes) noexcept override {
        letter_.assign(1, bytes[0]);
        if (bytes[0] == '.')
            return {.what = Found::What::taken, .size = 1, .answer = "bye", .close = true};
        return {.what = Found::What::message, .size = 1, .message = letter_};
    }
    bool wrap(std::string_view message, std::string& out) noexcept override {
        out.append("<").append(message).append(">");
        return true;
    }
    Found told(std::string_view words) noexcept override {
        letter_ = words;
        return {.answer = letter_};
    }
    void ended(const Received& from) noexcept override {
        ended_ += from.proto == Proto::ws ? 1 : 0;
    }

private:
    std::string letter_;
    int& ended_;
};

}  // namespace

TEST_CASE("HTTP is a framing only where a module asked for it") {
    const bool served = GENERATE(false, true);
    Worker worker;
    worker.net().serve_http(served);
    const Fd peer = worker.connect_to_it();
    put(peer, "GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    if (!served) {
        CHECK(worker.run_until([&] { return is_closed(peer); }));
        return;
    }
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    CHECK(worker.messages[1] == "GET /2 HTTP/1.1\r\n\r\n");
    CHECK(worker.last.is_http);
    // Nothing of SIP finds it by its address.
    CHECK_FALSE(worker.net().table().rows().empty());
    put(peer, "GET / HTTP/1.1\r\nA : b\r\n\r\n");
    std::string answer;
    REQUIRE(worker.run_until([&] { return (answer += get(peer)).ends_with("\r\n\r\n"); }));
    CHECK(answer.starts_with("HTTP/1.1 400 "));
}

// RFC 9112 9.3.2: answers come in the order of their requests.
TEST_CASE("what comes behind an HTTP request that is answered later waits for the answer") {
    Worker worker;
    worker.net().serve_http(true);
    worker.on_message = [&] {
        CHECK(worker.net().tell(worker.last.connection, HttpCodec::kAnswerLater));
    };
    const Fd peer = worker.connect_to_it();
    const std::string first = "GET /1 HTTP/1.1\r\n\r\n", second = "GET /2 HTTP/1.1\r\n\r\n";
    put(peer, first + second.substr(0, 7));
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 1; }));
    put(peer, second.substr(7) + "GET /3 HTTP/1.1\r\n\r\n");
    // It is owed once, and nothing else that is said changes that.
    CHECK_FALSE(worker.net().tell(worker.last.connection, HttpCodec::kAnswerLater));
    CHECK_FALSE(worker.net().tell(worker.last.connection, "close"));
    // What another connection brings is dealt with, and so was all that came before.
    const Fd other = worker.connect_to_it();
    worker.on_message = [] {};
    const std::uint32_t asked = worker.last.connection;
    put(other, "GET /other HTTP/1.1\r\n\r\n");
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    CHECK(worker.messages[1] == "GET /other HTTP/1.1\r\n\r\n");
    CHECK(worker.send(worker.target(worker.last.source, asked), "answer", 1) == Sent::queued);
    // Not from inside send(): another message is being worked on.
    CHECK(worker.messages.size() == 2);
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 4; }));
    CHECK(worker.messages[2] == second);
    CHECK(worker.messages[3] == "GET /3 HTTP/1.1\r\n\r\n");
    CHECK(get(peer) == "answer");
}

TEST_CASE("only requests of HTTP are answered later") {
    Worker worker;
    worker.net().serve_http(true);
    const Fd peer = worker.connect_to_it();
    put(peer, message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 1; }));
    CHECK_FALSE(worker.net().tell(worker.last.connection, HttpCodec::kAnswerLater));
    CHECK_FALSE(worker.net().tell(worker.last.connection + 1, HttpCodec::kAnswerLater));
}

TEST_CASE("behind an answer that is owed waits no more than a message") {
    Worker worker;
    worker.net().serve_http(true);
    worker.on_message = [&] {
        CHECK(worker.net().tell(worker.last.connection, HttpCodec::kAnswerLater));
    };
    const Fd peer = worker.connect_to_it();
    put(peer, "GET /1 HTTP/1.1\r\n\r\n");
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 1; }));
    const std::string more(16 * 1024, 'x');
    CHECK(worker.run_until([&] {
        (void)::send(peer.get(), more.data(), more.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return is_closed(peer);
    }));
    CHECK(worker.messages.size() == 1);
}

TEST_CASE("an answer that does not come ends its connection") {
    StreamOptions options;
    options.limits.message_timeout = Ms(50);
    options.limits.lifetime = Ms(600);
    Worker worker(options);
    worker.net().serve_http(true);
    worker.on_message = [&] {
        CHECK(worker.net().tell(worker.last.connection, HttpCodec::kAnswerLater));
    };
    const Fd peer = worker.connect_to_it();
    const auto begin = std::chrono::steady_clock::now();
    put(peer, "GET /1 HTTP/1.1\r\n\r\nGET /2 HT");
    CHECK(worker.run_until([&] { return is_closed(peer); }));
    // The beginning of the next request has no deadline yet.
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(600));
    CHECK(worker.messages.size() == 1);
}

TEST_CASE("a codec frames what comes and leaves, is told things, and hears of the end") {
    int ended = 0;
    Worker worker;
    worker.net().serve_http(true);
    worker.on_message = [&] {
        if (worker.last.is_http)
            CHECK(worker.net().change_framing(worker.last.connection,
                                              std::make_unique<Letters>(ended), Proto::ws));
    };
    const Fd peer = worker.connect_to_it();
    put(peer, "GET / HTTP/1.1\r\n\r\nab");
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 3; }));
    CHECK(worker.messages[1] == "a");
    CHECK(worker.messages[2] == "b");
    CHECK(worker.last.proto == Proto::ws);
    Target to = worker.target(worker.last.source, worker.last.connection);
    to.no_connect = true;
    CHECK(worker.send(to, "tcp", 1) == Sent::no_socket);  // it is none any more
    to.no_connect = false;
    to.proto = Proto::ws;
    CHECK(worker.send(to, "hello", 2) == Sent::queued);
    CHECK(worker.net().tell(worker.last.connection, "told"));
    CHECK_FALSE(worker.net().tell(worker.last.connection + 1, "told"));
    std::string answer;
    REQUIRE(worker.run_until([&] { return (answer += get(peer)).size() == 11; }));
    CHECK(answer == "<hello>told");
    put(peer, ".c");
    answer.clear();
    REQUIRE(worker.run_until([&] { return (answer += get(peer)) == "bye" && is_closed(peer); }));
    CHECK(worker.send(to, "late", 3) == Sent::no_socket);
    shutdown(peer.get(), SHUT_WR);
    CHECK(worker.run_until([&] { return ended == 1; }));
    CHECK(worker.messages.size() == 3);
    CHECK(worker.send(to, "gone", 4) == Sent::no_socket);
}
