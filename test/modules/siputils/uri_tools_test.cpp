// siputils: credentials, tel URIs, GRUUs, URIs in variables, dates.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// The return code of a call, and what $var(u) is afterwards.
std::string told(const std::string& call, const Request& request = Request("OPTIONS")) {
    ModuleHost server;
    server.config(
        "loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule \"siputils\"\n"
        "request_route { $var(u) = \"sip:user@host;x=1\"; " +
        call + "; append_hf(\"X-T: $rc $var(u)\\r\\n\"); forward(); }");
    server.start();
    server.receive(request.str());
    return header(server.take().bytes, "X-T").value_or("none");
}
std::string code(const std::string& call, const Request& request = Request("OPTIONS")) {
    const std::string all = told(call, request);
    return all.substr(0, all.find(' '));
}

}  // namespace

TEST_CASE("is_user reads the credentials") {
    const Request request =
        Request("INFO").header("Proxy-Authorization", "Digest realm=\"r\", username=\"john\"");
    CHECK(code("is_user(\"john\")", request) == "1");
    CHECK(code("is_user(\"joh\")", request) == "-1");
    CHECK(code("is_user(\"john\")") == "-1");
    CHECK(code("is_user(\"john\")", Request("INFO").header("Authorization", "Digest")) == "-1");
}

TEST_CASE("tel2sip converts as RFC 3261 19.1.6 says") {
    CHECK(told("tel2sip(\"tel:+(34)-999-888-777\", \"foo.com\", \"$var(u)\")") ==
          "1 sip:+34999888777@foo.com;user=phone");
    CHECK(told("tel2sip(\"tel:+12-(34)-56-78;Ext=200;ISUB=+123-456\", \"foo.com\", \"$var(u)\")") ==
          "1 sip:+12345678;ext=200;isub=+123-456@foo.com;user=phone");
    CHECK(told("tel2sip(\"sip:a@b\", \"foo.com\", \"$var(u)\")") == "2 sip:user@host;x=1");
    CHECK(code("tel2sip(\"tel:\", \"foo.com\", \"$var(u)\")") == "-1");
    CHECK(code("tel2sip(\"tel:1\", \"\", \"$var(u)\")") == "-1");
    CHECK(code("tel2sip(\"tel:1\", \"a b\", \"$var(u)\")") == "-1");
}

TEST_CASE("GRUUs are public with a value and temporary without") {
    CHECK(code("is_gruu(\"sip:a@b;gr=x\")") == "1");
    CHECK(code("is_gruu(\"sip:a@b;gr\")") == "2");
    CHECK(code("is_gruu(\"sip:a@b\")") == "-1");
    CHECK(code("is_gruu()", Request("OPTIONS", "sip:a@192.0.2.2;gr=x")) == "1");
    CHECK(code("is_gruu(\"junk\")") == "-1");
}

TEST_CASE("parts of a URI in a variable are set") {
    CHECK(told("set_uri_user(\"$var(u)\", \"new\")") == "1 sip:new@host;x=1");
    CHECK(told("set_uri_host(\"$var(u)\", \"new\")") == "1 sip:user@new;x=1");
    CHECK(code("set_uri_host(\"$var(u)\", \"\")") == "-1");
    CHECK(code("$var(v) = \"junk\"; set_uri_user(\"$var(v)\", \"x\")") == "-1");
}

TEST_CASE("a date that is too old is refused") {
    const auto at = [](const std::string& date) {
        return code("hdr_date_check(\"10\")", Request("INFO").header("Date", date));
    };
    CHECK(at("Tue, 14 Nov 2023 22:30:00 GMT") == "1");  // the clock of tests says 22:30:00
    CHECK(at("Tue, 14 Nov 2023 22:29:50 GMT") == "1");
    CHECK(at("Tue, 14 Nov 2023 22:29:49 GMT") == "-1");
    CHECK(at("yesterday") == "-1");
    CHECK(at("Tue, 14 Nov 2023 22:30:00 GMT x") == "-1");
    CHECK(code("hdr_date_check(\"10\")") == "-1");
}

TEST_CASE("Contacts are encoded and decoded") {
    const auto contacts = [](const std::string& call, const std::string& value) {
        ModuleHost server;
        server.config("loadmodule \"sl\"\nloadmodule \"siputils\"\nrequest_route { if (" + call +
                      ") forward(); }");
        server.start();
        server.receive(Request("INVITE").set("Contact", value).str());
        return server.pending() == 0 ? "refused" : header(server.take().bytes, "Contact").value();
    };
    const std::string encode = "encode_contact(\"nat\", \"192.0.2.9\")";
    CHECK(contacts(encode, "\"A\" <sip:u:p@10.0.0.1:5062;transport=udp;x=1>;q=1") ==
          "\"A\" <sip:nat*u*p*10.0.0.1*5062*udp@192.0.2.9>;q=1");
    CHECK(contacts(encode, "<sip:10.0.0.1>, <sip:a@10.0.0.2>") ==
          "<sip:nat***10.0.0.1**@192.0.2.9>, <sip:nat*a**10.0.0.2**@192.0.2.9>");
    CHECK(contacts(encode, "<http:x>") == "refused");
    CHECK(contacts("decode_contact_header()", "<sip:nat*u*p*10.0.0.1*5062*udp@192.0.2.9>;q=1") ==
          "<sip:u:p@10.0.0.1:5062;transport=udp>;q=1");
    CHECK(contacts("decode_contact_header()", "<sip:nat***10.0.0.1**@192.0.2.9>") ==
          "<sip:10.0.0.1>");
    for (const std::string user : {"nat", "nat*u*p*h*1", "nat*u*p*h*1*udp*x", "nat*u*p**1*udp"}) {
        INFO(user);
        CHECK(contacts("decode_contact_header()", "<sip:" + user + "@192.0.2.9>") == "refused");
    }
}

TEST_CASE("an encoded Request-URI is decoded") {
    ModuleHost server;
    server.config(
        "loadmodule \"sl\"\nloadmodule \"siputils\"\n"
        "modparam(\"siputils\", \"contact_flds_separator\", \"-\")\n"
        "request_route { if (decode_contact()) forward(); }");
    server.start();
    server.receive(Request("BYE", "sip:nat-u--192.0.2.3-5062-udp@192.0.2.9").str());
    CHECK(start_line(server.take().bytes) == "BYE sip:u@192.0.2.3:5062;transport=udp SIP/2.0");
    server.receive(Request("BYE", "sip:bob@192.0.2.9").call_id("2").str());
    CHECK(server.pending() == 0);
}

TEST_CASE("contacts carry the URI that they stand for, and give it back") {
    const auto contact = [](const std::string& call, const std::string& value) {
        ModuleHost server;
        server.config(
            "loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule "
            "\"siputils\"\nrequest_route { " +
            call + "; append_hf(\"X-T: $rc $ru\\r\\n\"); $du = \"sip:192.0.2.9\"; forward(); }");
        server.start();
        server.receive(Request("REGISTER",
                               "sip:u@192.0.2.2;ksu=c2lwOmN0QDEwLjAuMC4xOjUwNjE7dHJhbnNwb3J0PXRjcA")
                           .set("Contact", value)
                           .str());
        const std::string sent = server.take().bytes;
        return header(sent, "X-T").value_or("") + "|" + header(sent, "Contact").value_or("");
    };
    const std::string ruri = "sip:u@192.0.2.2;ksu=c2lwOmN0QDEwLjAuMC4xOjUwNjE7dHJhbnNwb3J0PXRjcA";
    const std::string plain = "\"C C\" <sip:ct@10.0.0.1:5061;transport=tcp>;q=0.5";
    const std::string carried =
        "\"C C\" <sip:1.2.3.4:5060;transport=tcp;ksu="
        "c2lwOmN0QDEwLjAuMC4xOjUwNjE7dHJhbnNwb3J0PXRjcA>;q=0.5";
    const std::string encode = R"(contact_param_encode("ksu", "sip:1.2.3.4:5060;transport=tcp"))";
    CHECK(contact(encode, plain) == "1 " + ruri + "|" + carried);
    CHECK(contact(R"(contact_param_decode("ksu"))", carried) == "1 " + ruri + "|" + plain);
    CHECK(contact(R"(contact_param_decode("ksu"))", plain) == "1 " + ruri + "|" + plain);
    CHECK(contact(R"(contact_param_decode_ruri("ksu"))", "*") ==
          "1 sip:ct@10.0.0.1:5061;transport=tcp|*");
    CHECK(contact(R"(contact_param_rm("transport"))", plain) ==
          "1 " + ruri + "|\"C C\" <sip:ct@10.0.0.1:5061>;q=0.5");
    CHECK(contact(encode, "sip:a@b;q=1, <tel:+1>") ==
          "1 " + ruri + "|<sip:1.2.3.4:5060;transport=tcp;ksu=c2lwOmFAYg>;q=1, <tel:+1>");
    // What would end the line, or is no URI, is not put into a message.
    for (const char* bad : {"!!", "YQ", "c2lwOmFAYg0KWDogeQ", "c2lwOmE-QGI"}) {
        const std::string value = "<sip:h;ksu=" + std::string(bad) + ">";
        CHECK(contact(R"(contact_param_decode("ksu"))", value) == "-1 " + ruri + "|" + value);
    }
    CHECK(contact(R"(contact_param_encode("k u", "sip:h"))", plain) == "-1 " + ruri + "|" + plain);
    CHECK(contact(R"(contact_param_encode("ksu", "h"))", plain) == "-1 " + ruri + "|" + plain);
}

TEST_CASE("Remote-Party-ID is made of an AVP") {
    const auto rpid = [](const std::string& statements) {
        ModuleHost server;
        server.config(
            "loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"siputils\"\n"
            "request_route { " +
            statements + " forward(); }");
        server.start();
        server.receive(Request("INVITE").str());
        return header(server.take().bytes, "Remote-Party-ID").value_or("none");
    };
    CHECK(rpid("append_rpid_hf();") == "none");
    CHECK(rpid("$avp(rpid) = \"sip:+123@x\"; if (is_rpid_user_e164()) append_rpid_hf();") ==
          "sip:+123@x;party=calling;id-type=subscriber;screen=yes");
    CHECK(rpid("$avp(rpid) = \"\\\"A\\\" <sip:1@x>\"; if (!is_rpid_user_e164()) "
               "append_rpid_hf(\"P \", \";s=1\");") == "P \"A\" <sip:1@x>;s=1");
}

TEST_CASE("P-Charging-Vector is read, made and removed") {
    const auto told_of = [](const std::string& statements, const Request& request) {
        ModuleHost server;
        server.config(
            "loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule "
            "\"siputils\"\nrequest_route { " +
            statements +
            " append_hf(\"X-T: "
            "$pcv(value)|$pcv(genaddr)|$pcv(orig)|$pcv(term)\\r\\n\"); forward(); }");
        server.start();
        server.receive(request.str());
        const std::string sent = server.take().bytes;
        return std::pair(header(sent, "X-T").value_or(""),
                         header(sent, "P-Charging-Vector").value_or("none"));
    };
    const std::string given = "icid-value=abc;icid-generated-at=1.2.3.4;orig-ioi=o.org;term-ioi=t";
    const Request with = Request("INVITE").header("P-Charging-Vector", given);
    const std::string read = "abc|1.2.3.4|o.org|t";
    CHECK(told_of("", with) == std::pair(read, given));
    CHECK(told_of("sip_p_charging_vector(\"g\");", with) == std::pair(read, given));
    CHECK(told_of("sip_p_charging_vector(\"r\");", with) ==
          std::pair(std::string("<null>|<null>|<null>|<null>"), std::string("none")));
    const auto [variables, line] = told_of("sip_p_charging_vector(\"f\");", with);
    CHECK(line.starts_with("icid-value="));
    CHECK(line.ends_with("; icid-generated-at=127.0.0.1"));
    CHECK(line.size() == std::string("icid-value=; icid-generated-at=127.0.0.1").size() + 32);
    CHECK(variables == line.substr(11, 32) + "|127.0.0.1|<null>|<null>");
    const auto [none, gone] =
        told_of("sip_p_charging_vector(\"g\"); sip_p_charging_vector(\"r\");", Request("INVITE"));
    CHECK(gone == "none");
    CHECK(none == "<null>|<null>|<null>|<null>");
}
