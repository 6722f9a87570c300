// Connections of one worker over loopback, and the table in which all find them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "core/net/connection_table.h"
#include "test/core/net/stream_worker.h"

using namespace fairlead;
using namespace fairlead::net;

namespace {

ConnectionTable::About about(std::uint16_t port, std::uint16_t listener = 0) {
    ConnectionTable::About a;
    a.remote = at("192.0.2.1", port);
    a.proto = Proto::tcp;
    a.listener = listener;
    return a;
}

}  // namespace

TEST_CASE("a connection is found by number, peer and alias until it is released") {
    ConnectionTable table;
    REQUIRE(table.map(4));
    const auto one = table.claim(3, about(1000));
    REQUIRE(one != 0);
    CHECK(table.find(one)->slot == 3);
    CHECK(table.find(Proto::tcp, at("192.0.2.1", 1000), 0, 0, true)->id == one);
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.2", 1000), 0, 0, false));
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.1", 1001), 0, 0, false));
    CHECK_FALSE(table.find(Proto::tls, at("192.0.2.1", 1000), 0, 0, false));
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.1", 1000), 0, 1, false));
    CHECK(table.find(one, Proto::tcp, at("192.0.2.1", 9)));
    CHECK_FALSE(table.find(one, Proto::tcp, at("192.0.2.9", 1000)));
    CHECK_FALSE(table.find(one, Proto::tls, at("192.0.2.1", 1000)));

    CHECK(table.add_alias(one, 5060));
    CHECK(table.add_alias(one, 5060));  // it is there
    CHECK_FALSE(table.add_alias(one, 0));
    CHECK(table.find(Proto::tcp, at("192.0.2.1", 5060), 0, 0, true)->id == one);
    for (std::uint16_t port = 1; port < ConnectionTable::kAliases; ++port)
        CHECK(table.add_alias(one, port));
    CHECK_FALSE(table.add_alias(one, 77));

    table.release(one);
    CHECK_FALSE(table.find(one));
    for (const std::uint16_t port : {1000, 5060, 1})
        CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.1", port), 0, 0, false));
    CHECK(table.rows().empty());
}

TEST_CASE("numbers come back late, and a full table refuses") {
    ConnectionTable table;
    REQUIRE(table.map(2));
    const auto one = table.claim(1, about(1)), two = table.claim(1, about(2));
    CHECK(table.claim(1, about(3)) == 0);
    table.release(one);
    const auto again = table.claim(1, about(3));
    CHECK(again != 0);
    CHECK(again != one);
    CHECK_FALSE(table.find(one));
    CHECK(table.find(two));
    CHECK_FALSE(table.find(0));
}

TEST_CASE("the listener decides between connections to one peer") {
    ConnectionTable table;
    REQUIRE(table.map(4));
    const auto zero = table.claim(1, about(1000, 0)), one = table.claim(1, about(1000, 1));
    const auto to = at("192.0.2.1", 1000);
    CHECK(table.find(Proto::tcp, to, 0, 0, false)->id == zero);
    CHECK(table.find(Proto::tcp, to, 1, 0, false)->id == one);
    CHECK(table.find(Proto::tcp, to, 2, 0, false));
    CHECK_FALSE(table.find(Proto::tcp, to, 2, 0, true));
}

TEST_CASE("the connections of a dead process go, the others stay") {
    ConnectionTable table;
    REQUIRE(table.map(100));
    for (std::uint16_t i = 0; i < 60; ++i) {
        const auto id = table.claim(1 + i % 3, about(1000 + i));
        CHECK(table.add_alias(id, 2000 + i));
    }
    CHECK(table.release_all(2) == 20);
    CHECK(table.rows().size() == 40);
    for (std::uint16_t i = 0; i < 60; ++i) {
        CHECK(table.find(Proto::tcp, at("192.0.2.1", 1000 + i), 0, 0, true).has_value() ==
              (i % 3 != 1));
        CHECK(table.find(Proto::tcp, at("192.0.2.1", 2000 + i), 0, 0, true).has_value() ==
              (i % 3 != 1));
    }
}

TEST_CASE("a connection that turns out to be another peer's is found under that one") {
    ConnectionTable table;
    REQUIRE(table.map(4));
    const auto one = table.claim(1, about(1000));
    table.readdress(one, at("192.0.2.7", 7), true);
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.1", 1000), 0, 0, false));
    CHECK(table.find(Proto::tcp, at("192.0.2.7", 7), 0, 0, true)->id == one);
    CHECK(table.find(one, Proto::tcp, at("192.0.2.7", 1)));
    CHECK(table.of_ip(at("192.0.2.7", 0), 9) == 1);
    table.release(one);
    CHECK(table.of_ip(at("192.0.2.7", 0), 9) == 0);
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.7", 7), 0, 0, false));
}

TEST_CASE("connections of one IP are counted when that is wanted") {
    ConnectionTable table;
    REQUIRE(table.map(8));
    auto counted = about(1);
    counted.counted = true;
    const auto one = table.claim(1, counted);
    counted.remote.port = 2;
    REQUIRE(table.claim(2, counted) != 0);
    REQUIRE(table.claim(2, about(3)) != 0);
    CHECK(table.of_ip(at("192.0.2.1", 9), 10) == 2);
    CHECK(table.of_ip(at("192.0.2.1", 9), 1) == 1);
    CHECK(table.of_ip(at("192.0.2.2", 1), 10) == 0);
    // A connection is not found by the name that is only counted.
    CHECK_FALSE(table.find(Proto::tcp, at("192.0.2.1", 0), 0, 0, false));
    table.release(one);
    CHECK(table.of_ip(at("192.0.2.1", 9), 10) == 1);
    CHECK(table.release_all(2) == 2);
    CHECK(table.of_ip(at("192.0.2.1", 9), 10) == 0);
}

TEST_CASE("messages come out of an accepted connection, replies go back on it") {
    Worker worker;
    const Fd peer = worker.connect_to_it();
    put(peer, message("hello") + message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    CHECK(worker.messages[0] == message("hello"));
    CHECK(worker.last.proto == Proto::tcp);
    CHECK(worker.last.connection != 0);
    CHECK(worker.last.source.is_loopback());
    CHECK(worker.send(worker.target(worker.last.source, worker.last.connection), "SIP/2.0 200",
                      1) == Sent::queued);
    std::string answer;
    REQUIRE(worker.run_until([&] { return (answer += get(peer)).size() >= 11; }));
    CHECK(answer == "SIP/2.0 200");
    CHECK(worker.failures.empty());
}

TEST_CASE("a message longer than one read comes out whole") {
    Worker worker;
    const Fd peer = worker.connect_to_it();
    const std::string large = message(std::string(60'000, 'x'));
    std::size_t sent = 0;
    REQUIRE(worker.run_until([&] {
        if (sent < large.size()) {
            const auto n = ::send(peer.get(), large.data() + sent,
                                  std::min<std::size_t>(large.size() - sent, 7001), MSG_DONTWAIT);
            if (n > 0) sent += static_cast<std::size_t>(n);
        }
        return !worker.messages.empty();
    }));
    CHECK(worker.messages[0] == large);
    put(peer, message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    CHECK(worker.messages[1] == message());
}

TEST_CASE("a keep-alive is answered, what is no message closes the connection") {
    Worker worker;
    const Fd peer = worker.connect_to_it();
    put(peer, "\r\n\r\n");
    std::string answer;
    REQUIRE(worker.run_until([&] { return (answer += get(peer)).size() >= 2; }));
    CHECK(answer == "\r\n");
    put(peer, "GET / HTTP/1.1\r\n\r\n");
    REQUIRE(worker.run_until([&] { return is_closed(peer) && worker.connections() == 0; }));
}

TEST_CASE("a connection is opened once and used again, and messages wait for it") {
    Worker worker;
    const Peer peer;
    CHECK(worker.send(worker.target(peer.address), "one", 1) == Sent::queued);
    CHECK(worker.send(worker.target(peer.address), "two", 2) == Sent::queued);
    CHECK(worker.connections() == 1);
    const Fd accepted(accept(peer.fd.get(), nullptr, nullptr));
    std::string bytes;
    REQUIRE(worker.run_until([&] { return (bytes += get(accepted)).size() >= 6; }));
    CHECK(bytes == "onetwo");
    put(accepted, message());
    REQUIRE(worker.run_until([&] { return !worker.messages.empty(); }));
    CHECK(worker.last.source == peer.address);
    // A number that is gone or not this peer's leads to the peer's address.
    CHECK(worker.send(worker.target(peer.address, 77), "three", 3) == Sent::queued);
    REQUIRE(worker.run_until([&] { return (bytes += get(accepted)).size() >= 11; }));
    CHECK(worker.connections() == 1);
    CHECK(worker.failures.empty());
}

TEST_CASE("what waits for a connection that is refused fails") {
    Worker worker;
    Peer peer;
    const auto to = worker.target(peer.address);
    peer.fd.reset();
    const Sent sent = worker.send(to, "one", 7);  // the refusal may be known at once
    if (sent == Sent::queued) {
        REQUIRE(worker.run_until([&] { return !worker.failures.empty(); }));
        CHECK(worker.failures == std::vector<std::uint32_t>{7});
    }
    REQUIRE(worker.run_until([&] { return worker.connections() == 0; }));
}

TEST_CASE("nothing is opened where that is not wanted") {
    const Peer peer;
    {
        Worker worker;
        auto to = worker.target(peer.address);
        to.no_connect = true;
        CHECK(worker.send(to, "one", 1) == Sent::no_socket);
    }
    StreamOptions options;
    options.no_connect = true;
    Worker worker(options);
    CHECK(worker.send(worker.target(peer.address), "one", 1) == Sent::no_socket);
    CHECK(worker.connections() == 0);
}

TEST_CASE("a peer that does not read is refused more, then closed with what waits for it") {
    StreamOptions options;
    options.limits.queue_bytes = 10'000;
    options.limits.send_timeout = Ms(50);
    Worker worker(options);
    const Peer peer(4096);
    const std::string bytes(5000, 'x');
    std::uint32_t sent = 0;
    const auto to = worker.target(peer.address);
    Sent last = Sent::queued;
    REQUIRE(worker.run_until([&] {
        while ((last = worker.send(to, bytes, sent)) == Sent::queued) ++sent;
        return last == Sent::queue_full && !worker.failures.empty();
    }));
    CHECK(worker.failures.size() >= 2);
    CHECK(sent > 2);
}

TEST_CASE("whoever sends is not called back meanwhile") {
    StreamOptions options;
    options.limits.queue_bytes = 10'000;
    Worker worker(options);
    Fd peer = worker.connect_to_it();
    put(peer, message());
    REQUIRE(worker.run_until([&] { return !worker.messages.empty(); }));
    const auto to = worker.target(worker.last.source, worker.last.connection);
    const std::string bytes(9000, 'x');
    CHECK(worker.send(to, bytes, 1) == Sent::queued);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    REQUIRE(setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    peer.reset();
    // There is no room for the second before the first has left, which then fails.
    CHECK(worker.send(to, bytes, 2) == Sent::no_socket);
    CHECK(worker.failures.empty());
    REQUIRE(worker.run_until([&] { return !worker.failures.empty(); }));
    CHECK(worker.failures == std::vector<std::uint32_t>{1});
}

TEST_CASE("an incomplete message and an idle connection have their time") {
    StreamOptions options;
    options.limits.message_timeout = Ms(50);
    options.limits.lifetime = Ms(600'000);
    Worker worker(options);
    const Fd half = worker.connect_to_it(), quiet = worker.connect_to_it();
    put(half, message("hello").substr(0, 40));
    put(quiet, message() + "\r\n");  // half a keep-alive is no message
    REQUIRE(worker.run_until([&] { return is_closed(half); }));
    CHECK_FALSE(is_closed(quiet));
    CHECK(worker.connections() == 1);

    options.limits.lifetime = Ms(50);
    Worker other(options);
    const Fd idle = other.connect_to_it();
    put(idle, message());
    REQUIRE(other.run_until([&] { return is_closed(idle); }));
    CHECK(other.messages.size() == 1);
}

TEST_CASE("mail for another process waits for the end of the batch, and keeps its order") {
    const auto segment = std::move(*shm::Segment::create(std::size_t{4} << 20U));
    std::vector<Steering::Worker> workers;
    const Wakeup wakeup;
    for (int i = 0; i < 2; ++i) {
        auto* const box = segment->make<shm::Mailbox>(shm::Tag{});
        REQUIRE(box->init(*segment, shm::Tag{}, 1U << 16U));
        workers.push_back({box, &wakeup});
    }
    Listener listener;
    listener.proto = Proto::tcp;
    StreamNet net({&listener, 1}, {});
    REQUIRE(net.prepare(workers, Crews(2), {}));
    Loop loop;
    net.enter({.slot = 3, .loop = &loop});  // no worker: it sends through one
    Target target;
    target.proto = Proto::tcp;
    target.listener = 0;
    target.address = at("192.0.2.1", 5061);
    shm::Mailbox& box = *workers[1].mailbox;  // the port chooses it
    for (const std::string_view bytes : {"first", "second"}) {
        CHECK(net.send(target, bytes, {}) == Sent::queued);
        // A datagram that is sent now, a 100, must be on its way before.
        CHECK(box.queued_bytes() == 0);
    }
    net.batch_done();
    for (const std::string_view bytes : {"first", "second"}) {
        shm::MailKind kind{};
        std::array<char, 1024> record;
        const auto size = box.take(kind, record.data(), record.size());
        CHECK(kind == shm::MailKind::stream);
        CHECK(std::string_view(record.data(), static_cast<std::size_t>(size)).ends_with(bytes));
    }
    CHECK(box.queued_bytes() == 0);
    CHECK(workers[0].mailbox->queued_bytes() == 0);
}

TEST_CASE("a connection is closed behind the message that wants it") {
    Worker worker;
    const Fd peer = worker.connect_to_it();
    worker.on_message = [&] {
        auto to = worker.target(worker.last.source, worker.last.connection);
        CHECK(worker.send(to, "first", 1) == Sent::queued);
        to.close_after = true;
        CHECK(worker.send(to, "last", 2) == Sent::queued);
    };
    put(peer, message());
    std::string answer;
    REQUIRE(worker.run_until([&] {
        answer += get(peer);
        return is_closed(peer);
    }));
    CHECK(answer == "firstlast");
    CHECK(worker.failures.empty());
}

TEST_CASE("connections above the limit are closed at once") {
    StreamOptions options;
    options.most_connections = 1;
    Worker worker(options);
    const Fd first = worker.connect_to_it();
    put(first, message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 1; }));
    const Fd second = worker.connect_to_it();
    REQUIRE(worker.run_until([&] { return is_closed(second); }));
    put(first, message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
}

TEST_CASE("a balancer says whose connection it is") {
    StreamOptions options;
    options.limits.accept_proxy = true;
    Worker worker(options);
    const Fd peer = worker.connect_to_it();
    const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.9 40000 5070\r\n";
    for (const char c : header.substr(0, 20)) {
        put(peer, {&c, 1});
        REQUIRE(worker.run_until([&] { return worker.connections() == 1; }));
    }
    put(peer, header.substr(20) + message() + message("body"));
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    CHECK(worker.messages[1] == message("body"));
    CHECK(worker.last.source == at("192.0.2.1", 40000));
    CHECK(worker.last.local.text().starts_with("127.0.0.1:"));
    // What is for that address leaves on the connection.
    CHECK(worker.send(worker.target(at("192.0.2.1", 40000)), "by address", 0) == Sent::queued);
    CHECK(worker.send(worker.target(worker.last.source, worker.last.connection), " and number",
                      0) == Sent::queued);
    std::string got;
    REQUIRE(worker.run_until([&] { return (got += get(peer)).size() == 21; }));
    CHECK(got == "by address and number");
    CHECK(worker.connections() == 1);
}

TEST_CASE("without the header of a balancer nothing is taken") {
    StreamOptions options;
    options.limits.accept_proxy = true;
    options.limits.message_timeout = Ms(200);
    Worker worker(options);
    const Fd plain = worker.connect_to_it();
    put(plain, message());
    REQUIRE(worker.run_until([&] { return is_closed(plain); }));
    const Fd half = worker.connect_to_it();
    put(half, "\r\n\r\n");  // what else would be a keep-alive is half a header
    REQUIRE(worker.run_until([&] { return is_closed(half); }));
    CHECK(get(half).empty());
    CHECK(worker.messages.empty());
}

TEST_CASE("connections behind a balancer are counted for the IPs it names") {
    StreamOptions options;
    options.limits.accept_proxy = true;
    options.most_of_ip = 1;
    Worker worker(options);
    const auto proxied = [&](std::string_view ip) {
        Fd fd = worker.connect_to_it();
        put(fd, "PROXY TCP4 " + std::string(ip) + " 192.0.2.9 4000 5060\r\n" + message());
        return fd;
    };
    const Fd one = proxied("192.0.2.1"), two = proxied("192.0.2.2");
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 2; }));
    const Fd three = proxied("192.0.2.2");
    REQUIRE(worker.run_until([&] { return is_closed(three); }));
    CHECK(worker.messages.size() == 2);
    CHECK(worker.connections() == 2);
}

TEST_CASE("one IP has as many connections as it may") {
    StreamOptions options;
    options.most_of_ip = 1;
    Worker worker(options);
    const Fd first = worker.connect_to_it();
    put(first, message());
    REQUIRE(worker.run_until([&] { return worker.messages.size() == 1; }));
    const Fd second = worker.connect_to_it();
    REQUIRE(worker.run_until([&] { return is_closed(second); }));
    // What is opened from here does not count.
    const Peer peer;
    CHECK(worker.send(worker.target(peer.address), message(), 1) == Sent::queued);
    REQUIRE(worker.run_until([&] { return worker.connections() == 2; }));
    CHECK(worker.failures.empty());
}

TEST_CASE("a byte now and then does not keep an incomplete message alive") {
    StreamOptions options;
    options.limits.message_timeout = Ms(400);
    options.limits.lifetime = Ms(60'000);
    Worker worker(options);
    const Fd peer = worker.connect_to_it();
    // Were its time counted from the last byte, it would end
    // long after run_until().
    using SteadyClock = std::chrono::steady_clock;
    const std::string text = message(std::string(1000, 'x'));
    std::size_t sent = 0;
    auto next = SteadyClock::now();
    CHECK(worker.run_until([&] {
        if (SteadyClock::now() >= next &&
            ::send(peer.get(), text.data() + sent, 1, MSG_NOSIGNAL) == 1) {
            ++sent;
            next = SteadyClock::now() + std::chrono::milliseconds(100);
        }
        return is_closed(peer);
    }));
    CHECK(worker.messages.empty());
}
