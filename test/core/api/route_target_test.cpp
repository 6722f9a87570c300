// Where requests and replies go, and what is written into Via.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/route_target.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include "core/api/hosts.h"
#include "test/core/sip/messages.h"
#include "test/support/fake_net.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture {
    Fixture() {
        net.listen("udp:127.0.0.1:5060");
        net.listen("tcp:127.0.0.1:5060");
        net.listen("udp:[::1]:5060");
        net.listen("tls:127.0.0.1:5061");
    }
    void receive(std::string text, std::string_view source = "127.0.0.1:16999") {
        bytes = std::move(text);
        m.reset({.source = address(source), .local = address("127.0.0.1:5060"), .listener = 0},
                Ms{1});
        REQUIRE_FALSE(m.sip.parse(bytes));
    }
    FakeNet net;
    Arena arena;
    Message m{arena};
    std::string bytes;
    char buffer[1024];
};

/// "proto address:port #listener" or the error's number.
std::string text(const std::expected<Target, ScriptError>& target) {
    if (!target) return std::to_string(static_cast<int>(target.error()));
    return std::string(name(target->proto)) + " " + target->address.text() + " #" +
           std::to_string(target->listener);
}

std::string with_via(std::string_view value) {
    return request({}, "Via: SIP/2.0/UDP " + std::string(value) + "\r\n");
}

std::string with_second_via(std::string_view value) {
    std::string text = reply();
    const std::string_view old = "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1\r\n";
    const auto at = text.find(old);
    return text.replace(at, old.size(), value.empty() ? "" : "Via: " + std::string(value) + "\r\n");
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a URI becomes an address without waiting") {
    const auto [uri, expected] = GENERATE(table<std::string_view, std::string_view>({
        {"sip:bob@10.0.0.1", "udp 10.0.0.1:5060 #0"},
        {"sip:10.0.0.1:5070;transport=udp", "udp 10.0.0.1:5070 #0"},
        {"sip:10.0.0.1;transport=TCP", "tcp 10.0.0.1:5060 #1"},
        {"sip:10.0.0.1;transport=tls", "tls 10.0.0.1:5061 #3"},
        {"sips:10.0.0.1", "tls 10.0.0.1:5061 #3"},
        {"sips:10.0.0.1;transport=tcp", "tls 10.0.0.1:5061 #3"},
        {"sips:10.0.0.1;transport=udp", "-480"},
        {"sip:[2001:db8::1]:5080", "udp [2001:db8::1]:5080 #2"},
        {"sip:[::1];transport=tcp", "-7"},
        {"sip:10.0.0.1;maddr=10.9.9.9", "udp 10.0.0.1:5060 #0"},
        {"sip:10.0.0.1;transport=sctp", "-7"},
        {"sip:10.0.0.1;transport=pigeon", "-480"},
        {"sip:no-such-name.invalid", "-478"},
        {"sip:", "-479"},
        {"tel:+12015550123", "-479"},
        {"urn:service:sos", "-479"},
        {"", "-479"},
    }));
    CHECK(text(resolve(net, uri, 0, kNoListener)) == expected);
}

TEST_CASE_METHOD(Fixture, "an address as t_relay and forward take it") {
    const auto [where, expected] = GENERATE(table<std::string_view, std::string_view>({
        {"10.0.0.1", "udp 10.0.0.1:5060 #0"},
        {"10.0.0.1:5070", "udp 10.0.0.1:5070 #0"},
        {"udp:10.0.0.1:5070", "udp 10.0.0.1:5070 #0"},
        {"TCP:10.0.0.1", "tcp 10.0.0.1:5060 #1"},
        {"tls:10.0.0.1", "tls 10.0.0.1:5061 #3"},
        {"[::1]:5070", "udp [::1]:5070 #2"},
        {"udp:[::1]", "udp [::1]:5060 #2"},
        {"::1", "udp [::1]:5060 #2"},
        {"10.0.0.1:0", "-478"},
        {"10.0.0.1:65536", "-478"},
        {"10.0.0.1:", "-478"},
        {"udp:", "-478"},
        {":5060", "-478"},
        {"[::1", "-478"},
        {"", "-478"},
        {"no-such-name.invalid", "-478"},
    }));
    CHECK(text(resolve_address(net, where, 0, kNoListener)) == expected);
}

TEST_CASE_METHOD(Fixture, "the forced socket is used when it fits") {
    net.listen("udp:127.0.0.2:5062");
    CHECK(text(resolve(net, "sip:10.0.0.1", 0, 4)) == "udp 10.0.0.1:5060 #4");
    CHECK(text(resolve(net, "sip:[::1]", 0, 4)) == "udp [::1]:5060 #2");
}

TEST_CASE("names of the hosts file are known, others are not") {
    const Hosts hosts(
        "# comment\n127.0.0.1\tlocalhost  loop # x\n::1 localhost ip6\n\nbad line\n10.0.0.7 a.b\r\n"
        "10.0.0.8 last");
    CHECK(hosts.find("localhost")->ip_text() == "127.0.0.1");
    CHECK(hosts.find("LOOP")->ip_text() == "127.0.0.1");
    CHECK(hosts.find("ip6")->ip_text() == "::1");
    CHECK(hosts.find("a.b.")->ip_text() == "10.0.0.7");
    CHECK(hosts.find("last")->ip_text() == "10.0.0.8");
    CHECK_FALSE(hosts.find("x"));
    CHECK_FALSE(hosts.find("line"));
    CHECK_FALSE(hosts.find(""));
    CHECK(Hosts::system().find("localhost"));
}

TEST_CASE("localhost is known without a hosts file (RFC 6761 6.3)") {
    const Hosts none("");
    CHECK(none.find("LocalHost")->ip_text() == "127.0.0.1");
    CHECK(none.find("sip.localhost.")->ip_text() == "127.0.0.1");
    CHECK_FALSE(none.find("notlocalhost"));
    CHECK_FALSE(none.find("localhost.example"));
    CHECK_FALSE(none.find("."));
    CHECK(Hosts("127.0.0.5 localhost").find("localhost")->ip_text() == "127.0.0.5");
}

TEST_CASE_METHOD(Fixture, "a reply goes where the topmost Via says (RFC 3261 18.2.2, RFC 3581 4)") {
    struct Row {
        std::string via;
        bool force;
        Proto proto;
        std::string expected;
    };
    const auto row = GENERATE(values<Row>({
        {"10.0.0.1:5062", false, Proto::udp, "udp 127.0.0.1:5062 #0"},
        {"10.0.0.1", false, Proto::udp, "udp 127.0.0.1:5060 #0"},
        {"10.0.0.1:5062;rport", false, Proto::udp, "udp 127.0.0.1:16999 #0"},
        {"10.0.0.1:5062", true, Proto::udp, "udp 127.0.0.1:16999 #0"},
        {"10.0.0.1:5062;rport=9", false, Proto::udp, "udp 127.0.0.1:16999 #0"},
        {"10.0.0.1:5062;maddr=10.7.7.7", false, Proto::udp, "udp 127.0.0.1:5062 #0"},
        // The connection decides; its address is where a new one is opened when it is gone.
        {"10.0.0.1:5062", false, Proto::tcp, "tcp 127.0.0.1:5062 #0"},
        {"10.0.0.1;rport", true, Proto::tcp, "tcp 127.0.0.1:5060 #0"},
    }));
    receive(with_via(row.via));
    m.force_rport = row.force;
    m.received.proto = row.proto;
    m.received.connection = 7;
    CHECK(text(reply_target(m)) == row.expected);
    CHECK(reply_target(m).connection == 7);
}

TEST_CASE_METHOD(Fixture, "a relayed reply goes where the second Via says") {
    const auto [via, expected] = GENERATE(table<std::string_view, std::string_view>({
        {"SIP/2.0/UDP 10.0.0.1:5062", "udp 10.0.0.1:5062 #0"},
        {"SIP/2.0/UDP 10.0.0.1", "udp 10.0.0.1:5060 #0"},
        {"SIP/2.0/UDP h.invalid;received=10.3.3.3", "udp 10.3.3.3:5060 #0"},
        {"SIP/2.0/UDP h.invalid:5080;received=10.3.3.3;rport=7", "udp 10.3.3.3:7 #0"},
        {"SIP/2.0/UDP h.invalid;received=[::1];rport=7", "udp [::1]:7 #2"},
        {"SIP/2.0/UDP h.invalid;received=::1", "udp [::1]:5060 #2"},
        {"SIP/2.0/UDP 10.0.0.1;rport=7", "udp 10.0.0.1:7 #0"},
        {"SIP/2.0/UDP 10.0.0.1;rport", "udp 10.0.0.1:5060 #0"},
        {"SIP/2.0/UDP 10.0.0.1;received=10.3.3.3;maddr=10.4.4.4", "udp 10.4.4.4:5060 #0"},
        {"SIP/2.0/TLS 10.0.0.1", "tls 10.0.0.1:5061 #3"},
        {"SIP/2.0/UDP h.invalid", "-478"},
        {"SIP/2.0/UDP :]", "-8"},
        {"SIP/2.0/PIGEON 10.0.0.1", "-8"},
        {"", "-8"},
    }));
    const std::string bytes = with_second_via(via);
    sip::Message r;
    REQUIRE_FALSE(r.parse(bytes));
    CHECK(text(relay_target(net, r, 0)) == expected);
}

TEST_CASE_METHOD(Fixture, "a relayed reply takes the connection that our Via names") {
    const auto relayed = [&](std::string_view ours) {
        std::string bytes = with_second_via("SIP/2.0/TCP 10.0.0.1:5062");
        bytes.insert(bytes.find("\r\n", bytes.find("Via:")), ours);
        sip::Message r;
        REQUIRE_FALSE(r.parse(bytes));
        return relay_target(net, r, 0)->connection;
    };
    CHECK(relayed("") == 0);
    CHECK(relayed(";i=1f") == 31);
    CHECK(relayed(";i=ffffffff") == 0xffffffffU);
    CHECK(relayed(";i=100000000") == 0);
    CHECK(relayed(";i=-1") == 0);
    CHECK(relayed(";i=1x") == 0);
    CHECK(relayed(";i=") == 0);
    CHECK(relayed(";i") == 0);
}

TEST_CASE_METHOD(Fixture, "a request too large for a datagram goes over another transport") {
    receive(request());
    const Target udp{test::address("10.0.0.1:5070"), Proto::udp, 0};
    Globals globals;
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 60'000, m));
    globals.udp_mtu = 1300;
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 60'000, m));
    globals.udp_mtu_try_proto = Proto::tcp;
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 1300, m));
    m.forward_no_connect = true;
    const auto other = instead_of_datagram(net, globals, udp, 1301, m);
    REQUIRE(other);
    CHECK(text(*other) == "tcp 10.0.0.1:5070 #1");
    CHECK(other->no_connect);
    m.udp_mtu_try_proto = Proto::udp;  // the script does not want it for this one
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 1301, m));
    m.udp_mtu_try_proto = Proto::none;
    globals.udp_mtu_try_proto = Proto::sctp;  // nothing listens
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 1301, m));
    globals.udp_mtu_try_proto = Proto::tcp;
    CHECK_FALSE(instead_of_datagram(net, globals, *other, 1301, m));
    globals.udp_mtu_try_proto = Proto::none;
    m.udp_mtu_try_proto = Proto::tcp;
    CHECK(instead_of_datagram(net, globals, udp, 1301, m));
    m.reset(m.received, Ms{1});
    CHECK_FALSE(instead_of_datagram(net, globals, udp, 1301, m));
}

TEST_CASE_METHOD(Fixture, "what the script wants of streams is in the targets") {
    receive(request());
    m.reply_no_connect = m.forward_close = true;
    CHECK(reply_target(m).no_connect);
    CHECK_FALSE(reply_target(m).close_after);
    Target t;
    net.profile = 7;
    set_stream_use(net, t, m);
    CHECK_FALSE(t.no_connect);
    CHECK(t.close_after);
    CHECK(t.profile == 0);  // which is a matter of TLS
    t.proto = Proto::tls;
    set_stream_use(net, t, m);
    CHECK(t.profile == 7);
}

TEST_CASE_METHOD(Fixture, "our Via line") {
    receive(request());
    sip::Writer out(buffer, sizeof buffer);
    const Listener& udp = net.listeners()[0];
    CHECK(write_via(out, udp, Proto::udp, m, "z9hG4bKx") ==
          "Via: SIP/2.0/UDP " + udp.via_sent_by + ";branch=z9hG4bKx\r\n");
    m.add_local_rport = true;
    m.advertised_host = "sip.example.com";
    CHECK(write_via(out, udp, Proto::udp, m, "z9hG4bKx") ==
          "Via: SIP/2.0/UDP sip.example.com;branch=z9hG4bKx;rport\r\n");
    m.advertised_port = 5099;
    CHECK(write_via(out, net.listeners()[1], net.listeners()[1].proto, m, "b") ==
          "Via: SIP/2.0/TCP sip.example.com:5099;branch=b;rport\r\n");
    m.received.connection = 31;
    CHECK(write_via(out, net.listeners()[1], net.listeners()[1].proto, m, "b")
              .ends_with(";branch=b;rport;i=1f\r\n"));
    m.via_params = ";srvid=7";
    CHECK(write_via(out, net.listeners()[1], net.listeners()[1].proto, m, "b") ==
          "Via: SIP/2.0/TCP sip.example.com:5099;branch=b;rport;i=1f;srvid=7\r\n");
    sip::Writer small(buffer, 20);
    CHECK(write_via(small, udp, Proto::udp, m, "b").empty());
}

TEST_CASE_METHOD(Fixture, "the Warning of a reply says what was received and what became of it") {
    receive(
        request({}, "Via: SIP/2.0/UDP 127.0.0.1:5062\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n"));
    sip::Writer out(buffer, sizeof buffer);
    CHECK(write_warning(out, m.sip, m.received, "sip:x\"\\\r@y") ==
          "Warning: 392 127.0.0.1:5060 \"Noisy feedback tells:  pid=" + std::to_string(getpid()) +
              " req_src_ip=127.0.0.1 req_src_port=16999 in_uri=" +
              std::string(m.sip.request_uri()) + " out_uri=sip:x@y via_cnt==3\"\r\n");
    sip::Writer small(buffer, 20);
    CHECK(write_warning(small, m.sip, m.received, "").empty());
}

TEST_CASE_METHOD(Fixture, "the mark of a forwarded request's old Via") {
    struct Row {
        std::string via;
        bool force;
        std::string mark;
    };
    const auto row = GENERATE(values<Row>({
        {"127.0.0.1:5062", false, ""},
        {"127.0.0.1:5062", true, ";rport=16999"},
        {"127.0.0.1:5062;rport", false, ";received=127.0.0.1;rport=16999"},
        {"127.0.0.1;received=1.2.3.4", false, ";received=127.0.0.1"},
        {"10.0.0.1", false, ";received=127.0.0.1"},
        {"name.example.com", true, ";received=127.0.0.1;rport=16999"},
    }));
    receive(with_via(row.via));
    m.force_rport = row.force;
    sip::Writer out(buffer, sizeof buffer);
    CHECK(forwarded_via_mark(out, m) == row.mark);
}
