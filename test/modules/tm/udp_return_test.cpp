// A request that is over a stream for its size only goes by datagram after all when there is no
// connection (RFC 3261 18.1.1). SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>

#include "test/modules/tm/call.h"
#include "test/support/fake_finder.h"

namespace fairlead::test {

namespace {

constexpr std::string_view kBob = "sip:bob@192.0.2.2", kName = "sip:bob@host.example";

/// Relays all requests, with a Record-Route and a failure_route; 1,000 bytes are too many.
class Sizes : public TmHost {
public:
    explicit Sizes(std::size_t memory = 16 << 20) : TmHost(memory) {
        load("rr");
        net.listen("udp:127.0.0.1:5060");
        net.listen("tcp:127.0.0.1:5070");
        globals.udp_mtu = 1000;
        globals.udp_mtu_try_proto = Proto::tcp;
        on_request([this](Message& m) {
            (void)call(m, "t_on_failure", {"failed"sv});
            (void)call(m, "t_on_branch", {"shaped"sv});
            (void)call(m, "record_route");
            last = call(m, "t_relay");
        });
        route(Route::branch, "shaped", [](Message& m) {
            m.edits.insert(m.sip.frame().headers_offset, "X-Branch: yes\r\n");
            return RouteResult{};
        });
        route(Route::failure, "failed", [this](Message& m) {
            ++failures;
            status = variable(m, "T_reply_code").integer();
            return RouteResult{};
        });
    }
    void begin() {
        start();
        engine().set_finder(finder);
    }
    /// What a large request becomes.
    Packet request(std::string_view method = "INVITE", std::string_view uri = kBob) {
        receive(Request(method, uri).branch("z9hG4bKa1").body(std::string(1000, 'x')).str());
        if (method == "INVITE") (void)next();  // 100
        return take();
    }
    /// The requests among what was sent until now, each once.
    std::vector<Packet> requests() {
        std::vector<Packet> all;
        while (pending() != 0) {
            Packet p = take();
            const bool again = !all.empty() && all.back().bytes == p.bytes;
            if (!again && !p.bytes.starts_with("SIP/2.0 ")) all.push_back(std::move(p));
        }
        return all;
    }
    /// Where everything has ended, and nothing is left.
    std::string end() {
        advance(Ms(250'000));
        discard_sent();
        return leaks();
    }

    FakeFinder finder{net};
    int failures = 0;
    std::int64_t status = 0;
};

std::string via(const Packet& p) {
    return headers(p.bytes, "Via")[0];
}
/// "tcp 192.0.2.2:5060"; "" when its Via says another transport.
std::string place(const Packet& p) {
    const bool tcp = p.target.proto == Proto::tcp;
    if (!via(p).starts_with(tcp ? "SIP/2.0/TCP 127.0.0.1:5070;" : "SIP/2.0/UDP 127.0.0.1;"))
        return {};
    return (tcp ? "tcp " : "udp ") + p.target.address.text();
}

}  // namespace

TEST_CASE("a large request goes by datagram after all when its connection is refused") {
    Sizes host;
    host.begin();
    const Packet first = host.request();
    CHECK(place(first) == "tcp 192.0.2.2:5060");
    CHECK(headers(first.bytes, "Record-Route").size() == 2);
    host.fail(first);
    host.fail(first);  // told twice
    const Packet second = host.take();
    CHECK(host.pending() == 0);
    CHECK(place(second) == "udp 192.0.2.2:5060");
    // Another client transaction, and what the script made of the request is in both.
    CHECK(parameter(via(second), "branch") != parameter(via(first), "branch"));
    const auto routes = headers(second.bytes, "Record-Route");
    REQUIRE(routes.size() == 1);
    CHECK(routes[0].starts_with("<sip:127.0.0.1;lr;"));
    CHECK(headers(second.bytes, "X-Branch").size() == 1);
    CHECK(body(second.bytes) == body(first.bytes));
    // Timer A is that of a datagram.
    host.advance(Ms(600));
    CHECK(host.take().bytes == second.bytes);
    host.answer(second.bytes, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.to == kCaller);
    CHECK(host.last == 1);
    CHECK(host.failures == 0);
    CHECK(host.count("udp_returns") == 1);
    CHECK(host.count("failovers") == 0);
    CHECK(host.end().empty());
}

TEST_CASE("the same when it cannot even be tried to connect") {
    Sizes host;
    host.begin();
    host.net.over_streams = Sent::no_socket;
    const Packet sent = host.request("OPTIONS");
    CHECK(place(sent) == "udp 192.0.2.2:5060");
    CHECK(host.last == 1);
    host.answer(sent.bytes, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.end().empty());
}

TEST_CASE("a datagram that fails as well is the end") {
    Sizes host;
    host.begin();
    const Packet first = host.request();
    SECTION("later") {
        host.fail(first);
        const Packet second = host.take();
        host.fail(second);
        CHECK(host.status == 503);
    }
    SECTION("at once") {
        host.net.verdict = Sent::queue_full;
        host.fail(first);
        CHECK(host.status == 503);
    }
    SECTION("with 503") {
        host.fail(first);
        host.answer(host.take().bytes, 503, "Service Unavailable");
        CHECK(host.status == 503);
    }
    for (const Packet& p : host.requests()) CHECK(p.bytes.starts_with("ACK "));
    CHECK(host.failures == 1);
    CHECK(host.count("udp_returns") == 1);
    CHECK(host.end().empty());
}

TEST_CASE("what else fails over a stream stays there") {
    Sizes host;
    host.begin();
    SECTION("it answers 503") {
        host.answer(host.request().bytes, 503, "Service Unavailable");
        CHECK(host.failures == 1);
    }
    SECTION("it says nothing") {
        (void)host.request();
        host.advance(Ms(31'000));
        CHECK(host.failures == 1);
        CHECK(host.status == 408);
    }
    SECTION("it answered, and the connection fails behind that") {
        const Packet sent = host.request("OPTIONS");
        host.answer(sent.bytes, 100, "Trying");
        host.fail(sent);
        CHECK(host.failures == 1);
    }
    SECTION("the caller wants TCP") {
        const Packet sent = host.request("INVITE", "sip:bob@192.0.2.2;transport=tcp");
        CHECK(place(sent) == "tcp 192.0.2.2:5060");
        host.fail(sent);
        CHECK(host.status == 503);
    }
    SECTION("the call is cancelled") {
        const Packet sent = host.request();
        host.receive(Request("CANCEL", kBob).branch("z9hG4bKa1").str());
        host.fail(sent);
    }
    for (const Packet& p : host.requests()) CHECK(p.target.proto == Proto::tcp);
    CHECK(host.count("udp_returns") == 0);
    CHECK(host.end().empty());
}

TEST_CASE("the copy of the request is given back when something answers") {
    Sizes host;
    host.begin();
    const Packet sent = host.request();
    CHECK(host.leaks().find("itinerary") != std::string::npos);
    host.answer(sent.bytes, 180, "Ringing");
    CHECK(host.leaks().find("itinerary") == std::string::npos);
    host.fail(sent);
    CHECK(host.next_line() == "SIP/2.0 180 Ringing");
    CHECK(host.pending() == 0);
    host.answer(sent.bytes, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.end().empty());
}

TEST_CASE("stream and datagram have one fr_timer together") {
    Sizes host;
    host.begin();
    const Packet first = host.request();
    host.advance(Ms(10'000));  // tcp_connect_timeout
    host.fail(first);
    CHECK(place(host.take()) == "udp 192.0.2.2:5060");
    host.advance(Ms(19'900));
    CHECK(host.failures == 0);
    host.advance(Ms(200));
    CHECK(host.failures == 1);
    CHECK(host.status == 408);
    CHECK(host.end().empty());
}

TEST_CASE("each place of a name is tried over a stream, and by datagram") {
    Sizes host;
    host.finder.fails = true;
    host.finder.known[std::string(kName)] = {"sip:192.0.2.2", "sip:192.0.2.3"};
    host.begin();
    Packet sent = host.request("INVITE", kName);
    std::vector<std::string> places;
    for (;; sent = host.take()) {
        places.push_back(place(sent));
        if (places.size() == 4) break;
        host.advance(Ms(5000));
        host.discard_sent();
        host.fail(sent);
    }
    CHECK(places == std::vector<std::string>{"tcp 192.0.2.2:5060", "udp 192.0.2.2:5060",
                                             "tcp 192.0.2.3:5060", "udp 192.0.2.3:5060"});
    CHECK(host.count("udp_returns") == 2);
    CHECK(host.count("failovers") == 1);
    // Each place has the whole of fr_timer: the second began after 10 s.
    host.advance(Ms(24'000));
    CHECK(host.failures == 0);
    host.answer(sent.bytes, 486, "Busy Here", "totag", {}, "192.0.2.3:5060");
    CHECK(host.failures == 1);
    CHECK(host.status == 486);
    CHECK(host.end().empty());
}

TEST_CASE("a place that said anything does not get the request again") {
    Sizes host;
    host.finder.fails = true;
    host.finder.known[std::string(kName)] = {"sip:192.0.2.2", "sip:192.0.2.3"};
    host.begin();
    const Packet sent = host.request("OPTIONS", kName);
    host.answer(sent.bytes, 100, "Trying");
    host.fail(sent);
    CHECK(place(host.take()) == "tcp 192.0.2.3:5060");
    CHECK(host.count("udp_returns") == 0);
    CHECK(host.end().empty());
}

TEST_CASE("an onsend_route that drops the datagram has the last word") {
    Sizes host;
    host.route(Route::onsend, "", [](Message& m) {
        RouteResult result;
        result.dropped = m.leaving->to.proto == Proto::udp;
        return result;
    });
    host.begin();
    host.fail(host.request());
    CHECK(host.failures == 1);
    CHECK(host.status == 503);
    CHECK(host.count("udp_returns") == 1);
    CHECK(host.end().empty());
}

TEST_CASE("a name that is looked up, without failover, is tried by datagram as well") {
    Sizes host;
    host.begin();
    host.receive(Request("INVITE", kName).branch("z9hG4bKa1").body(std::string(1000, 'x')).str());
    (void)host.next();
    host.finder.answer(1, {"sip:192.0.2.2"});
    const Packet first = host.take();
    CHECK(place(first) == "tcp 192.0.2.2:5060");
    host.fail(first);
    const Packet second = host.take();
    CHECK(place(second) == "udp 192.0.2.2:5060");
    host.answer(second.bytes, 200, "OK");
    CHECK(host.next_line() == "SIP/2.0 200 OK");
    CHECK(host.end().empty());
}

TEST_CASE("memory that ends before the way back, or on it") {
    for (std::size_t nth = 1; nth <= 12; ++nth) {
        Sizes host;
        host.begin();
        host.segment->fail_nth(nth);
        host.receive(Request("INVITE", kBob).body(std::string(1000, 'x')).str());
        std::vector<Packet> sent = host.requests();
        if (!sent.empty()) host.fail(sent.front());
        host.segment->fail_nth(0);
        CHECK(host.end().empty());
    }
}

}  // namespace fairlead::test
