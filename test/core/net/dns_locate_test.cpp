// RFC 3263 section 4 without a network: what is asked, and in which order targets are tried.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_locate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

using namespace fairlead;
using namespace fairlead::dns;

namespace {

/// A DNS of a few records. What it has no row for does not exist.
class Zone {
public:
    Zone& a(const std::string& name, const std::string& ip) {
        const auto address = Address::parse(ip);
        REQUIRE(address);
        Record record;
        record.address = *address;
        add(name, address->version == 4 ? Type::a : Type::aaaa, record);
        return *this;
    }
    Zone& srv(const std::string& name, std::uint16_t priority, std::uint16_t weight,
              std::uint16_t port, const std::string& target) {
        Record record;
        record.priority = priority;
        record.weight = weight;
        record.port = port;
        record.name = target;
        add(name, Type::srv, record);
        return *this;
    }
    Zone& naptr(const std::string& name, std::uint16_t order, std::uint16_t preference,
                const std::string& service, const std::string& to, const std::string& flags = "s") {
        Record record;
        record.priority = order;
        record.weight = preference;
        record.flags = flags;
        record.service = service;
        record.name = to;
        add(name, Type::naptr, record);
        return *this;
    }
    Zone& gives(const std::string& name, Type type, const Answer& answer) {
        answers_[{name, type}] = answer;
        return *this;
    }
    Answer answer(const Question& q) const {
        const auto found = answers_.find({q.name, q.type});
        if (found != answers_.end()) return found->second;
        return {.status = Status::no_name};
    }

private:
    void add(const std::string& name, Type type, const Record& record) {
        auto& answer = answers_[{name, type}];
        answer.status = Status::found;
        answer.records.push_back(record);
    }
    std::map<std::pair<std::string, Type>, Answer> answers_;
};

LocatePolicy policy_of(std::initializer_list<Proto> protos) {
    LocatePolicy policy;
    for (const Proto proto : protos) {
        const int preference = proto == Proto::udp ? 30 : proto == Proto::tcp ? 20 : 10;
        policy.transports[static_cast<std::size_t>(proto)] = {true, preference};
    }
    policy.ipv6 = true;
    return policy;
}

const LocatePolicy kAll = policy_of({Proto::udp, Proto::tcp, Proto::tls});

struct Located {
    std::vector<std::string> asked, targets;
    Unlocated why{};
};

std::string text(const Question& q) {
    return std::string(name(q.type)) + " " + q.name;
}
std::string text(const Hop& hop) {
    return std::string(fairlead::name(hop.proto)) + ":" + hop.address.text();
}

/// Answers until nothing is asked any more; of several questions the newest first when `backwards`.
Located locate(const Zone& zone, const Wanted& wanted, const LocatePolicy& policy = kAll,
               std::uint64_t seed = 1, bool backwards = false) {
    Random random(seed);
    Locator locator(wanted, policy, random);
    Located located;
    std::vector<Question> open;
    while (true) {
        while (const auto q = locator.take_question()) {
            located.asked.push_back(text(*q));
            open.push_back(*q);
        }
        if (open.empty()) break;
        const auto next = backwards ? open.end() - 1 : open.begin();
        const Question q = *next;
        open.erase(next);
        locator.answered(q, zone.answer(q));
    }
    REQUIRE(locator.is_done());
    for (const Hop& hop : locator.targets()) located.targets.push_back(text(hop));
    located.why = locator.why();
    return located;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a numeric host is asked for nowhere") {
    const Zone none;
    CHECK(locate(none, {.host = "192.0.2.1"}).targets == Texts{"udp:192.0.2.1:5060"});
    CHECK(locate(none, {.host = "[2001:db8::1]", .port = 5070}).targets ==
          Texts{"udp:[2001:db8::1]:5070"});
    CHECK(locate(none, {.host = "192.0.2.1", .secure = true}).targets ==
          Texts{"tls:192.0.2.1:5061"});
    CHECK(locate(none, {.host = "192.0.2.1", .proto = Proto::tcp}).asked.empty());
}

TEST_CASE("a port leaves only the addresses of the host") {
    Zone zone;
    zone.a("a.example", "192.0.2.1").srv("_sip._udp.a.example", 1, 1, 1, "b.example");
    const auto plain = locate(zone, {.host = "A.example.", .port = 5070});
    CHECK(plain.asked == Texts{"A a.example"});
    CHECK(plain.targets == Texts{"udp:192.0.2.1:5070"});
    CHECK(locate(zone, {.host = "a.example", .port = 5070, .secure = true}).targets ==
          Texts{"tls:192.0.2.1:5070"});
}

TEST_CASE("a transport leaves only its service, and without one its default port") {
    Zone zone;
    zone.srv("_sip._tcp.a.example", 1, 1, 5080, "b.example").a("b.example", "192.0.2.2");
    zone.a("a.example", "192.0.2.1");
    const auto tcp = locate(zone, {.host = "a.example", .proto = Proto::tcp});
    CHECK(tcp.asked == Texts{"SRV _sip._tcp.a.example", "A b.example"});
    CHECK(tcp.targets == Texts{"tcp:192.0.2.2:5080"});
    const auto tls = locate(zone, {.host = "a.example", .proto = Proto::tls});
    CHECK(tls.asked == Texts{"SRV _sips._tcp.a.example", "A a.example"});
    CHECK(tls.targets == Texts{"tls:192.0.2.1:5061"});
}

TEST_CASE("without a transport the services are asked for by preference") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 1, 1, 5080, "u.example").a("u.example", "192.0.2.2");
    zone.srv("_sip._tcp.a.example", 1, 1, 5081, "t.example").a("t.example", "192.0.2.3");
    for (const bool backwards : {false, true}) {
        CHECK(locate(zone, {.host = "a.example"}, kAll, 1, backwards).targets ==
              Texts{"udp:192.0.2.2:5080"});
    }
    LocatePolicy tcp_first = kAll;
    tcp_first.transports[static_cast<std::size_t>(Proto::tcp)].preference = 40;
    CHECK(locate(zone, {.host = "a.example"}, tcp_first).targets == Texts{"tcp:192.0.2.3:5081"});
    LocatePolicy no_udp = kAll;
    no_udp.transports[static_cast<std::size_t>(Proto::udp)].preference = -1;
    const auto without = locate(zone, {.host = "a.example"}, no_udp);
    CHECK(without.asked ==
          Texts{"SRV _sip._tcp.a.example", "SRV _sips._tcp.a.example", "A t.example"});
    CHECK(without.targets == Texts{"tcp:192.0.2.3:5081"});
}

TEST_CASE("without any service the host itself is asked for") {
    Zone zone;
    zone.a("a.example", "192.0.2.1");
    const auto found = locate(zone, {.host = "a.example"});
    CHECK(found.asked == Texts{"SRV _sip._udp.a.example", "SRV _sip._tcp.a.example",
                               "SRV _sips._tcp.a.example", "A a.example"});
    CHECK(found.targets == Texts{"udp:192.0.2.1:5060"});
    CHECK(locate(zone, {.host = "a.example", .secure = true}).targets ==
          Texts{"tls:192.0.2.1:5061"});
}

TEST_CASE("sips is never sent in the clear") {
    Zone zone;
    zone.srv("_sip._tcp.a.example", 1, 1, 5080, "b.example").a("b.example", "192.0.2.2");
    zone.naptr("a.example", 1, 1, "SIP+D2T", "_sip._tcp.a.example");
    LocatePolicy with_naptr = kAll;
    with_naptr.try_naptr = true;
    const auto secure = locate(zone, {.host = "a.example", .secure = true}, with_naptr);
    CHECK(secure.asked == Texts{"NAPTR a.example", "SRV _sips._tcp.a.example", "A a.example"});
    CHECK(secure.targets.empty());
    const auto udp =
        locate(zone, {.host = "a.example", .proto = Proto::udp, .secure = true}, with_naptr);
    CHECK(udp.asked.empty());
    CHECK(udp.why == Unlocated::no_such_protocol);
}

TEST_CASE("NAPTR chooses the transport") {
    Zone zone;
    zone.naptr("a.example", 20, 1, "SIP+D2T", "_sip._tcp.b.example")
        .naptr("a.example", 10, 1, "SIPS+D2T", "_sips._tcp.b.example")
        .naptr("a.example", 5, 1, "SIP+D2S", "_sip._sctp.b.example")
        .naptr("a.example", 6, 1, "SIP+D2U", "b.example", "u")
        .srv("_sip._tcp.b.example", 1, 1, 5080, "c.example")
        .srv("_sips._tcp.b.example", 1, 1, 5081, "c.example")
        .a("c.example", "192.0.2.3");
    LocatePolicy ours = kAll;
    ours.try_naptr = true;
    CHECK(locate(zone, {.host = "a.example"}, ours).targets == Texts{"tcp:192.0.2.3:5080"});
    LocatePolicy theirs = ours;
    theirs.naptr_ignore_order = false;
    CHECK(locate(zone, {.host = "a.example"}, theirs).targets == Texts{"tls:192.0.2.3:5081"});
    CHECK(locate(zone, {.host = "a.example"}).asked.front() == "SRV _sip._udp.a.example");
    // A transport in the URI, or a port, leaves it out (RFC 3263 4.1).
    CHECK(locate(zone, {.host = "a.example", .proto = Proto::udp}, ours).asked.front() ==
          "SRV _sip._udp.a.example");
}

TEST_CASE("a NAPTR record that leads nowhere gives way to the next one") {
    Zone zone;
    zone.naptr("a.example", 1, 1, "SIP+D2U", "_sip._udp.b.example")
        .naptr("a.example", 2, 1, "SIP+D2T", "_sip._tcp.b.example")
        .srv("_sip._tcp.b.example", 1, 1, 5080, "192.0.2.9");
    LocatePolicy policy = kAll;
    policy.try_naptr = true;
    CHECK(locate(zone, {.host = "a.example"}, policy).targets == Texts{"tcp:192.0.2.9:5080"});
}

TEST_CASE("targets are ordered by priority, then by weight") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 20, 0, 1, "192.0.2.1")
        .srv("_sip._udp.a.example", 10, 5, 2, "192.0.2.2")
        .srv("_sip._udp.a.example", 10, 50, 3, "192.0.2.3");
    const Wanted wanted{.host = "a.example", .proto = Proto::udp, .targets = kMaxTargets};
    CHECK(locate(zone, wanted).targets ==
          Texts{"udp:192.0.2.3:3", "udp:192.0.2.2:2", "udp:192.0.2.1:1"});
}

TEST_CASE("with dns_srv_lb weights are shares (RFC 2782)") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 10, 0, 1, "192.0.2.1")
        .srv("_sip._udp.a.example", 10, 25, 2, "192.0.2.2")
        .srv("_sip._udp.a.example", 10, 75, 3, "192.0.2.3")
        .srv("_sip._udp.a.example", 20, 9, 4, "192.0.2.4");
    LocatePolicy policy = kAll;
    policy.balance = true;
    std::map<std::string, int> first;
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        const auto found =
            locate(zone, {.host = "a.example", .proto = Proto::udp, .targets = 4}, policy, seed);
        REQUIRE(found.targets.size() == 4);
        CHECK(found.targets.back() == "udp:192.0.2.4:4");
        ++first[found.targets.front()];
    }
    CHECK(first["udp:192.0.2.1:1"] > 2);
    CHECK(first["udp:192.0.2.1:1"] < 60);
    CHECK(first["udp:192.0.2.2:2"] > 420);
    CHECK(first["udp:192.0.2.2:2"] < 580);
    CHECK(first["udp:192.0.2.3:3"] > 1400);
}

TEST_CASE("a host that is not known is passed over") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 1, 1, 1, "gone.example")
        .srv("_sip._udp.a.example", 2, 1, 2, "b.example")
        .a("b.example", "192.0.2.2");
    const auto found = locate(zone, {.host = "a.example", .proto = Proto::udp});
    CHECK(found.asked == Texts{"SRV _sip._udp.a.example", "A gone.example", "A b.example"});
    CHECK(found.targets == Texts{"udp:192.0.2.2:2"});
}

TEST_CASE("for failover all hosts are asked for at once, and each target is there once") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 1, 1, 1, "b.example")
        .srv("_sip._udp.a.example", 2, 1, 1, "c.example")
        .srv("_sip._udp.a.example", 3, 1, 2, "b.example")
        .a("b.example", "192.0.2.2")
        .a("b.example", "192.0.2.3")
        .a("c.example", "192.0.2.3");
    for (const bool backwards : {false, true}) {
        const auto found =
            locate(zone, {.host = "a.example", .proto = Proto::udp, .targets = kMaxTargets}, kAll,
                   1, backwards);
        CHECK(found.asked == Texts{"SRV _sip._udp.a.example", "A b.example", "A c.example"});
        CHECK(found.targets ==
              Texts{"udp:192.0.2.2:1", "udp:192.0.2.3:1", "udp:192.0.2.2:2", "udp:192.0.2.3:2"});
    }
}

TEST_CASE("the first target is known before the others are") {
    Zone zone;
    zone.srv("_sip._udp.a.example", 1, 1, 1, "b.example")
        .srv("_sip._udp.a.example", 2, 1, 1, "c.example")
        .a("b.example", "192.0.2.2");
    Random random(1);
    Locator locator({.host = "a.example", .proto = Proto::udp, .targets = 4}, kAll, random);
    const auto srv = locator.take_question();
    REQUIRE(srv);
    locator.answered(*srv, zone.answer(*srv));
    CHECK_FALSE(locator.has_first());
    const auto b = locator.take_question();
    const auto c = locator.take_question();
    REQUIRE(b);
    REQUIRE(c);
    locator.answered(*c, zone.answer(*c));
    CHECK_FALSE(locator.has_first());
    locator.answered(*b, zone.answer(*b));
    CHECK(locator.has_first());
    CHECK(locator.is_done());
}

TEST_CASE("IPv6 is asked for when IPv4 is not known, or first when that is preferred") {
    Zone zone;
    zone.a("six.example", "2001:db8::1").gives("six.example", Type::a, {.status = Status::no_data});
    zone.a("both.example", "2001:db8::2").a("both.example", "192.0.2.2");
    const auto at = [](std::string host) {
        return Wanted{.host = std::move(host), .port = 5060, .targets = 4};
    };
    const auto six = locate(zone, at("six.example"));
    CHECK(six.asked == Texts{"A six.example", "AAAA six.example"});
    CHECK(six.targets == Texts{"udp:[2001:db8::1]:5060"});
    CHECK(locate(zone, at("both.example")).targets == Texts{"udp:192.0.2.2:5060"});
    LocatePolicy policy = kAll;
    policy.prefer_ipv6 = true;
    CHECK(locate(zone, at("both.example"), policy).targets == Texts{"udp:[2001:db8::2]:5060"});
    policy.ipv6 = false;
    CHECK(locate(zone, at("six.example"), policy).asked == Texts{"A six.example"});
    policy.ipv6 = true;
    policy.ipv4 = false;
    CHECK(locate(zone, at("both.example"), policy).asked == Texts{"AAAA both.example"});
}

TEST_CASE("aliases are followed, but not for ever") {
    Zone zone;
    zone.gives("a.example", Type::a, {.status = Status::no_data, .alias = "B.example"});
    zone.a("b.example", "192.0.2.2");
    zone.gives("loop.example", Type::a, {.status = Status::no_data, .alias = "loop.example"});
    CHECK(locate(zone, {.host = "a.example", .port = 1}).targets == Texts{"udp:192.0.2.2:1"});
    const auto loop = locate(zone, {.host = "loop.example", .port = 1});
    CHECK(std::ranges::count(loop.asked, "A loop.example") == kMaxAliases + 1);
    CHECK(loop.targets.empty());
}

TEST_CASE("why there is no target") {
    Zone zone;
    zone.srv("_sip._udp.off.example", 0, 0, 0, "").a("off.example", "192.0.2.1");
    zone.gives("dead.example", Type::a, {.status = Status::failed});
    CHECK(locate(zone, {.host = "off.example", .proto = Proto::udp}).why ==
          Unlocated::no_such_protocol);
    CHECK(locate(zone, {.host = "dead.example", .port = 1}).why == Unlocated::no_answer);
    CHECK(locate(zone, {.host = "gone.example"}).why == Unlocated::no_such_name);
    const LocatePolicy only_udp = policy_of({Proto::udp});
    CHECK(locate(zone, {.host = "a.example", .proto = Proto::tcp}, only_udp).why ==
          Unlocated::no_such_protocol);
    CHECK(locate(zone, {.host = "192.0.2.1", .secure = true}, only_udp).targets.empty());
    for (const auto& bad : {std::string(), std::string("a b"), std::string(65536, 'a'),
                            std::string("a..b"), std::string("a\0b", 3), std::string("\xff.b")}) {
        const auto found = locate(zone, {.host = bad});
        CHECK(found.asked.empty());
        CHECK(found.why == Unlocated::bad_name);
    }
}

TEST_CASE("what DNS may make us ask and try is bounded") {
    Zone zone;
    for (std::uint16_t i = 0; i < 200; ++i) {
        const std::string host = "h" + std::to_string(i) + ".example";
        zone.srv("_sip._udp.a.example", i, 1, 1, host);
        for (int k = 0; k < 30; ++k)
            zone.a(host, "10.0." + std::to_string(i) + "." + std::to_string(k));
    }
    const auto found = locate(zone, {.host = "a.example", .proto = Proto::udp, .targets = 1000});
    CHECK(found.targets.size() == kMaxTargets);
    CHECK(found.asked.size() <= 1 + kMaxTargets);
}
