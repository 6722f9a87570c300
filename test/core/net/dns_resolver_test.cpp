// Look-ups against a name server of our own, on a real loop; and their bounds, against a table.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_resolver.h"

#include <catch2/catch.hpp>
#include <deque>
#include <functional>

#include "core/net/dns_client.h"
#include "test/support/dns_server.h"
#include "test/support/fake_clock.h"

using namespace fairlead;
using namespace fairlead::dns;
using test::DnsPacket, test::DnsServer, test::FakeClock;
using Manner = DnsServer::Manner;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

LocatePolicy udp_and_tcp() {
    LocatePolicy policy;
    policy.transports[static_cast<std::size_t>(Proto::udp)] = {true, 30};
    policy.transports[static_cast<std::size_t>(Proto::tcp)] = {true, 20};
    return policy;
}

/// What became of look-ups, by tag.
struct Ends final : Waiter, AnswerSink {
    std::map<std::uint64_t, Outcome> outcomes;
    std::map<std::uint64_t, Answer> answers;
    std::function<void(std::uint64_t)> then;
    void located(std::uint64_t tag, const Outcome& outcome) noexcept override {
        CHECK_FALSE(outcomes.contains(tag));
        outcomes[tag] = outcome;
        if (then) then(tag);
    }
    void answered(std::uint64_t number, const Answer& answer) override { answers[number] = answer; }
};

/// Name servers that answer when they are told to.
struct Table final : NameServers {
    struct Asked {
        std::uint64_t number;
        Question question;
        AnswerSink* sink;
    };
    std::deque<Asked> asked;
    void ask(std::uint64_t number, const Question& question, AnswerSink& sink) override {
        asked.push_back({number, question, &sink});
    }
    void answer(const Answer& answer) {
        const Asked a = asked.front();
        asked.pop_front();
        a.sink->answered(a.number, answer);
    }
};

Answer address(const std::string& ip, std::uint32_t ttl = 60) {
    Answer answer{.status = Status::found, .ttl = ttl};
    answer.records.resize(1);
    answer.records[0].address = *Address::parse(ip);
    return answer;
}

struct Quiet {
    explicit Quiet(const ResolverOptions& options = {})
        : segment(std::move(*shm::Segment::create(4 * kMiB))),
          cache(std::move(*Cache::create(*segment, {}))),
          resolver(servers, cache.get(), policy, options, clock, random) {}
    std::unique_ptr<shm::Segment> segment;
    std::unique_ptr<Cache> cache;
    LocatePolicy policy = udp_and_tcp();
    Table servers;
    FakeClock clock;
    Random random{1};
    Ends ends;
    Resolver resolver;
    std::uint64_t ticket = 0;

    std::optional<Outcome> locate(const std::string& host, std::uint64_t tag,
                                  std::size_t targets = 1, std::uint16_t port = 5060) {
        return resolver.locate({.host = host, .port = port, .targets = targets}, ends, tag, ticket);
    }
};

/// With c-ares, a loop, and a server. Nothing is asked twice and nothing ends by itself, however
/// slow the machine is, unless a test wants it.
struct Wire {
    explicit Wire(ClientOptions options = {.retry_time = Ms(100'000)},
                  const ResolverOptions& how = {.deadline = Ms(100'000)})
        : server(loop),
          segment(std::move(*shm::Segment::create(4 * kMiB))),
          cache(std::move(*Cache::create(*segment, {}))) {
        if (options.servers.empty()) options.servers = server.address();
        client = std::move(*Client::create(loop, options));
        resolver.emplace(*client, cache.get(), policy, how, loop.clock(), random);
        ticker.wire = this;
        watch = loop.every(Ms(20), ticker);
    }
    struct Ticker final : TimerTask {
        Wire* wire = nullptr;
        void expired() noexcept override { wire->resolver->tick(); }
    };
    Loop loop;
    DnsServer server;
    std::unique_ptr<shm::Segment> segment;
    std::unique_ptr<Cache> cache;
    LocatePolicy policy = udp_and_tcp();
    Random random{1};
    std::unique_ptr<Client> client;
    std::optional<Resolver> resolver;
    Ends ends;
    Ticker ticker;
    Watch watch;

    Outcome locate(const std::string& host, std::size_t targets = 1, std::uint16_t port = 0) {
        static std::uint64_t tag = 0;
        std::uint64_t ticket = 0;
        const std::uint64_t mine = ++tag;
        auto now =
            resolver->locate({.host = host, .port = port, .targets = targets}, ends, mine, ticket);
        if (now) return *now;
        while (!ends.outcomes.contains(mine)) loop.run_once(true);
        return ends.outcomes[mine];
    }
};

std::vector<std::string> texts(const Outcome& outcome) {
    std::vector<std::string> list;
    for (const Hop& hop : outcome.targets)
        list.push_back(std::string(fairlead::name(hop.proto)) + ":" + hop.address.text());
    return list;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a domain is located over the wire, the second time from the cache") {
    Wire wire;
    wire.server.srv("_sip._udp.a.example", 1, 0, 5070, "b.example")
        .srv("_sip._udp.a.example", 2, 0, 5071, "c.example")
        .a("b.example", "192.0.2.2")
        .a("c.example", "192.0.2.3");
    CHECK(texts(wire.locate("a.example", 4)) == Texts{"udp:192.0.2.2:5070", "udp:192.0.2.3:5071"});
    const std::size_t asked = wire.server.asked().size();
    CHECK(texts(wire.locate("A.EXAMPLE", 4)) == Texts{"udp:192.0.2.2:5070", "udp:192.0.2.3:5071"});
    CHECK(wire.server.asked().size() == asked);
}

TEST_CASE("a name that does not exist") {
    Wire wire;
    CHECK(wire.locate("gone.example").why == Unlocated::no_such_name);
    CHECK(wire.server.times_asked("A gone.example") == 1);
    CHECK(wire.locate("gone.example").targets.empty());
    CHECK(wire.server.times_asked("A gone.example") == 1);
}

TEST_CASE("a truncated answer is fetched over TCP") {
    Wire wire;
    wire.server.a("big.example", "192.0.2.2").on("big.example", Type::a, Manner::truncated);
    CHECK(texts(wire.locate("big.example", 1, 5060)) == Texts{"udp:192.0.2.2:5060"});
    CHECK(wire.server.times_asked("A big.example tcp") == 1);
}

TEST_CASE("a server that never answers costs no more than the deadline") {
    Wire wire({.retry_time = Ms(20), .tries = 2}, {.deadline = Ms(100'000)});
    wire.server.on("dead.example", Type::a, Manner::never);
    CHECK(wire.locate("dead.example", 1, 5060).why == Unlocated::no_answer);
    while (wire.server.times_asked("A dead.example") < 2) wire.loop.run_once(true);
}

TEST_CASE("that nobody answered is remembered for a while") {
    Quiet q;
    CHECK_FALSE(q.locate("a.example", 1));
    q.servers.answer(Answer{});
    CHECK(q.ends.outcomes.at(1).why == Unlocated::no_answer);
    CHECK(q.locate("a.example", 2).value().why == Unlocated::no_answer);
    q.clock.advance(Ms(kFailureTtl * 1000));
    CHECK_FALSE(q.locate("a.example", 3));
}

TEST_CASE("the deadline ends a look-up before its questions have ended") {
    Wire wire({.retry_time = Ms(100'000), .tries = 1}, {.deadline = Ms(50)});
    wire.server.a("slow.example", "192.0.2.2").on("slow.example", Type::a, Manner::held);
    CHECK(wire.locate("slow.example", 1, 5060).why == Unlocated::no_answer);
    CHECK_FALSE(wire.resolver->is_busy());
    // What comes too late for it is there for the next one.
    while (wire.server.times_asked("A slow.example") == 0) wire.loop.run_once(true);
    wire.server.release();
    while (wire.cache->use().entries == 0) wire.loop.run_once(true);
    CHECK(texts(wire.locate("slow.example", 1, 5060)) == Texts{"udp:192.0.2.2:5060"});
}

TEST_CASE("answers that are none") {
    Wire wire({.retry_time = Ms(1000), .tries = 1}, {.deadline = Ms(100'000)});
    wire.server.a("a.example", "192.0.2.2").on("a.example", Type::a, Manner::garbage);
    wire.server.a("b.example", "192.0.2.2").on("b.example", Type::a, Manner::cut);
    CHECK(wire.locate("a.example", 1, 5060).why == Unlocated::no_answer);
    CHECK(wire.locate("b.example", 1, 5060).why == Unlocated::no_answer);
    // The client goes on.
    wire.server.a("c.example", "192.0.2.3");
    CHECK(texts(wire.locate("c.example", 1, 5060)) == Texts{"udp:192.0.2.3:5060"});
}

TEST_CASE("with nobody at the name server's port a look-up fails and others go on") {
    Wire wire({.servers = "127.0.0.1:1", .retry_time = Ms(20), .tries = 1},
              {.deadline = Ms(100'000)});
    CHECK(wire.locate("a.example", 1, 5060).why == Unlocated::no_answer);
    CHECK(wire.locate("b.example", 1, 5060).why == Unlocated::no_answer);
}

TEST_CASE("of several servers the next one is asked when one is silent") {
    Wire wire;
    DnsServer second(wire.loop);
    wire.server.on("a.example", Type::a, Manner::never);
    second.a("a.example", "192.0.2.9");
    const std::string both = wire.server.address() + "," + second.address();
    auto client = Client::create(wire.loop, {.servers = both, .retry_time = Ms(1000)});
    REQUIRE(client);
    Resolver resolver(**client, nullptr, wire.policy, {.deadline = Ms(100'000)}, wire.loop.clock(),
                      wire.random);
    std::uint64_t ticket = 0;
    REQUIRE_FALSE(resolver.locate({.host = "a.example", .port = 1}, wire.ends, 77, ticket));
    while (!wire.ends.outcomes.contains(77)) wire.loop.run_once(true);
    CHECK(texts(wire.ends.outcomes[77]) == Texts{"udp:192.0.2.9:1"});
}

TEST_CASE("lists of servers") {
    for (const auto* const good :
         {"", "192.0.2.1", "192.0.2.1:5353, [2001:db8::1]:53", "2001:db8::1", "[2001:db8::1]"})
        CHECK(is_server_list(good));
    for (const auto* const bad : {"name.example", "192.0.2.1:0", "192.0.2.1:65536",
                                  "192.0.2.1:", ",", "192.0.2.1;192.0.2.2", "192.0.2.256"})
        CHECK_FALSE(is_server_list(bad));
}

TEST_CASE("one question for many look-ups") {
    Quiet q;
    for (std::uint64_t tag = 1; tag <= 100; ++tag) CHECK_FALSE(q.locate("a.example", tag));
    CHECK(q.servers.asked.size() == 1);
    q.servers.answer(address("192.0.2.1"));
    CHECK(q.ends.outcomes.size() == 100);
    CHECK(texts(q.ends.outcomes[100]) == Texts{"udp:192.0.2.1:5060"});
    CHECK_FALSE(q.resolver.is_busy());
}

TEST_CASE("who cancels is not told") {
    Quiet q;
    CHECK_FALSE(q.locate("a.example", 1));
    q.resolver.cancel(q.ticket);
    q.resolver.cancel(q.ticket);
    CHECK_FALSE(q.resolver.is_busy());
    q.servers.answer(address("192.0.2.1"));
    CHECK(q.ends.outcomes.empty());
}

TEST_CASE("a waiter may begin and cancel look-ups") {
    Quiet q;
    CHECK_FALSE(q.locate("a.example", 1));
    CHECK_FALSE(q.locate("a.example", 2));
    const std::uint64_t second = q.ticket;
    CHECK_FALSE(q.locate("b.example", 3));
    const std::uint64_t third = q.ticket;
    q.ends.then = [&](std::uint64_t tag) {
        if (tag != 1) return;
        q.resolver.cancel(second);  // it ended with this answer
        q.resolver.cancel(third);
        CHECK_FALSE(q.locate("c.example", 4));
    };
    q.servers.answer(address("192.0.2.1"));
    CHECK(q.ends.outcomes.size() == 2);
    q.servers.answer(address("192.0.2.2"));
    q.servers.answer(address("192.0.2.3"));
    CHECK(texts(q.ends.outcomes[4]) == Texts{"udp:192.0.2.3:5060"});
    CHECK_FALSE(q.ends.outcomes.contains(3));
}

TEST_CASE("a stale answer is given at once and asked for once") {
    Quiet q;
    CHECK_FALSE(q.locate("a.example", 1));
    q.servers.answer(address("192.0.2.1", 10));
    q.clock.advance(Ms(11'000));
    CHECK(texts(q.locate("a.example", 2).value()) == Texts{"udp:192.0.2.1:5060"});
    CHECK(texts(q.locate("a.example", 3).value()) == Texts{"udp:192.0.2.1:5060"});
    REQUIRE(q.servers.asked.size() == 1);
    q.servers.answer(address("192.0.2.2", 10));
    CHECK(texts(q.locate("a.example", 4).value()) == Texts{"udp:192.0.2.2:5060"});
}

TEST_CASE("the deadline ends a look-up, and what is known is used") {
    Quiet q({.deadline = Ms(2000), .patience = Ms(100)});
    CHECK_FALSE(q.locate("a.example", 1));
    q.clock.advance(Ms(1999));
    q.resolver.tick();
    CHECK(q.ends.outcomes.empty());
    q.clock.advance(Ms(1));
    q.resolver.tick();
    CHECK(q.ends.outcomes.at(1).why == Unlocated::no_answer);
    q.servers.answer(address("192.0.2.1"));
    // The first of two targets is known; the other one is not waited for long.
    CHECK_FALSE(q.locate("b.example", 2, 4, 0));
    Answer srv{.status = Status::found, .ttl = 60};
    for (const auto* const host : {"c.example", "d.example"}) {
        Record r;
        r.priority = static_cast<std::uint16_t>(srv.records.size());
        r.port = 5070;
        r.name = host;
        srv.records.push_back(r);
    }
    while (!q.servers.asked.empty() && q.servers.asked.front().question.type == Type::srv)
        q.servers.answer(q.servers.asked.front().question.name.starts_with("_sip._udp")
                             ? srv
                             : Answer{.status = Status::no_name});
    while (q.servers.asked.front().question.name != "c.example") {
        q.servers.asked.push_back(q.servers.asked.front());
        q.servers.asked.pop_front();
    }
    q.servers.answer(address("192.0.2.3"));
    q.clock.advance(Ms(99));
    q.resolver.tick();
    CHECK_FALSE(q.ends.outcomes.contains(2));
    q.clock.advance(Ms(1));
    q.resolver.tick();
    CHECK(texts(q.ends.outcomes.at(2)) == Texts{"udp:192.0.2.3:5070"});
}

TEST_CASE("what is under way is bounded") {
    Quiet q({.most_lookups = 3, .most_questions = 2});
    CHECK_FALSE(q.locate("a.example", 1));
    CHECK_FALSE(q.locate("b.example", 2));
    CHECK(q.locate("c.example", 3).value().why == Unlocated::no_answer);
    CHECK_FALSE(q.locate("a.example", 4));
    CHECK(q.locate("a.example", 5).value().targets.empty());
    q.servers.answer(address("192.0.2.1"));
    CHECK(q.ends.outcomes.size() >= 1);
}

TEST_CASE("single questions go by way of the cache") {
    Quiet q;
    CHECK_FALSE(q.resolver.ask({"A.example", Type::a}, q.ends, 9));
    CHECK_FALSE(q.locate("a.example", 1));
    CHECK(q.servers.asked.size() == 1);
    q.servers.answer(address("192.0.2.1"));
    CHECK(q.ends.answers.at(9).records.size() == 1);
    CHECK(q.ends.outcomes.size() == 1);
    CHECK(q.resolver.ask({"a.example", Type::a}, q.ends, 10).value().records.size() == 1);
}
