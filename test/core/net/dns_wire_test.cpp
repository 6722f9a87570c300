// What DNS messages say, and what malformed ones do not.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_wire.h"

#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "test/support/dns_packets.h"

using namespace fairlead;
using namespace fairlead::dns;
using test::DnsPacket;

namespace {

Record address(const std::string& ip) {
    Record record;
    record.address = Address::parse(ip).value();
    return record;
}

Record to(const std::string& name) {
    Record record;
    record.name = name;
    return record;
}

}  // namespace

TEST_CASE("addresses, with the least TTL") {
    const auto packet = DnsPacket("A.example", Type::a)
                            .answer("a.EXAMPLE", Type::a, 300, address("192.0.2.1"))
                            .answer("a.example", Type::a, 60, address("192.0.2.2"))
                            .answer("b.example", Type::a, 1, address("192.0.2.3"));
    const Answer answer = parse_answer(packet.bytes(), Type::a);
    CHECK(answer.status == Status::found);
    CHECK(answer.ttl == 60);
    REQUIRE(answer.records.size() == 2);
    CHECK(answer.records[0] == address("192.0.2.1"));
    CHECK(answer.records[1].address.text() == "192.0.2.2:0");
    const auto six = DnsPacket("a.example", Type::aaaa)
                         .answer("a.example", Type::aaaa, 5, address("2001:db8::1"));
    CHECK(parse_answer(six.bytes(), Type::aaaa).records.at(0) == address("2001:db8::1"));
}

TEST_CASE("services") {
    Record srv = to("host.example");
    srv.priority = 1;
    srv.weight = 65535;
    srv.port = 5070;
    const auto service = DnsPacket("s.example", Type::srv).answer("s.example", Type::srv, 9, srv);
    CHECK(parse_answer(service.bytes(), Type::srv).records.at(0) == srv);
    Record naptr = to("_sip._udp.example");
    naptr.priority = 10;
    naptr.weight = 20;
    naptr.flags = "S";
    naptr.service = "SIP+D2U";
    const auto offer =
        DnsPacket("n.example", Type::naptr).answer("n.example", Type::naptr, 9, naptr);
    CHECK(parse_answer(offer.bytes(), Type::naptr).records.at(0) == naptr);
}

TEST_CASE("aliases are followed within the packet") {
    DnsPacket packet("a.example", Type::a);
    packet.answer("b.example", Type::cname, 30, to("C.example"))
        .answer("a.example", Type::cname, 50, to("b.example"));
    const Answer open = parse_answer(packet.bytes(), Type::a);
    CHECK(open.status == Status::no_data);
    CHECK(open.alias == "c.example");
    CHECK(open.ttl == 30);
    packet.answer("c.example", Type::a, 40, address("192.0.2.1"));
    const Answer whole = parse_answer(packet.bytes(), Type::a);
    CHECK(whole.status == Status::found);
    CHECK(whole.ttl == 30);
    DnsPacket circle("a.example", Type::a);
    circle.answer("a.example", Type::cname, 50, to("b.example"))
        .answer("b.example", Type::cname, 50, to("a.example"));
    CHECK(parse_answer(circle.bytes(), Type::a).records.empty());
}

TEST_CASE("no such name, and no such data") {
    const auto gone = DnsPacket("a.example", Type::a, 3).zone("example", 77);
    CHECK(parse_answer(gone.bytes(), Type::a).status == Status::no_name);
    CHECK(parse_answer(gone.bytes(), Type::a).ttl == 77);
    const auto other = DnsPacket("a.example", Type::a).zone("example", 88);
    CHECK(parse_answer(other.bytes(), Type::a).status == Status::no_data);
    CHECK(parse_answer(other.bytes(), Type::a).ttl == 88);
    CHECK(parse_answer(DnsPacket("a.example", Type::a, 3).bytes(), Type::a).ttl == 0);
    CHECK(parse_answer(DnsPacket("a.example", Type::a, 2).bytes(), Type::a).status ==
          Status::failed);
    // An alias whose target has no such data.
    const auto alias = DnsPacket("a.example", Type::a)
                           .answer("a.example", Type::cname, 5, to("b.example"))
                           .zone("example", 88);
    CHECK(parse_answer(alias.bytes(), Type::a).alias.empty());
    CHECK(parse_answer(alias.bytes(), Type::a).ttl == 5);
}

TEST_CASE("a name may point back, and only back") {
    DnsPacket packet("host.example", Type::srv);
    const std::string to_question = "\xc0\x0c";
    packet.answer("host.example", Type::srv, 9,
                  test::dns_u16(1) + test::dns_u16(2) + test::dns_u16(3) +
                      "\x01"
                      "x" +
                      to_question);
    CHECK(parse_answer(packet.bytes(), Type::srv).records.at(0).name == "x.host.example");
    for (const auto& pointer : {std::string("\xc0\x3a"), std::string("\xff\xff")}) {
        DnsPacket forward("host.example", Type::cname);
        forward.answer("host.example", Type::cname, 9, pointer);
        CHECK(parse_answer(forward.bytes(), Type::cname).records.empty());
    }
}

TEST_CASE("malformed records are left out, the others stand") {
    DnsPacket packet("a.example", Type::a);
    packet.answer("a.example", Type::a, 9, std::string_view("123"))
        .answer("a.example", Type::a, 9, std::string_view("12345"))
        .answer("a.example", Type::a, 9, address("192.0.2.1"));
    const Answer answer = parse_answer(packet.bytes(), Type::a);
    CHECK(answer.records.size() == 1);
    CHECK(answer.left_out == 2);
    // Nothing usable is no proof that there is nothing.
    DnsPacket bad("a.example", Type::a);
    bad.answer("a.example", Type::a, 9, std::string_view("123"));
    CHECK(parse_answer(bad.bytes(), Type::a).status == Status::failed);
    // A dot inside a label would make another name of it.
    DnsPacket dotted("a.example", Type::ptr);
    dotted.answer("a.example", Type::ptr, 9,
                  std::string_view("\x03"
                                   "a.b\x00",
                                   5));
    CHECK(parse_answer(dotted.bytes(), Type::ptr).records.empty());
}

TEST_CASE("records are bounded") {
    DnsPacket packet("a.example", Type::a);
    for (std::size_t i = 0; i < kMaxRecords + 7; ++i)
        packet.answer("a.example", Type::a, 9, address("192.0.2.1"));
    const Answer answer = parse_answer(packet.bytes(), Type::a);
    CHECK(answer.records.size() == kMaxRecords);
    CHECK(answer.left_out == 7);
}

TEST_CASE("an odd TTL does not hold for ever") {
    const auto packet = DnsPacket("a.example", Type::a)
                            .answer("a.example", Type::a, 0x80000001U, address("192.0.2.1"));
    CHECK(parse_answer(packet.bytes(), Type::a).ttl == 0);
    const auto year = DnsPacket("a.example", Type::a)
                          .answer("a.example", Type::a, 31536000, address("192.0.2.1"));
    CHECK(parse_answer(year.bytes(), Type::a).ttl == kMaxTtl);
}

TEST_CASE("what is not an answer to the question is none") {
    const auto packet =
        DnsPacket("a.example", Type::a).answer("a.example", Type::a, 9, address("192.0.2.1"));
    CHECK(parse_answer(packet.bytes(), Type::aaaa).status == Status::failed);
    std::string query = packet.bytes();
    query[2] = 0;
    CHECK(parse_answer(query, Type::a).status == Status::failed);
    for (std::size_t size = 0; size < packet.bytes().size(); ++size) {
        const Answer cut = parse_answer(packet.bytes().substr(0, size), Type::a);
        CHECK(cut.status == Status::failed);
    }
}

TEST_CASE("hostile packets do no harm") {
    Random random(7);
    Record srv = to("host.example");
    const auto good = DnsPacket("s.example", Type::srv)
                          .answer("s.example", Type::srv, 9, srv)
                          .answer("s.example", Type::cname, 9, to("x.s.example"))
                          .zone("example", 9)
                          .bytes();
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = good;
        for (std::uint64_t n = random.below(4) + 1; n != 0; --n)
            bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        const Answer answer = parse_answer(bytes, Type::srv);
        CHECK(answer.records.size() <= kMaxRecords);
    }
    CHECK(parse_answer(std::string(65536, '\xc0'), Type::a).status == Status::failed);
    CHECK(parse_answer(std::string(65536, '\0'), Type::a).status == Status::failed);
}
