// Stateless forwarding and its errors. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture {
    ModuleHost host;
    ScriptError error = ScriptError::none;
    std::function<void(Message&)> before = [](Message&) {};
    Fixture() {
        host.on_request([this](Message& m) {
            before(m);
            error = host.engine().forward(m);
        });
    }
    ScriptError forward(const Request& request) {
        host.receive(request.str());
        return error;
    }
};

}  // namespace

TEST_CASE("what cannot be forwarded says why") {
    Fixture f;
    f.host.start();
    CHECK(f.forward(Request("OPTIONS").max_forwards(0)) == ScriptError::too_many_hops);
    CHECK(f.forward(Request("OPTIONS", "mailto:bob@192.0.2.2")) == ScriptError::bad_uri);
    CHECK(f.forward(Request("OPTIONS", "sip:bob@host.invalid")) == ScriptError::bad_address);
    f.host.net.verdict = Sent::queue_full;
    CHECK(f.forward(Request("OPTIONS")) == ScriptError::send);
    CHECK(f.host.pending() == 0);
    CHECK(f.host.statistic("core", "fwd_requests") == 0);
}

TEST_CASE("a connection that there is not is no missing socket") {
    Fixture f;
    f.host.net.listen("udp:127.0.0.1:5060");
    f.host.net.listen("tcp:127.0.0.1:5060");
    f.host.start();
    CHECK(f.forward(Request("OPTIONS", "sip:bob@192.0.2.2;transport=tls")) ==
          ScriptError::no_socket);
    f.host.net.verdict = Sent::no_socket;
    CHECK(f.forward(Request("OPTIONS", "sip:bob@192.0.2.2")) == ScriptError::no_socket);
    CHECK(f.forward(Request("OPTIONS", "sip:bob@192.0.2.2;transport=tcp")) == ScriptError::send);
}

TEST_CASE("a request too large for a datagram leaves in one when there is no connection") {
    Fixture f;
    f.host.net.listen("udp:127.0.0.1:5060");
    f.host.net.listen("tcp:127.0.0.1:5070");
    f.host.globals.udp_mtu = 1000;
    f.host.globals.udp_mtu_try_proto = Proto::tcp;
    f.host.start();
    const auto large = Request("MESSAGE").body(std::string(1000, 'x'));
    CHECK(f.forward(large) == ScriptError::none);
    Packet sent = f.host.take();
    CHECK(sent.target.proto == Proto::tcp);
    CHECK(headers(sent.bytes, "Via")[0].starts_with("SIP/2.0/TCP 127.0.0.1:5070;"));
    f.host.net.over_streams = Sent::no_socket;
    CHECK(f.forward(large) == ScriptError::none);
    sent = f.host.take();
    CHECK(sent.target.proto == Proto::udp);
    CHECK(headers(sent.bytes, "Via")[0].starts_with("SIP/2.0/UDP 127.0.0.1;"));
    CHECK(body(sent.bytes).size() == 1000);
    // It was the only way for what is to go over TCP.
    CHECK(f.forward(Request("MESSAGE", "sip:bob@192.0.2.2;transport=tcp")) == ScriptError::send);
    f.host.net.verdict = Sent::no_socket;
    CHECK(f.forward(large) == ScriptError::no_socket);
    CHECK(f.host.pending() == 0);
}

TEST_CASE("forward() follows dst_uri and leaves the Request-URI") {
    Fixture f;
    f.before = [](Message& m) { m.target.dst_uri = "sip:192.0.2.9:5090"; };
    f.host.start();
    CHECK(f.forward(Request("OPTIONS")) == ScriptError::none);
    const Packet sent = f.host.take();
    CHECK(sent.target.address == address("192.0.2.9:5090"));
    CHECK(start_line(sent.bytes) == "OPTIONS sip:bob@192.0.2.2 SIP/2.0");
    CHECK(f.host.statistic("core", "fwd_requests") == 1);
}

TEST_CASE("a Path becomes a Route in front of the others") {
    Fixture f;
    f.before = [](Message& m) { m.target.path = "<sip:192.0.2.7;lr>"; };
    f.host.start();
    f.forward(Request("INVITE").header("Route", "<sip:192.0.2.8;lr>"));
    CHECK(headers(f.host.take().bytes, "Route") ==
          std::vector<std::string>{"<sip:192.0.2.7;lr>", "<sip:192.0.2.8;lr>"});
}

TEST_CASE("drop in onsend_route keeps the request back") {
    Fixture f;
    Route seen = Route::any;
    f.host.route(Route::onsend, "", [&](Message& m) {
        seen = m.route_type;
        return RouteResult{.code = 0, .dropped = true, .exited = true};
    });
    f.host.start();
    CHECK(f.forward(Request("OPTIONS")) == ScriptError::dropped);
    CHECK(seen == Route::onsend);
    CHECK(f.host.pending() == 0);
}

TEST_CASE("onsend_route sees what leaves and where to, and cannot send it again") {
    Fixture f;
    std::string bytes, to;
    ScriptError again = ScriptError::none;
    f.host.route(Route::onsend, "", [&](Message& m) {
        bytes = m.leaving->bytes;
        to = m.leaving->to.address.text();
        again = f.host.engine().forward(m);
        m.return_code = 5;
        return RouteResult{};
    });
    f.host.start();
    CHECK(f.forward(Request("OPTIONS", "sip:bob@192.0.2.9")) == ScriptError::none);
    CHECK(f.host.pending() == 1);
    CHECK(bytes == f.host.take().bytes);
    CHECK(to == "192.0.2.9:5060");
    CHECK(again == ScriptError::script);
}

TEST_CASE("custom parameters are found by group and name") {
    ModuleHost host;
    host.config(
        "g.a = 5 desc \"five\"\ng.ab = \"text\"\ngg.a = \"other\"\nrequest_route { exit; }\n");
    host.start();
    Core& core = host.engine();
    CHECK(core.custom_parameter("g", "a").integer() == 5);
    CHECK(core.custom_parameter("g", "ab").string() == "text");
    CHECK(core.custom_parameter("gg", "a").string() == "other");
    CHECK(core.custom_parameter("g", "none").is_null());
    CHECK(core.custom_parameter("", "g.a").is_null());
}

TEST_CASE("a forced socket is used and written into Via") {
    Fixture f;
    f.host.net.listen("udp:127.0.0.1:5060");
    f.host.net.listen("udp:127.0.0.2:5070");
    f.before = [&](Message& m) {
        CHECK(f.host.call(m, "force_send_socket", {std::string_view("udp:127.0.0.2:5070")}) == 1);
        CHECK(f.host.call(m, "force_send_socket", {std::string_view("udp:127.0.0.3")}) == -1);
    };
    f.host.start();
    f.forward(Request("OPTIONS"));
    const Packet sent = f.host.take();
    CHECK(sent.target.listener == 1);
    CHECK(header(sent.bytes, "Via")->starts_with("SIP/2.0/UDP 127.0.0.2:5070;branch="));
}

TEST_CASE("without the magic cookie the Request-URI makes the branch (RFC 3261 16.11)") {
    Fixture f;
    f.host.start();
    const auto branch_to = [&](std::string_view uri) {
        f.forward(Request("OPTIONS", uri).via("SIP/2.0/UDP 192.0.2.1;branch=1"));
        return parameter(header(f.host.take().bytes, "Via").value(), "branch");
    };
    const std::string one = branch_to("sip:bob@192.0.2.2");
    CHECK(one == branch_to("sip:bob@192.0.2.2"));
    CHECK(one != branch_to("sip:eve@192.0.2.2"));
}
