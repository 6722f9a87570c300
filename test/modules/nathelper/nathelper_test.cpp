// nathelper: the Contact lines, targets and codes that Kamailio 5.6.3 gives for the same requests.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

struct Server : OneRequest {
    Server() : OneRequest({"nathelper"}) { start(); }
    std::string contact(const std::string& value, std::string_view function,
                        const std::vector<Value>& args = {}) {
        result = code(Request("INVITE").set("Contact", value), function, args);
        return header(last, "Contact").value_or("");
    }
    int result = 0;
};

}  // namespace

TEST_CASE("fix_nated_contact writes the source into the contact") {
    Server s;
    CHECK(s.contact("<sip:al@10.0.0.1:5066>", "fix_nated_contact") == "<sip:al@192.0.2.1:5060>");
    CHECK(s.contact("sip:al@10.0.0.1", "fix_nated_contact") == "sip:al@192.0.2.1:5060");
    CHECK(s.contact("<sip:10.0.0.1;a=b?x=y>", "fix_nated_contact") ==
          "<sip:192.0.2.1:5060;a=b?x=y>");
    CHECK(s.contact("<sip:al@[2001:db8::1]:5066>", "fix_nated_contact") ==
          "<sip:al@192.0.2.1:5060>");
    for (const char* bad : {"*", "<tel:+123>", "<"}) {
        CHECK(s.contact(bad, "fix_nated_contact") == bad);
        CHECK(s.result == -1);
    }
}

TEST_CASE("aliases are added and followed") {
    Server s;
    CHECK(s.contact("<sip:al@10.0.0.1:5066>", "add_contact_alias") ==
          "<sip:al@10.0.0.1:5066;alias=192.0.2.1~5060~1>");
    CHECK(s.contact("<sip:al@10.0.0.1>", "set_contact_alias") ==
          "<sip:al@10.0.0.1;alias=192.0.2.1~5060~1>");
    CHECK(s.contact("<sip:al@10.0.0.1>", "add_contact_alias", {"1.2.3.4"sv, "55"sv, "tcp"sv}) ==
          "<sip:al@10.0.0.1;alias=1.2.3.4~55~2>");
    CHECK(s.contact("<sip:al@h>", "add_contact_alias", {"x"sv, "55"sv, "tcp"sv}) == "<sip:al@h>");
    const auto follow = [&](const std::string& uri) {
        std::string out;
        s.run(Request("INVITE", uri), [&](Message& m) {
            const int result = s.call(m, "handle_ruri_alias");
            out = std::to_string(result) + " " + std::string(m.uri()) + " " +
                  std::string(m.target.dst_uri);
            m.target.dst_uri = "sip:192.0.2.99";
        });
        return out;
    };
    CHECK(follow("sip:u@h;alias=1.2.3.4~55~1") == "1 sip:u@h sip:1.2.3.4:55");
    CHECK(follow("sip:u@h;a=b;alias=1.2.3.4~55~2;c") ==
          "1 sip:u@h;a=b;c sip:1.2.3.4:55;transport=tcp");
    CHECK(follow("sip:u@h") == "2 sip:u@h ");
    CHECK(follow("sip:u@h;alias=1.2.3.4") == "-1 sip:u@h;alias=1.2.3.4 ");
    CHECK(follow("sip:u@h;alias=1.2.3.4~99999~1").starts_with("-1 "));
}

TEST_CASE("an alias stands behind host and port, or behind all parameters") {
    Server s;
    const auto add = [&](const char* contact) { return s.contact(contact, "add_contact_alias"); };
    CHECK(add("<sip:c@10.0.0.9:5061;transport=tcp?h=1>;expires=5") ==
          "<sip:c@10.0.0.9:5061;alias=192.0.2.1~5060~1;transport=tcp?h=1>;expires=5");
    CHECK(add("sip:c@10.0.0.9:5061;expires=60") ==
          "<sip:c@10.0.0.9:5061;alias=192.0.2.1~5060~1>;expires=60");
    CHECK(add("\"A\" <sip:c@h>;q=1, <sip:d@i:1>") ==
          "\"A\" <sip:c@h>;q=1, <sip:d@i:1;alias=192.0.2.1~5060~1>");
    CHECK(add("<sip:c@h;alias=1.2.3.4~55~1>") ==
          "<sip:c@h;alias=192.0.2.1~5060~1;alias=1.2.3.4~55~1>");
    const auto set = [&](const char* contact, const std::vector<Value>& args) {
        return s.contact(contact, "set_contact_alias", args);
    };
    CHECK(set("<sip:c@h;x=y>", {}) == "<sip:c@h;x=y;alias=192.0.2.1~5060~1>");
    CHECK(set("<sip:c@h;x=y?h=1>", {}) == "<sip:c@h;x=y;alias=192.0.2.1~5060~1?h=1>");
    CHECK(set("<sip:c@h;alias=1.2.3.4~55~2;x=y>", {0}) ==
          "<sip:c@h;alias=1.2.3.4~55~2;x=y;alias=192.0.2.1~5060~1>");
    CHECK(set("<sip:c@h;alias=1.2.3.4~55~2;x=y>", {1}) == "<sip:c@h;x=y;alias=192.0.2.1~5060~1>");
    CHECK(set("sip:c@h;expires=6", {}) == "<sip:c@h;alias=192.0.2.1~5060~1>;expires=6");
}

TEST_CASE("set_alias_to_pv writes the alias as a URI") {
    ModuleHost host;
    host.config(R"cfg(loadmodule "pv.so" loadmodule "nathelper.so" loadmodule "sl.so"
        request_route {
            $var(r) = set_alias_to_pv("$var(u)");
    sl_send_reply("200", "$var(r) $var(u)");
})cfg");
    host.start();
    const auto said = [&](const char* contact) {
        host.receive(Request("OPTIONS").set("Contact", contact).str());
        return start_line(host.take().bytes);
    };
    CHECK(said("<sip:c@h;alias=1.2.3.4~55~2;x=y>") == "SIP/2.0 200 1 sip:1.2.3.4:55;transport=tcp");
    CHECK(said("<sip:c@h;alias=1.2.3.4~55~1>") == "SIP/2.0 200 1 sip:1.2.3.4:55;transport=udp");
    for (const char* none : {"<sip:c@h>", "<sip:c@h;alias=1.2.3.4~x~1>", "<sip:c@h;alias=", "*"}) {
        CHECK(said(none).starts_with("SIP/2.0 200 -1 "));
    }
}

TEST_CASE("add_rcv_param marks every contact") {
    Server s;
    CHECK(s.contact("\"A\" <sip:c@h>;q=1, <sip:d@i:1>", "add_rcv_param") ==
          "\"A\" <sip:c@h>;q=1;received=\"sip:192.0.2.1:5060\", "
          "<sip:d@i:1>;received=\"sip:192.0.2.1:5060\"");
    CHECK(s.contact("<sip:c@h;x=y?h=1>;q=1, sip:d@i;expires=5", "add_rcv_param", {1}) ==
          "<sip:c@h;x=y;received=sip:192.0.2.1:5060?h=1>;q=1, "
          "sip:d@i;received=sip:192.0.2.1:5060;expires=5");
    CHECK(s.contact("*", "add_rcv_param") == "*");
    CHECK(s.result == 1);
}

TEST_CASE("fix_nated_sdp changes addresses and marks of a body") {
    Server s;
    const std::string head = "v=0\r\no=a 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\n";
    const std::string audio = "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4001 IN IP4 10.0.0.1\r\n";
    const std::string video = "m=video 0 RTP/AVP 31\r\nc=IN IP4 0.0.0.0\r\n";
    const auto fixed = [&](const std::vector<Value>& args, const std::string& sdp) {
        s.result = s.code(Request("INVITE").body(sdp), "fix_nated_sdp", args);
        return body(s.last);
    };
    CHECK(fixed({1}, head + audio + video) ==
          head + audio + "a=direction:active\r\n" + video + "a=direction:active\r\n");
    CHECK(s.result == 2);
    const auto with = [](std::string text, std::size_t which, std::string_view ip) {
        std::size_t at = 0;
        for (std::size_t n = 0; n <= which; ++n) at = text.find("10.0.0.1", n == 0 ? 0 : at + 1);
        return text.replace(at, 8, ip);
    };
    const std::string old = "a=oldmediaip:10.0.0.1\r\n";
    CHECK(fixed({2}, head + audio + video) ==
          with(head, 1, "192.0.2.1") + with(audio, 0, "192.0.2.1") + video + old + old);
    CHECK(s.result == 1);
    CHECK(fixed({8, "9.8.7.6"sv}, head + audio + video) ==
          with(head, 0, "9.8.7.6") + with(audio, 0, "9.8.7.6") + video + old + old);
    CHECK(fixed({4}, head + video) == head + video + "a=nortpproxy:yes\r\n");
    CHECK(fixed({4}, head + video + "a=nortpproxy:yes\r\n") ==
          head + video + "a=nortpproxy:yes\r\n");
    CHECK(s.result == 2);
    CHECK(fixed({2}, "c=IN IP4 10.0.0.1") == "c=IN IP4 192.0.2.1\r\n" + old);
    CHECK(fixed({2, "::1"sv}, head) == head);
    CHECK(s.result == -1);
    CHECK(s.code(Request("INVITE"), "fix_nated_sdp", {2}) == -1);
    CHECK(s.code(Request("INVITE").body(head, "text/plain"), "fix_nated_sdp", {2}) == -1);
}

TEST_CASE("$rr_count and $rr_top_count") {
    Server s;
    const auto counts = [&](const Request& request) {
        std::string out;
        s.run(request, [&](Message& m) {
            for (const char* name : {"rr_count", "rr_top_count"}) {
                out += std::to_string(s.variable(m, name).integer()) + " ";
            }
        });
        return out;
    };
    CHECK(counts(Request("INVITE")) == "0 0 ");
    CHECK(counts(Request("INVITE").header("Record-Route",
                                          "<sip:1.1.1.1;lr>, <sip:3.3.3.3;r2=on;lr>")) == "2 1 ");
    CHECK(counts(Request("INVITE")
                     .header("Record-Route", "<sip:1.1.1.1;r2=on;lr>")
                     .header("Record-Route", "<sip:1.1.1.1:2;r2=on;lr>, <sip:3.3.3.3;lr>")) ==
          "3 2 ");
}

TEST_CASE("private addresses") {
    Server s;
    const auto is = [&](std::string_view ip) {
        return s.code(Request("OPTIONS"), "is_rfc1918", {ip}) == 1;
    };
    for (const char* ip : {"10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.0.1", "100.64.0.1",
                           "100.127.0.1", "192.0.0.7", "192.0.0.200"})
        CHECK(is(ip));
    for (const char* ip :
         {"11.1.2.3", "172.32.0.1", "192.169.0.1", "100.128.0.1", "192.0.2.1", "::1", "host", ""})
        CHECK_FALSE(is(ip));
}

TEST_CASE("each test of nat_uac_test") {
    Server s;
    const auto test = [&](int bits, const std::string& contact, const std::string& via) {
        return s.code(Request("INVITE")
                          .set("Contact", contact)
                          .via("SIP/2.0/UDP " + via + ";branch=z9hG4bKa"),
                      "nat_uac_test", {bits}) == 1;
    };
    const std::string open = "<sip:a@192.0.2.1:5060>", source = "192.0.2.1:5060";
    for (const int bit : {1, 2, 4, 16, 32, 64, 128}) CHECK_FALSE(test(bit, open, source));
    CHECK(test(1, "<sip:a@10.0.0.1>", source));
    CHECK(test(2, open, "192.0.2.9:5060"));
    CHECK(test(4, open, "10.0.0.1"));
    CHECK(test(16, open, "192.0.2.1:5099"));
    CHECK(test(128, "<sip:a@192.0.2.1:5099>", source));
    CHECK(test(19, "<sip:a@10.0.0.1>", source));
}

TEST_CASE("nat_uac_test looks at the connection addresses of an SDP body") {
    Server s;
    const auto test = [&](int bits, const std::string& lines) {
        return s.code(Request("INVITE").body("v=0\r\n" + lines), "nat_uac_test", {bits}) == 1;
    };
    const std::string own = "c=IN IP4 192.0.2.1\r\n";
    CHECK_FALSE(test(8, own));
    CHECK(test(8, own + "m=audio 1 RTP/AVP 0\r\nc=IN IP4 10.0.0.1/127\r\n"));
    CHECK_FALSE(test(8, "s=c=IN IP4 10.0.0.1\r\n"));
    CHECK_FALSE(test(256, own));
    CHECK(test(256, own + "c=IN IP4 192.0.2.2\n"));
    CHECK(test(256, "c=IN IP6 2001:db8::1"));
    CHECK_FALSE(test(256, "c=IN IP4 host\r\nc=IN IP4 \r\nc=IN IP4"));
    CHECK(s.code(Request("INVITE"), "nat_uac_test", {8 + 256}) == -1);
}

TEST_CASE("nat_uac_test 512: the target is not what the Request-URI says") {
    Server s;
    const auto test = [&](std::string_view next) {
        int result = 0;
        s.run(Request("INVITE", "sip:bob@192.0.2.50"), [&](Message& m) {
            m.target.dst_uri = next;
            result = s.call(m, "nat_uac_test", {512});
        });
        return result == 1;
    };
    CHECK_FALSE(test(""));
    CHECK_FALSE(test("sip:192.0.2.50:5060"));
    CHECK(test("sip:192.0.2.50:5061"));
    CHECK(test("sip:192.0.2.51"));
    CHECK(test("sip:192.0.2.50:5060;transport=ws"));
}

TEST_CASE("fix_nated_register puts the source into the variable of received_avp") {
    const auto run = [](const std::string& param) {
        ModuleHost host;
        host.config("loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"nathelper\"\n" + param +
                    "\nrequest_route { fix_nated_register(); "
                    "sl_send_reply(\"200\", \"$rc $avp(rcv)\"); }\n");
        host.start();
        host.receive(Request("REGISTER").str());
        return start_line(host.take().bytes);
    };
    CHECK(run("modparam(\"nathelper\", \"received_avp\", \"$avp(rcv)\")") ==
          "SIP/2.0 200 1 sip:192.0.2.1:5060");
    CHECK(run("") == "SIP/2.0 200 -1 <null>");
}
