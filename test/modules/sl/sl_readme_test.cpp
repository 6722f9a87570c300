// Every example of sl's README, as it stands there without its lines of dots; and sl's interface.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/sl/api.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

class Readme : public ModuleHost {
public:
    explicit Readme(const std::string& routes) {
        config("loadmodule \"pv\"\nloadmodule \"sl\"\nloadmodule \"tm\"\nloadmodule \"textops\"\n" +
               routes);
        start();
    }
    /// Start lines of what is sent back for a request of alice's.
    std::string answer() {
        receive(Request("MESSAGE").branch("z9hG4bKs").str());
        return all();
    }
    std::string all() {
        std::string lines;
        while (pending() != 0) lines += start_line(take().bytes) + "|";
        return lines;
    }
};

/// Uses all of sl's interface.
class User final : public Module, sl::Watcher {
public:
    sl::Api* sl = nullptr;
    Result<void> prepare(Core&) override {
        sl->watch(*this);
        return {};
    }
    Verdict answer(Message& m) {
        m.error = ScriptError::bad_address;
        tag = sl->to_tag(m);
        return Verdict(sl->send_error(m));
    }
    void replied(Message&, int code, std::string_view reply) override {
        codes += std::to_string(code) + start_line(reply).substr(0, 7) + "|";
    }
    void absorbed(Message& ack) override { acks += std::string(ack.sip.method_text()); }
    std::string codes, acks, tag;
};
constexpr Function kUserFunctions[] = {
    function<&User::answer>("user_answer", "Answers.", Route::request)};
constexpr Need kUserNeeds[] = {needs<&User::sl>()};
constexpr Descriptor kUser{.name = "user",
                           .summary = "Uses sl.",
                           .create = make_module<User>,
                           .functions = kUserFunctions,
                           .needs = kUserNeeds};

}  // namespace

TEST_CASE("README: default_code") {
    Readme server(
        "modparam(\"sl\", \"default_code\", 505)\nroute { sl_send_reply(\"x\", \"Odd\"); }");
    CHECK(server.answer() == "SIP/2.0 505 Odd|");
}

TEST_CASE("README: default_reason") {
    Readme server(
        "modparam(\"sl\", \"default_reason\", \"Server Error\")\nroute { sl_send_reply(\"500\", "
        "\"$null\"); }");
    CHECK(server.answer() == "SIP/2.0 500 Server Error|");
}

TEST_CASE("README: bind_tm") {
    const std::string route = "route { t_newtran(); send_reply(\"404\", \"Not found\"); }";
    Readme with(route);
    CHECK(with.answer() == "SIP/2.0 404 Not found|");
    CHECK(with.statistic("sl", "sent_replies") == 0);
    Readme without("modparam(\"sl\", \"bind_tm\", 0) # feature disabled\n" + route);
    CHECK(without.answer() == "SIP/2.0 404 Not found|");
    CHECK(without.statistic("sl", "sent_replies") == 1);
}

TEST_CASE("README: sl_send_reply") {
    Readme server("route {\nsl_send_reply(\"404\", \"Not found\");\n}");
    CHECK(server.answer() == "SIP/2.0 404 Not found|");
}

TEST_CASE("README: send_reply") {
    Readme server("route {\nsend_reply(\"404\", \"Not found\");\n}");
    CHECK(server.answer() == "SIP/2.0 404 Not found|");
    Readme named("route {\nsend_reply(\"403\", \"Invalid user - $fU\");\n}");
    CHECK(named.answer() == "SIP/2.0 403 Invalid user - alice|");
}

TEST_CASE("README: sl_reply_error") {
    Readme server("route {\nsl_reply_error();\n}");
    CHECK(server.answer() == "SIP/2.0 500 I'm terribly sorry, server error occurred (1/SL)|");
}

TEST_CASE("README: sl_forward_reply") {
    const std::string body = "if(status==\"408\")\nsl_forward_reply(\"404\", \"Not found\");\n";
    const auto passed = [&](const std::string& route) {
        Readme server("request_route { }\n" + route);
        server.receive(
            "SIP/2.0 408 Request Timeout\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKother\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\n"
            "To: <sip:b@x>;tag=2\r\nCall-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
            "192.0.2.2:5060");
        return server.all();
    };
    // The received reply is passed on as well, unless it is dropped.
    CHECK(passed("onreply_route {\n" + body + "}") ==
          "SIP/2.0 404 Not found|SIP/2.0 408 Request Timeout|");
    CHECK(passed("onreply_route {\n" + body + "drop;\n}") == "SIP/2.0 404 Not found|");
}

TEST_CASE("sl_forward_reply may stand in an onreply_route of a transaction") {
    CHECK_NOTHROW(
        Readme("request_route { t_on_reply(\"r\"); t_relay(); }\nonreply_route[r] { "
               "sl_forward_reply(\"404\", \"x\"); }"));
}

TEST_CASE("send_reply_mode is send_reply, whatever the mode") {
    Readme server("route { send_reply_mode(\"403\", \"Invalid user - $fU\", \"3\"); }");
    CHECK(server.answer() == "SIP/2.0 403 Invalid user - alice|");
}

TEST_CASE("callbacks of embedded languages are taken") {
    CHECK_NOTHROW(
        Readme("modparam(\"sl\", \"event_callback_fl_ack\", \"f\")\n"
               "modparam(\"sl\", \"event_callback_lres_sent\", \"f\")\nroute { }"));
}

TEST_CASE("event_route[sl:filtered-ack] sees the ACK that is absorbed") {
    Readme server(
        "request_route { if ($rm == \"OPTIONS\") { sl_send_reply(\"200\", \"$shv(ack)\"); exit; }\n"
        "sl_send_reply(\"404\", \"Not found\"); }\n"
        "event_route[sl:filtered-ack] { $shv(ack) = $rm + \" \" + $ci; }");
    server.receive(Request("INVITE").branch("z9hG4bKi").call_id("c1").str());
    const std::string tag = parameter(*header(server.take().bytes, "To"), "tag");
    server.receive(Request("ACK").branch("z9hG4bKi").call_id("c1").to_tag(tag).str());
    CHECK(server.pending() == 0);
    server.receive(Request("OPTIONS").branch("z9hG4bKo").str());
    CHECK(server.all() == "SIP/2.0 200 ACK c1|");
}

TEST_CASE("other modules answer through sl and are told of what it does") {
    ModuleHost host;
    host.load("sl");
    host.add(kUser);
    host.on_request([&](Message& m) { (void)host.call(m, "user_answer"); });
    host.start();
    host.receive(Request("INVITE").branch("z9hG4bKi").call_id("c1").str());
    const std::string reply = host.take().bytes;
    CHECK(start_line(reply) == "SIP/2.0 478 Unresolvable destination (478/SL)");
    User* const user = host.module<User>("user");
    CHECK(user->codes == "478SIP/2.0|");
    CHECK(parameter(*header(reply, "To"), "tag") == user->tag);
    host.receive(Request("ACK").branch("z9hG4bKi").call_id("c1").to_tag(user->tag).str());
    CHECK(user->acks == "ACK");
}
