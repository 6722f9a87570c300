// corex: sending without a transaction, what a message is taken for, and where the script is.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Server : ModuleHost {
    explicit Server(const std::string& statements) {
        net.listen("udp:127.0.0.1:5060", "inside");
        net.listen("udp:127.0.0.1:5070", "outside");
        config(
            "loadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule \"corex\"\nrequest_route {\n" +
            statements + "\n}\nroute[HERE] { append_hf(\"X-R: $cfg(route)\\r\\n\"); }");
        start();
    }
};
bool holds(const std::string& condition, const Request& request) {
    Server server("if (" + condition + ") { forward(); }");
    server.receive(request.str());
    return server.pending() == 1;
}

}  // namespace

TEST_CASE("the received message is sent on as it came") {
    const Request request("OPTIONS", "sip:bob@192.0.2.9:5080");
    Server server("append_hf(\"X-A: 1\\r\\n\"); send_udp(); send_udp(\"192.0.2.7:5071\");");
    server.receive(request.str());
    REQUIRE(server.pending() == 2);
    Packet packet = server.take();
    CHECK(packet.bytes == request.str());
    CHECK(packet.target.address.text() == "192.0.2.9:5080");
    CHECK(server.take().target.address.text() == "192.0.2.7:5071");
    CHECK_FALSE(holds("send_udp(\"no.such.host\")", request));
}

TEST_CASE("any data is sent to a URI, from the socket that is asked for") {
    Server server(
        "send_data(\"sip:192.0.2.7:5071\", \"hello $rm\");"
        " sendx(\"sip:192.0.2.8\", \"udp:127.0.0.1:5070\", \"there\");");
    server.receive(Request("OPTIONS").str());
    REQUIRE(server.pending() == 2);
    CHECK(server.take().bytes == "hello OPTIONS");
    const Packet packet = server.take();
    CHECK(packet.bytes == "there");
    CHECK(packet.target.address.text() == "192.0.2.8:5060");
    const Request request("OPTIONS");
    CHECK_FALSE(holds("send_data(\"junk\", \"x\")", request));
    CHECK_FALSE(holds("send_data(\"sip:192.0.2.7\", \"\")", request));
    CHECK_FALSE(holds("sendx(\"sip:192.0.2.8\", \"udp:127.0.0.1:5999\", \"x\")", request));
}

TEST_CASE("questions about a message") {
    CHECK(holds("has_ruri_user()", Request("OPTIONS", "sip:a@192.0.2.2")));
    CHECK_FALSE(holds("has_ruri_user()", Request("OPTIONS", "sip:192.0.2.2")));
    CHECK(holds("has_user_agent()", Request("OPTIONS").header("User-Agent", "x")));
    CHECK_FALSE(holds("has_user_agent()", Request("OPTIONS")));
    CHECK_FALSE(holds("is_faked_msg()", Request("OPTIONS")));
}

TEST_CASE("a message is taken as from elsewhere") {
    const Request request("OPTIONS");
    CHECK(
        holds("set_source_address(\"udp:192.0.2.77:5099\") && $si == \"192.0.2.77\" && $sp == 5099",
              request));
    CHECK_FALSE(holds("set_source_address(\"no.such.host\")", request));
    CHECK(holds("set_recv_socket(\"udp:127.0.0.1:5070\") && $Rp == 5070", request));
    CHECK(holds("set_recv_socket_name(\"outside\") && $Rp == 5070", request));
    CHECK_FALSE(holds("set_recv_socket(\"udp:127.0.0.1:5999\")", request));
    CHECK_FALSE(holds("set_recv_socket_name(\"\")", request));
}

TEST_CASE("a reply is passed on at once, with what was changed") {
    Server server("exit; }\nreply_route { append_hf(\"X-A: 1\\r\\n\"); forward_reply(); drop;");
    Request request("INVITE");
    request.set("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKo");
    request.header("Via", "SIP/2.0/UDP 192.0.2.5:5099;branch=z9hG4bKi");
    server.receive(reply(request.str(), 183, "Moving"));
    REQUIRE(server.pending() == 1);
    const Packet packet = server.take();
    CHECK(start_line(packet.bytes) == "SIP/2.0 183 Moving");
    CHECK(header(packet.bytes, "X-A") == "1");
    CHECK(header(packet.bytes, "Via") == "SIP/2.0/UDP 192.0.2.5:5099;branch=z9hG4bKi");
    CHECK(packet.target.address.text() == "192.0.2.5:5099");
}

TEST_CASE("$cfg says where the script is") {
    Server server(
        "append_hf(\"X-L: $cfg(line)\\r\\n\");\nappend_hf(\"X-M: $cfg(line)\\r\\n\");"
        " route(HERE); forward();");
    server.receive(Request("OPTIONS").str());
    const std::string out = server.take().bytes;
    CHECK(header(out, "X-L") == "5");
    CHECK(header(out, "X-M") == "6");
    CHECK(header(out, "X-R") == "HERE");
}

TEST_CASE("send_tcp needs a TCP socket") {
    CHECK_FALSE(holds("send_tcp()", Request("OPTIONS")));
    CHECK_FALSE(holds("send_tcp(\"192.0.2.7:5071\")", Request("OPTIONS")));
}

TEST_CASE("extended and internal flags") {
    const Request request("OPTIONS");
    CHECK(
        holds("!isxflagset(\"63\") && setxflag(\"63\") && setxflag(\"0\") && isxflagset(\"63\") "
              "&& resetxflag(\"63\") && !isxflagset(\"63\") && isxflagset(\"0\")",
              request));
    CHECK_FALSE(holds("setxflag(\"64\")", request));
    CHECK_FALSE(holds("setxflag(\"-1\")", request));
    CHECK(
        holds("msg_iflag_set(\"UAC_AUTH\") && msg_iflag_is_set(\"UAC_AUTH\") && "
              "!msg_iflag_is_set(\"USE_UAC_TO\") && msg_iflag_reset(\"UAC_AUTH\") && "
              "!msg_iflag_is_set(\"UAC_AUTH\")",
              request));
    CHECK_FALSE(holds("msg_iflag_set(\"NONE\")", request));
}

TEST_CASE("a configuration that reads files in a worker is refused") {
    CHECK_THROWS(Server("file_read(\"/etc/hostname\", \"$var(x)\");"));
    CHECK_THROWS(Server("file_write(\"/tmp/x\", \"$var(x)\");"));
}
