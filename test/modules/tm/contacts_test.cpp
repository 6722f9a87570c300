// Serial forking by q-values.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

constexpr std::string_view kBegin =
    "loadmodule \"tm\"\nloadmodule \"tmx\"\nloadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule "
    "\"corex\"\n"
    "modparam(\"tm\", \"contacts_avp\", \"tm_contacts\")\n"
    "modparam(\"tm\", \"contact_flows_avp\", \"tm_contact_flows\")\n";

class Serial : public ModuleHost {
public:
    explicit Serial(const std::string& routes) : ModuleHost(16 << 20) {
        config(std::string(kBegin) + routes);
        start();
        receive(Request("INVITE").branch("z9hG4bKs").str());
    }
    /// Request-URIs of the INVITEs that were sent, and the status codes, with a bar behind each.
    std::string all() {
        std::string list;
        while (pending() != 0) {
            const Packet p = take();
            const std::string line = start_line(p.bytes);
            if (line.starts_with("INVITE")) sent[p.target.address.text()] = p.bytes;
            if (line.starts_with("INVITE"))
                list += line.substr(7, line.find(' ', 7) - 7) + "|";
            else if (line.starts_with("SIP/2.0 ") && line.substr(8, 3) != "100") {
                list += line.substr(8, 3) + "|";
                last = line;
            }
        }
        return list;
    }
    void answer(std::string_view from, int code) {
        receive(reply(sent.at(std::string(from)), code, "Answer", "t"), from);
    }
    std::map<std::string, std::string> sent;
    std::string last;  ///< start line of the last reply
};

const std::string kThree =
    "append_branch(\"sip:half@192.0.2.11\", \"0.5\"); append_branch(\"sip:full@192.0.2.12\", "
    "\"1.0\");"
    " append_branch(\"sip:other@192.0.2.13\", \"0.5\"); ";
const std::string kNext =
    "failure_route[N] { if (t_next_contacts()) { t_on_failure(\"N\"); t_relay(); } }\n";

}  // namespace

TEST_CASE("the highest q first, equal ones together, those without q last") {
    Serial call("request_route { " + kThree +
                "t_load_contacts(); t_next_contacts(); t_on_failure(\"N\"); t_relay(); }\n" +
                kNext);
    CHECK(call.all() == "sip:full@192.0.2.12|");
    call.answer("192.0.2.12:5060", 404);
    CHECK(call.all() == "sip:other@192.0.2.13|sip:half@192.0.2.11|");
    call.answer("192.0.2.11:5060", 404);
    call.answer("192.0.2.13:5060", 480);
    CHECK(call.all() == "sip:bob@192.0.2.2|");
    call.answer("192.0.2.2:5060", 486);
    CHECK(call.all() == "486|");
    call.advance(Ms(40000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

TEST_CASE("one destination stays where it is: loading says 1, and there is no next one") {
    Serial call(
        "request_route { t_next_contacts(); $var(a) = $rc; t_load_contacts(); $var(b) = $rc; "
        "t_next_contacts(); $var(c) = $rc; sl_send_reply(\"480\", \"$var(a) $var(b) $var(c)\"); }");
    CHECK(start_line(call.take().bytes) == "SIP/2.0 480 -2 1 -2");
}

TEST_CASE("by weight: one after the other, each once, those without weight last") {
    Serial call("request_route { " + kThree +
                "t_load_contacts(\"1\"); t_next_contacts(); t_on_failure(\"N\"); t_relay(); }\n" +
                kNext);
    std::string order;
    for (std::string one = call.all(); one.starts_with("sip:"); one = call.all()) {
        CHECK(one.find('|') == one.size() - 1);
        order += one.substr(4, 1);
        const std::string address = one.substr(one.find('@') + 1);
        call.answer(address.substr(0, address.size() - 1) + ":5060", 404);
    }
    CHECK(order.size() == 4);
    CHECK(order.back() == 'b');
}

TEST_CASE("by weight: who is the first differs from call to call") {
    Serial call("request_route { " + kThree +
                "t_load_contacts(\"1\"); t_next_contacts(); sl_send_reply(\"480\", \"$rU\"); }");
    std::map<std::string, int> first;
    for (int i = 0; i < 40; ++i) {
        call.receive(Request("MESSAGE").branch("z9hG4bKw" + std::to_string(i)).str());
        first[start_line(call.take().bytes)]++;
    }
    CHECK(first.size() == 3);  // 40 draws with one seed
}

TEST_CASE("of one instance one contact is tried; its other flows wait for t_next_contact_flow") {
    Serial call(
        "request_route {\n"
        "  $xavp(tm_contacts=>uri) = \"sip:b2@192.0.2.12\"; $xavp(tm_contacts[0]=>instance) = "
        "\"<x>\";\n"
        "  $xavp(tm_contacts=>uri) = \"sip:a@192.0.2.11\"; $xavp(tm_contacts[0]=>instance) = "
        "\"<x>\";\n"
        "  t_next_contacts(); t_on_failure(\"F\"); t_relay(); }\n"
        "failure_route[F] { if (t_next_contact_flow()) { t_on_failure(\"F\"); t_relay(); } else { "
        "t_reply(\"480\", \"$rc\"); } }");
    CHECK(call.all() == "sip:a@192.0.2.11|");
    call.answer("192.0.2.11:5060", 430);
    CHECK(call.all() == "sip:b2@192.0.2.12|");
    call.answer("192.0.2.12:5060", 430);
    CHECK(call.all() == "480|");
}

TEST_CASE("xavp_contact: the attributes of a contact come and go with it") {
    Serial call(
        "modparam(\"tm\", \"xavp_contact\", \"ulattrs\")\n"
        "request_route {\n"
        "  $xavp(ulattrs=>name) = \"other\"; $xavp(ulattrs=>name) = \"full\";\n"
        "  $xavp(ulattrs=>name) = \"half\"; $xavp(ulattrs=>name) = \"bob\"; " +
        kThree +
        "  t_load_contacts(); $avp(seen) = \"\" + $xavp(ulattrs=>name); route(N); }\n"
        "route[N] { if (!t_next_contacts()) { t_reply(\"480\", \"$avp(seen)\"); exit; }\n"
        "  $avp(seen) = $avp(seen) + \" \" + $xavp(ulattrs=>name) + \"+\" + "
        "$xavp(ulattrs[1]=>name); t_on_failure(\"N\"); t_relay(); }\n"
        "failure_route[N] { route(N); }");
    CHECK(call.all() == "sip:full@192.0.2.12|");
    call.answer("192.0.2.12:5060", 404);
    CHECK(call.all() == "sip:other@192.0.2.13|sip:half@192.0.2.11|");
    call.answer("192.0.2.11:5060", 404);
    call.answer("192.0.2.13:5060", 404);
    CHECK(call.all() == "sip:bob@192.0.2.2|");
    call.answer("192.0.2.2:5060", 404);
    CHECK(call.all() == "480|");
    CHECK(call.last == "SIP/2.0 480  full+ other+half bob+");
}

TEST_CASE("contacts_avp needs contact_flows_avp, and the functions need both") {
    TmHost half;
    half.param("tm", "contacts_avp", "x"sv);
    half.on_request([](Message&) {});
    CHECK_FALSE(half.try_start().has_value());
    TmHost none;
    int load = 0, next = 0, flow = 0;
    none.on_request([&](Message& m) {
        load = none.call(m, "t_load_contacts");
        next = none.call(m, "t_next_contacts");
        flow = none.call(m, "t_next_contact_flow");
    });
    none.start();
    none.receive(Request("INVITE").branch("z9hG4bKs").str());
    CHECK(load == -1);
    CHECK(next == -1);
    CHECK(flow == -1);
}

}  // namespace fairlead::test
