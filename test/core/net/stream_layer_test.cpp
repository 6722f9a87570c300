// Connections with a layer between TCP and messages: how they begin, and which way they wait.
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "core/net/connection.h"
#include "core/net/connection_table.h"

using namespace fairlead;
using namespace fairlead::net;

namespace {

using Moved = Stream::Moved;

/// What a test tells the layer to want.
struct Whims {
    bool write_wants_readable = false, read_wants_writable = false;
};

/// Begins with four letters, HELO, which it answers with WELC. Takes what is there off the socket
/// and hands it out in pieces of ten bytes.
class Polite final : public Stream {
public:
    Polite(std::unique_ptr<Stream> below, Whims& whims) : below_(std::move(below)), whims_(whims) {}

    Moved establish() noexcept override {
        char letter = 0;
        while (greeted_ < 4) {
            const auto got = below_->read({&letter, 1});
            if (got.state != State::ok) return got;
            if (letter != "HELO"[greeted_++]) return {State::failed, 0, EPROTO};
        }
        return below_->write("WELC");
    }
    Moved read(std::span<char> into) noexcept override {
        if (whims_.read_wants_writable) {
            whims_.read_wants_writable = false;
            return {State::wants_writable, 0, 0};
        }
        if (taken_.empty()) {
            std::array<char, 4096> room;
            const auto got = below_->read(room);
            if (got.state != State::ok) return got;
            taken_.assign(room.data(), got.bytes);
        }
        const std::size_t n = std::min({taken_.size(), into.size(), std::size_t{10}});
        std::copy_n(taken_.begin(), n, into.begin());
        taken_.erase(0, n);
        return {State::ok, n, 0};
    }
    Moved write(std::string_view bytes) noexcept override {
        if (whims_.write_wants_readable) {
            whims_.write_wants_readable = false;
            return {State::wants_readable, 0, 0};
        }
        return below_->write(bytes);
    }
    [[nodiscard]] bool has_more() const noexcept override { return !taken_.empty(); }
    [[nodiscard]] int descriptor() const noexcept override { return below_->descriptor(); }

private:
    std::unique_ptr<Stream> below_;
    Whims& whims_;
    std::size_t greeted_ = 0;
    std::string taken_;
};

std::string message(std::string_view body = {}) {
    return "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

/// A layered connection, and its peer.
class Layered final : Receiver, ConnectionParts::Keeper {
public:
    explicit Layered(Connection::Begin begin = {.layered = true}) {
        std::array<int, 2> ends{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
        peer_ = Fd(ends[1]);
        scratch_.resize(Connection::kScratch);
        auto below = std::make_unique<TcpStream>(Fd(ends[0]));
        connection.emplace(
            ConnectionParts{loop_, *this, limits, counts_, scratch_, waiting_, *this},
            std::make_unique<Polite>(std::move(below), whims), Received{}, begin,
            loop_.clock().now());
    }
    void put(std::string_view bytes) {
        REQUIRE(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    std::string get() {
        std::array<char, 4096> room;
        const auto n = recv(peer_.get(), room.data(), room.size(), MSG_DONTWAIT);
        return n > 0 ? std::string(room.data(), static_cast<std::size_t>(n)) : std::string();
    }
    /// All that is ready by now.
    void turn() {
        loop_.run_once(false);
        connection->flush();
    }
    Ms now() { return loop_.clock().now(); }

    Whims whims;
    StreamLimits limits;
    std::vector<std::string> messages;
    std::optional<Connection> connection;

private:
    void received(std::string_view bytes, const Received&) noexcept override {
        messages.emplace_back(bytes);
    }
    void unsent(const SendFailure&) noexcept override {}
    void has_work(Connection&) noexcept override {}
    void speaks_http(Connection&) noexcept override {}
    bool readdressed(Connection&) noexcept override { return true; }

    Loop loop_;
    StreamCounts counts_;
    std::vector<char> scratch_;
    std::size_t waiting_ = 0;
    Fd peer_;
};

}  // namespace

TEST_CASE("an accepted connection is open when what comes first is over") {
    Layered l;
    for (const char letter : std::string("HEL")) {
        l.put({&letter, 1});
        l.turn();
        CHECK_FALSE(l.connection->is_open());
    }
    CHECK(l.connection->send(message("early"), {}, false) == Sent::queued);
    l.turn();
    CHECK(l.get().empty());
    l.put("O");
    l.turn();
    CHECK(l.connection->is_open());
    CHECK(l.get() == "WELC" + message("early"));
}

TEST_CASE("what a layer has taken off the socket is not forgotten") {
    Layered l;
    const std::string all = message("one") + message(std::string(1000, 'x')) + message();
    l.put("HELO" + all.substr(0, 50));
    l.turn();
    l.turn();
    l.put(all.substr(50));
    l.turn();
    REQUIRE(l.messages.size() == 3);
    CHECK(l.messages[0] + l.messages[1] + l.messages[2] == all);
}

TEST_CASE("reading may have to wait until the socket takes something, and writing until it gives") {
    Layered l;
    l.put("HELO");
    l.turn();
    REQUIRE(l.get() == "WELC");
    l.whims.read_wants_writable = true;
    l.put(message());
    l.turn();
    l.turn();
    CHECK(l.messages.size() == 1);

    l.whims.write_wants_readable = true;
    REQUIRE(l.connection->send(message("late"), {}, false) == Sent::queued);
    l.turn();
    l.turn();
    CHECK(l.get().empty());
    l.put(message());
    l.turn();
    CHECK(l.messages.size() == 2);
    CHECK(l.get() == message("late"));
}

TEST_CASE("what comes first must come in time, and be right") {
    Layered late;
    late.put("HE");
    late.turn();
    CHECK(late.connection->deadline() <= late.now() + late.limits.connect_timeout);
    late.connection->check(late.now() + late.limits.connect_timeout + Ms(1));
    CHECK(late.connection->is_over());

    Layered wrong;
    wrong.put("OPTIONS sip:a@b SIP/2.0\r\n\r\n");
    wrong.turn();
    CHECK(wrong.connection->is_over());
    CHECK(wrong.messages.empty());
}

TEST_CASE("until something happened a layer's connections have a lifetime of their own") {
    Layered l({.layered = true, .lifetime = Ms(1'000'000)});
    l.put("HELO");
    l.turn();
    CHECK(l.connection->deadline() > l.now() + l.limits.lifetime);
    l.put(message());
    l.turn();
    REQUIRE(l.messages.size() == 1);
    CHECK(l.connection->deadline() <= l.now() + l.limits.lifetime);
}

TEST_CASE("a connection of one profile is not found for another; those of TLS are counted") {
    ConnectionTable table;
    REQUIRE(table.map(8, 2));
    ConnectionTable::About about;
    about.remote = *Address::parse("192.0.2.1", 5061);
    about.proto = Proto::tls;
    about.profile = 7;
    const auto id = table.claim(1, about);
    REQUIRE(id != 0);
    CHECK_FALSE(table.find(Proto::tls, about.remote, 0, 0, false));
    CHECK(table.find(Proto::tls, about.remote, 0, 7, false)->id == id);
    REQUIRE(table.claim(2, about) != 0);
    CHECK(table.claim(1, about) == 0);
    about.proto = Proto::tcp;
    CHECK(table.claim(1, about) != 0);
    about.proto = Proto::tls;
    CHECK(table.release_all(2) == 1);
    CHECK(table.claim(1, about) != 0);
    CHECK(table.claim(1, about) == 0);
}
